"""How good is a model on labelled sentences it has not seen? Numbers with intervals: per frame, over frames, of the primary frame."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from framelens.calibration import calibration_error, calibration_sums, expected_calibration_error, reliability, threshold_curve
from framelens.classifier import Classifier, Scores
from framelens.data import SPLITS, Columns, LabelledSentences, load_dataset
from framelens.decisions import Decisions
from framelens.errors import DataError
from framelens.grouping import columns_of, group_positions
from framelens.guards import Guard, check_leakage, check_size
from framelens.intervals import RESAMPLES, ArticleBootstrap, average_precision
from framelens.metrics import frame_metric, primary_metrics, ranking_metrics
from framelens.readers import BadRow, raise_bad_rows, read_rows
from framelens.schema import LabelSet
from framelens.tables import Table, Tabular

_LABEL_COLUMNS = (("labels", "frames"), ("labels", "labels"), ("label", "frame"), ("label", "label"))


class Scorer(Protocol):
    """Anything that gives probabilities: a :class:`Classifier`, or a baseline with the same three names."""

    name: str
    labels: LabelSet

    def scores(self, sentences: Sequence[str], /) -> Scores:
        """Probabilities, shape ``(len(sentences), len(self.labels.labels))``."""


@dataclass(frozen=True)
class Evaluation(Tabular):
    """The result of :func:`evaluate`. Every metric is between 0 and 1.

    Attributes:
        model: name and digest of the checkpoint.
        sentences, articles: what was evaluated.
        per_label: ``precision``, ``recall``, ``f1``, ``support``, ``average_precision`` and ``ece`` (expected calibration error,
            ten bins) per label.
        macro_f1: unweighted mean of the labels' F1.
        micro_f1: F1 over all decisions together.
        exact_match: share of sentences whose whole set of labels is right.
        primary: ``macro_f1`` (over labels and none), ``accuracy``, ``f1`` per name, and ``confusion`` with ``labels`` and ``matrix``
            (rows: labelled, columns: predicted).
        macro, micro: ``precision``, ``recall``, ``f1`` and ``average_precision``, as means over labels and over all decisions.
        intervals: 95% intervals by bootstrap over articles, ``[low, high]`` where the metric stands above: under ``per_label``,
            ``macro``, ``micro``, ``exact_match`` and ``primary``. Empty if none were asked for; ends are None where
            there are fewer than five articles.
        curves: per label its ``threshold``, the ``reliability`` diagram (:func:`framelens.calibration.reliability`) and precision,
            recall and F1 by ``thresholds`` (:func:`framelens.calibration.threshold_curve`).
        groups: per column a row for each of its values.
        errors: every sentence with a wrong decision, the most confident first, with the sentences ``before`` and ``after``.
        guards: checks of the test set.
        decisions: the arrays behind the numbers, for :func:`framelens.compare`; not part of :meth:`to_dict`.
    """

    model: str
    sentences: int
    articles: int
    per_label: Mapping[str, Mapping[str, float]]
    macro_f1: float
    micro_f1: float
    exact_match: float
    primary: Mapping[str, Any]
    macro: Mapping[str, float] = field(default_factory=dict)
    micro: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, Any] = field(default_factory=dict)
    curves: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    groups: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    errors: Sequence[Mapping[str, Any]] = ()
    guards: Sequence[Guard] = ()
    decisions: Decisions | None = field(default=None, repr=False, compare=False)

    @property
    def title(self) -> str:
        """What was evaluated, in a line."""
        return f"{self.model}: {self.sentences} sentences of {self.articles} articles"

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``json`` can write."""
        data = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "decisions"}
        return {**data, "errors": list(self.errors), "guards": [asdict(guard) for guard in self.guards]}

    def label_table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of the table of labels, ratios in per cent, with their intervals where there are any."""
        from framelens.summary import label_table

        table = label_table(self)
        return list(table.header), [list(row) for row in table.rows]

    def tables(self) -> list[Table]:
        """Every table of the evaluation but the errors."""
        from framelens.summary import evaluation_tables

        return evaluation_tables(self)

    def notes(self) -> list[str]:
        """A line per check."""
        return [f"[{guard.status}] {guard.name}: {guard.message}" for guard in self.guards]

    def to_html(self, **parts: Any) -> str:
        """A page of its own with plots, tables and errors; see :func:`framelens.report.evaluation_html`."""
        from framelens.report import evaluation_html

        return evaluation_html(self, **parts)


def evaluate(
    model: Scorer | str | os.PathLike[str],
    data: LabelledSentences | str | Path | Iterable[Mapping[str, Any]],
    columns: Columns | None = None,
    *,
    texts: str | Path | None = None,
    split: str | None = None,
    seen: LabelledSentences | str | Path | Iterable[Mapping[str, Any]] | None = None,
    by: Sequence[str] = (),
    resamples: int = RESAMPLES,
    seed: int = 13,
    claim: float = 0.05,
) -> Evaluation:
    """Evaluate a model on labelled sentences.

    Args:
        model: a :class:`Classifier`, a checkpoint folder, the name of a packaged one, or anything with ``name``, ``labels``
            and ``scores(sentences)``.
        data: a data set, or what :func:`framelens.load_dataset` reads.
        columns: of ``data``; None finds a column named frames, labels, frame or label.
        texts: the file of texts for stand-off ``data``; its other columns and neighbouring sentences come with it.
        split: only rows whose ``split`` column says so; the other rows count as seen in training.
        seen: what the model was trained and tuned on, for the checks of leakage.
        by: columns to give results by, such as ``outlet``; ``date:year`` and ``date:month`` cut a date.
        resamples: bootstrap resamples of whole articles for 95% intervals (:class:`framelens.intervals.ArticleBootstrap`);
            0 for none.
        seed: of the resamples.
        claim: the smallest difference in macro-F1 that is to be claimed; a test set too small for it is reported.

    Raises:
        DataError: unusable rows, a label that the model does not have, a column that is not there, or nothing left to evaluate.
        CheckpointError: the model cannot be loaded.

    Examples:
        >>> from framelens import evaluate
        >>> rows = [{"text": "Both sides agreed to keep talking.", "frames": ["cooperation_appeal"], "article_id": "a"}]
        >>> evaluate("default", rows, resamples=0).exact_match
        1.0
    """
    scorer: Scorer = Classifier.load(model) if isinstance(model, (str, os.PathLike)) else model

    def read(source: LabelledSentences | str | Path | Iterable[Mapping[str, Any]]) -> LabelledSentences:
        if isinstance(source, LabelledSentences):
            return source
        fitting = _fitting(columns or guess_columns(source), scorer.labels)
        return load_dataset(source, fitting, labels=scorer.labels.labels, texts=texts)

    data = read(data)
    unknown = set(data.labels) - set(scorer.labels.labels)
    if unknown:
        raise DataError(f"the data has labels that {scorer.name} does not: {', '.join(sorted(unknown))}")
    trained = None if seen is None else read(seen)
    if split is not None:
        data, rest = _part(data, split)
        trained = rest if trained is None else trained + rest
    positions = {column: group_positions(columns_of(data), [s.where for s in data], column) for column in by}
    scores = scorer.scores(data.texts)
    result = score_predictions(scores, data, scorer.labels, scorer.name, resamples=resamples, seed=seed)
    return replace(
        result,
        curves=_curves(result, scorer.labels),
        groups={c: [_group_row(result, value, at, resamples, seed) for value, at in positions[c].items()] for c in by},
        errors=_errors(result, data),
        guards=[
            *check_leakage(data, trained),
            *check_size(
                data,
                {name: int(m["support"]) for name, m in result.per_label.items()},
                result.intervals.get("macro", {}).get("f1"),
                claim,
            ),
        ],
    )


def score_predictions(
    scores: Scores, data: LabelledSentences, labels: LabelSet, model: str, *, resamples: int = 0, seed: int = 13
) -> Evaluation:
    """Compare calibrated probabilities, shape ``(len(data), len(labels.labels))``, with the labels of ``data``.

    With ``resamples`` the result has 95% intervals; curves, groups, errors and guards are left to :func:`evaluate`.
    """
    return _score(Decisions.of(scores, data, labels), model, resamples, seed)


def _score(decisions: Decisions, model: str, resamples: int, seed: int) -> Evaluation:
    names, truth, scores = decisions.names, decisions.truth, decisions.scores
    result = frame_metric(names).compute(predictions=decisions.guess, references=truth)
    ranking, micro_ranking = ranking_metrics(scores, truth, names)
    for column, name in enumerate(names):
        error = expected_calibration_error(scores[:, column], truth[:, column])
        result["per_label"][name] |= {"average_precision": ranking[name], "ece": error}
    point = dict(zip(decisions.keys, decisions.metrics(decisions.summands.sum(axis=0, keepdims=True))[0].tolist(), strict=True))
    means = {mean: {key[1]: value for key, value in point.items() if key[0] == mean} for mean in ("macro", "micro")}
    means["macro"]["average_precision"] = float(np.mean(list(ranking.values())))
    means["micro"]["average_precision"] = micro_ranking
    primary = decisions.primary_names
    return Evaluation(
        model=model,
        sentences=len(truth),
        articles=len(set(decisions.articles)),
        primary=primary_metrics(
            [primary[i] for i in decisions.true_primary], [primary[i] for i in decisions.guessed_primary], primary
        ),
        macro=means["macro"],
        micro=means["micro"],
        **result,
        intervals=_intervals(decisions, resamples, seed) if resamples else {},
        decisions=decisions,
    )


def _intervals(decisions: Decisions, resamples: int, seed: int) -> dict[str, Any]:
    bootstrap = ArticleBootstrap(decisions.articles, resamples, seed)
    result: dict[str, Any] = {}

    def put(key: Sequence[str], ends: Any) -> None:
        place = result
        for part in key[:-1]:
            place = place.setdefault(part, {})
        place[key[-1]] = [None if np.isnan(end) else float(end) for end in ends]

    for key, ends in zip(decisions.keys, bootstrap.sums(decisions.metrics, decisions.summands).T, strict=True):
        put(key, ends)

    def ranking(weights: Any) -> Any:
        each = weights[:, bootstrap.index]
        columns = [average_precision(decisions.scores[:, i], decisions.truth[:, i], each) for i in range(len(decisions.names))]
        together = np.repeat(each, len(decisions.names), axis=1)
        micro = average_precision(decisions.scores.ravel(), decisions.truth.ravel(), together)
        return np.stack([*columns, np.mean(columns, axis=0), micro], axis=1)

    places = [*(("per_label", name) for name in decisions.names), ("macro",), ("micro",)]
    for place, ends in zip(places, bootstrap.interval(ranking).T, strict=True):
        put((*place, "average_precision"), ends)
    for column, name in enumerate(decisions.names):
        sums = calibration_sums(decisions.scores[:, column], decisions.truth[:, column])
        put(("per_label", name, "ece"), bootstrap.sums(calibration_error, sums))
    return result


def _curves(result: Evaluation, labels: LabelSet) -> dict[str, dict[str, Any]]:
    decisions = result.decisions
    assert decisions is not None
    return {
        name: {
            "threshold": labels.threshold(name) if labels.multi_label else None,
            "reliability": reliability(scores, truth),
            "thresholds": threshold_curve(scores, truth),
        }
        for name, scores, truth in zip(decisions.names, decisions.scores.T, decisions.truth.T, strict=True)
    }


def _group_row(result: Evaluation, value: str, positions: Sequence[int], resamples: int, seed: int) -> dict[str, Any]:
    """The main figures of some of the sentences. F1 of a frame that none of them carries is None, not 0."""
    assert result.decisions is not None
    part = _score(result.decisions.select(np.array(positions)), result.model, resamples, seed)
    return {
        "value": value,
        "sentences": part.sentences,
        "articles": part.articles,
        "micro_f1": part.micro_f1,
        "exact_match": part.exact_match,
        "intervals": {
            "micro_f1": part.intervals.get("micro", {}).get("f1"),
            "exact_match": part.intervals.get("exact_match"),
        },
        "f1": {name: m["f1"] if m["support"] else None for name, m in part.per_label.items()},
        "support": {name: m["support"] for name, m in part.per_label.items()},
    }


def _errors(result: Evaluation, data: LabelledSentences) -> list[dict[str, Any]]:
    """Sentences with a wrong decision. Confidence: the probability the model gave to the wrong side of its worst decision."""
    d = result.decisions
    assert d is not None
    wrong = d.truth != d.guess
    confidence = np.where(wrong, np.where(d.guess == 1, d.scores, 1 - d.scores), 0.0).max(axis=1)
    rows = []
    for i in np.argsort(-confidence, kind="stable"):
        if wrong[i].any():
            s = data.sentences[i]
            rows.append(
                {
                    "id": s.id, "article_id": s.article_id, "where": s.where, "confidence": float(confidence[i]),
                    "labelled": [name for name, y in zip(d.names, d.truth[i], strict=True) if y],
                    "predicted": [name for name, y in zip(d.names, d.guess[i], strict=True) if y],
                    "scores": {name: float(score) for name, score in zip(d.names, d.scores[i], strict=True)},
                    "before": s.context[0], "text": s.text, "after": s.context[1],
                }
            )  # fmt: skip
    return rows


def _part(data: LabelledSentences, split: str) -> tuple[LabelledSentences, LabelledSentences]:
    """The rows of a split, and the others. Unlike for training, an article in both is no error here: it is reported."""
    found = {s.split for s in data}
    if split not in found:
        names = sorted((str(name) for name in found - {None}), key=lambda n: SPLITS.index(n) if n in SPLITS else len(SPLITS))
        raise DataError(f"no row has {split!r} in its split column; found: {', '.join(names) or 'none'}")
    raise_bad_rows(
        [BadRow(s.where, "its split column is empty, other rows have one") for s in data if s.split is None], "splits"
    )
    inside = [i for i, s in enumerate(data) if s.split == split]
    return data.select(inside), data.select(i for i, s in enumerate(data) if s.split != split)


def guess_columns(data: str | Path | Iterable[Mapping[str, Any]]) -> Columns:
    """The columns of a file or data set whose label column is named frames, labels, frame or label."""
    names: Sequence[str] = getattr(data, "column_names", None) or ()
    if isinstance(data, (str, Path)):
        first = next((row for row in read_rows(data) if not isinstance(row, BadRow)), None)
        names = list(first.values) if first else ()
    elif not names and isinstance(data, Sequence) and data:
        names = list(data[0])
    for kind, name in _LABEL_COLUMNS:
        if name in names:
            return Columns(**{kind: name})
    raise DataError(
        f"no column named frames, labels, frame or label among {', '.join(names) or 'none'}; say which one holds the labels"
    )


def _fitting(columns: Columns, labels: LabelSet) -> Columns:
    """One label a row is also a set of labels: read it so where the model gives sets."""
    if labels.multi_label and columns.label is not None:
        return Columns(**{**asdict(columns), "labels": columns.label, "label": None})
    return columns
