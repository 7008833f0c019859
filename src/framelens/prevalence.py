"""How often is each frame used, by outlet or month? Counts of a model's decisions, and counts corrected for its errors."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framelens.data import Columns, LabelledSentences, label_names, load_dataset, rows_of
from framelens.errors import DataError
from framelens.evaluation import Scorer, guess_columns
from framelens.grouping import group_of, group_positions
from framelens.readers import BadRow, Row, raise_bad_rows
from framelens.shares import Array, adjusted_count, design_based, naive_count
from framelens.tables import Table, Tabular, percent

METHODS = {"naive": "naive count", "adjusted": "adjusted count", "dsl": "design-based (DSL)"}
ALL = "(all)"
_SCORE = "score_"  # begins the columns of scores that `framelens classify` writes


@dataclass(frozen=True)
class Prevalence(Tabular):
    """The result of :func:`frame_prevalence`.

    Attributes:
        by: what the groups are made of; empty for the whole corpus only.
        sentences, articles, labelled: in the whole corpus.
        level: of the intervals.
        sampling: where the sampling probabilities come from.
        rows: one per group, frame and method: ``group``, ``frame``, ``method`` (``naive``, ``adjusted`` or ``dsl``), ``share``,
            ``error`` (standard), ``low``, ``high``, and ``sentences``, ``articles`` and ``labelled`` of the group. What cannot be
            estimated is None.
    """

    by: tuple[str, ...]
    sentences: int
    articles: int
    labelled: int
    level: float
    sampling: str
    rows: tuple[Mapping[str, Any], ...]

    @property
    def title(self) -> str:
        """What was counted, in a line."""
        return f"Frame shares of {self.sentences} sentences of {self.articles} articles, {self.labelled} sentences labelled"

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``json`` can write."""
        return {**asdict(self), "rows": [dict(row) for row in self.rows]}

    def tables(self) -> list[Table]:
        """A table per frame, a row per group: per cent, with intervals."""
        cells: dict[str, dict[str, dict[str, Any]]] = {}
        for row in self.rows:
            cells.setdefault(row["frame"], {}).setdefault(row["group"], {})[row["method"]] = row
        methods = [method for method in METHODS if any(row["method"] == method for row in self.rows)]
        header = [
            " / ".join(self.by) or "corpus",
            "sentences",
            "articles",
            "labelled",
            *(METHODS[method] for method in methods),
        ]
        tables = []
        for frame, groups in cells.items():
            lines = []
            for group, found in groups.items():
                one = found[methods[0]]
                sizes = [str(one[key]) for key in ("sentences", "articles", "labelled")]
                lines.append([group, *sizes, *(_cell(found[method]) for method in methods)])
            tables.append(Table(frame, header, lines))
        return tables

    def notes(self) -> list[str]:
        """What the figures rest on."""
        lines = [f"Per cent of sentences, {100 * self.level:g}% intervals clustered by article. {self.sampling}"]
        if not self.labelled:
            lines.append("Naive counts are not corrected for the model's errors: label a random sample to correct them.")
        return lines


def frame_prevalence(
    corpus: str | Path | Iterable[Mapping[str, Any]],
    labelled: LabelledSentences | str | Path | Iterable[Mapping[str, Any]] | None = None,
    *,
    model: Scorer | str | os.PathLike[str] = "default",
    by: Sequence[str] = (),
    columns: Columns | None = None,
    probability: str = "probability",
    strata: str | None = None,
    level: float = 0.95,
    seed: int = 13,
) -> Prevalence:
    """Shares of sentences per frame and group, as counted and as corrected with a labelled subsample.

    Three estimates stand side by side: the naive count, the adjusted count (Rogan & Gladen 1978; Forman 2008), which takes the
    model's error rates to be the same in every group, and design-based supervised learning (Egami, Hinck, Stewart & Wei 2023), which
    assumes nothing of the model and is the one to publish. See :mod:`framelens.shares`. The labelled sentences must be drawn at
    random from the corpus, and must not be ones that the model was trained on.

    Args:
        corpus: a file or rows of sentences: ``text``, ``id``, ``article_id`` (or ``name``), and the columns to group by. Rows with
            columns ``frames`` and ``score_...``, as ``framelens classify --format csv`` writes them, are taken as they are; others are read
            by ``model``.
        labelled: the labelled subsample: ``id`` of a row of the corpus, labels, and the sampling probability, if they differ.
            None gives naive counts alone.
        model: a classifier, or the name or folder of a checkpoint.
        by: columns whose values, crossed, make the groups; ``date:month`` and ``date:year`` cut a date.
        columns: of ``labelled``; None finds a column named frames, labels, frame or label.
        probability: column of ``labelled`` with the probability with which the sentence was sampled. Where it is not there, sentences
            were drawn with equal probability, or with equal probability within ``strata``.
        strata: column of the corpus within which sentences were drawn with equal probability.
        level: of the intervals.
        seed: of the folds of cross-fitting.

    Raises:
        DataError: unusable rows, a labelled id that is not in the corpus, a probability that is not above 0 and at most 1,
            or a column that is not there.

    Examples:
        >>> from framelens import frame_prevalence
        >>> rows = [{"text": "Both sides agreed to keep talking.", "outlet": "Post"}, {"text": "It rained.", "outlet": "Post"}]
        >>> shares = frame_prevalence(rows, by=["outlet"])
        >>> [row["share"] for row in shares.rows if row["group"] == "Post" and row["frame"] == "cooperation_appeal"]
        [0.5]
    """
    if not 0 < level < 1:
        raise DataError(f"level must be between 0 and 1; received {level}")
    read = _read_corpus(corpus)
    names, guess, scores = _predictions(read, model)
    articles = [str(r.values.get("article_id") or r.values.get("name") or r.where) for r in read]
    clusters = np.unique(articles, return_inverse=True)[1]
    truth = np.zeros_like(guess)
    sampled = np.zeros(len(read), dtype=bool)
    chance = np.ones(len(read))
    sampling = "No labelled sentences."
    if labelled is not None:
        positions, data = _place(labelled, read, columns, names)
        sampled[positions] = True
        truth[positions] = data.matrix(names)
        chance, sampling = _probabilities(positions, data, read, probability, strata)
    groups = {ALL: np.ones(len(read), dtype=bool)}
    if by:
        keys = _crossed(read, by)
        groups |= {key: np.array([k == key for k in keys]) for key in sorted(set(keys))}
    rows = []
    for group, within in groups.items():
        sizes = {
            "sentences": int(within.sum()),
            "articles": len(np.unique(clusters[within])),
            "labelled": int((within & sampled).sum()),
        }
        for column, frame in enumerate(names):
            y, g = truth[:, column], guess[:, column]
            estimates = {"naive": naive_count(g, clusters, within, level)}
            if labelled is not None:
                estimates["adjusted"] = adjusted_count(g, y, sampled, chance, clusters, within, level)
                estimates["dsl"] = design_based(scores[:, column], y, sampled, chance, clusters, within, level, seed)
            rows += [
                {"group": group, "frame": frame, "method": method, **_plain(asdict(estimate)), **sizes}
                for method, estimate in estimates.items()
            ]
    return Prevalence(tuple(by), len(read), len(set(articles)), int(sampled.sum()), level, sampling, tuple(rows))


def _read_corpus(corpus: str | Path | Iterable[Mapping[str, Any]]) -> list[Row]:
    rows, bad = [], []
    for row in rows_of(corpus):
        if isinstance(row, BadRow):
            bad.append(row)
        elif not _has_scores(row) and not isinstance(row.values.get("text"), str):
            bad.append(BadRow(row.where, f"neither a column 'text' nor 'score_...'; the columns are {', '.join(row.values)}"))
        else:
            rows.append(row)
    raise_bad_rows(bad)
    if not rows:
        raise DataError("the corpus has no row")
    return rows


def _has_scores(row: Row) -> bool:
    return "frames" in row.values and any(name.startswith(_SCORE) for name in row.values)


def _predictions(rows: Sequence[Row], model: Scorer | str | os.PathLike[str]) -> tuple[tuple[str, ...], Array, Array]:
    """Names of the frames, decisions and scores, both of shape ``(n, k)``: those in the rows, or the model's."""
    if all(map(_has_scores, rows)):
        names = tuple(name.removeprefix(_SCORE) for name in rows[0].values if name.startswith(_SCORE))
        chosen, scores, bad = [], [], []
        for row in rows:
            try:
                scores.append([float(row.values[_SCORE + name]) for name in names])
                chosen.append(label_names(row.values["frames"]))
            except (KeyError, TypeError, ValueError) as error:
                bad.append(BadRow(row.where, f"unreadable prediction: {error}"))
        raise_bad_rows(bad)
    else:
        from framelens.classifier import Classifier

        scorer: Scorer = Classifier.load(model) if isinstance(model, (str, os.PathLike)) else model
        every = scorer.scores([row.values["text"] for row in rows])
        names = tuple(name for name in scorer.labels.labels if name != scorer.labels.none_label)
        chosen = [list(scorer.labels.select(row)) for row in every.tolist()]
        scores = every[:, [scorer.labels.labels.index(name) for name in names]].tolist()
    return names, np.array([[int(name in row) for name in names] for row in chosen]), np.array(scores)


def _place(
    labelled: LabelledSentences | str | Path | Iterable[Mapping[str, Any]],
    corpus: Sequence[Row],
    columns: Columns | None,
    names: Sequence[str],
) -> tuple[list[int], LabelledSentences]:
    """Where in the corpus each labelled sentence stands. A labelled file need not repeat the text."""
    place = {str(row.values["id"]): i for i, row in enumerate(corpus) if row.values.get("id") is not None}
    if isinstance(labelled, LabelledSentences):
        data = labelled
    else:
        rows = list(rows_of(labelled))
        raise_bad_rows([row for row in rows if isinstance(row, BadRow)])
        filled = [{"text": f"sentence {row.where}", **row.values} for row in rows if isinstance(row, Row)]
        data = load_dataset(filled, columns or guess_columns(filled), labels=None)
    unknown = sorted({name for s in data for name in s.labels} - set(names))
    if unknown and data.multi_label:
        raise DataError(f"the labelled sentences have labels that the model does not: {', '.join(unknown)}")
    lost = [BadRow(s.where, f"id {s.id!r} is not in the corpus") for s in data if s.id not in place]
    raise_bad_rows(lost, "labelled rows")
    return [place[str(s.id)] for s in data], data


def _probabilities(
    positions: Sequence[int], data: LabelledSentences, corpus: Sequence[Row], column: str, strata: str | None
) -> tuple[Array, str]:
    chance = np.ones(len(corpus))
    given = [s.meta.get(column) for s in data]
    if any(value not in (None, "") for value in given):
        bad = []
        for position, value, s in zip(positions, given, data, strict=True):
            try:
                number = float(value)  # type: ignore[arg-type]  # None and words are caught below
            except (TypeError, ValueError):
                number = math.nan
            if not 0 < number <= 1:
                bad.append(BadRow(s.where, f"{column} is {value!r}; accepted: above 0, at most 1"))
            chance[position] = number
        raise_bad_rows(bad, "sampling probabilities")
        return chance, f"Sampling probabilities are those in column {column!r}."
    if strata is None:
        chance[:] = len(positions) / len(corpus)
        return chance, "Labelled sentences are taken as drawn from the corpus with equal probability."
    keys = _crossed(corpus, [strata])
    drawn, whole = Counter(keys[i] for i in positions), Counter(keys)
    missing = sorted(set(whole) - set(drawn))
    if missing:
        raise DataError(f"no sentence of {strata} {', '.join(missing)} is labelled: nothing can be said of it")
    return (
        np.array([drawn[key] / whole[key] for key in keys]),
        f"Labelled sentences are taken as drawn with equal probability within {strata}.",
    )


def _crossed(rows: Sequence[Row], by: Sequence[str]) -> list[str]:
    for column in by:
        group_positions([row.values for row in rows], [row.where for row in rows], column)  # says so if it is not there
    return [" / ".join(group_of(row.values, column, row.where) for column in by) for row in rows]


def _plain(estimate: Mapping[str, float]) -> dict[str, float | None]:
    return {key: None if math.isnan(value) else value for key, value in estimate.items()}


def _cell(row: Mapping[str, Any]) -> str:
    return "-" if row["share"] is None else percent(row["share"], [row["low"], row["high"]])
