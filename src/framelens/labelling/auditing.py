"""Which labels are likely wrong? Confident learning (Northcutt, Jiang and Chuang 2021) through ``cleanlab``.

Needed are probabilities from a model that was not trained on the sentence: those of a checkpoint that never saw the data, or
out-of-fold ones of a cheap model, its folds made of whole articles.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framelens.data import Columns, LabelledSentences, load_dataset
from framelens.errors import DataError, MissingExtraError
from framelens.labelling.embedding import AUTO, Array, features, out_of_fold
from framelens.schema import NO_FRAME
from framelens.tables import shorten, text_table

try:
    from cleanlab.filter import find_label_issues
    from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class
    from cleanlab.multilabel_classification.rank import get_label_quality_scores as multilabel_quality
    from cleanlab.rank import get_label_quality_scores
except ImportError as error:
    raise MissingExtraError.for_extra("audit", "labels") from error


@dataclass(frozen=True)
class Suspect:
    """A sentence, its labels and how well they fit.

    Attributes:
        where: file and row.
        id, text: of the row.
        given: its labels.
        suggested: what the probabilities speak for; equal to ``given`` where they do not contradict it.
        score: cleanlab's label quality, from 0 (surely wrong) to 1.
        likely: whether cleanlab takes the labels for wrong.
    """

    where: str
    id: str | None
    text: str
    given: tuple[str, ...]
    suggested: tuple[str, ...]
    score: float
    likely: bool


@dataclass(frozen=True)
class Audit:
    """The result of :func:`audit`: every sentence, the most suspicious first, and where the probabilities come from."""

    suspects: tuple[Suspect, ...]
    probabilities: str

    @property
    def likely(self) -> tuple[Suspect, ...]:
        """The sentences whose labels cleanlab takes for wrong."""
        return tuple(s for s in self.suspects if s.likely)

    def to_rows(self) -> list[dict[str, Any]]:
        """A dictionary per sentence, in order of rank: ``rank``, ``file``, ``row`` and the fields of :class:`Suspect`."""
        rows = []
        for rank, suspect in enumerate(self.suspects, start=1):
            fields = asdict(suspect)
            file, _, row = fields.pop("where").rpartition(":")
            numbered = {"rank": rank, "file": file, "row": int(row) if row.isdigit() else None}
            rows.append({**numbered, **fields, "given": list(suspect.given), "suggested": list(suspect.suggested)})
        return rows

    def to_text(self, limit: int = 50, width: int = 70) -> str:
        """A table of at most ``limit`` likely errors, for a terminal."""
        shown = [(i, s) for i, s in enumerate(self.suspects, start=1) if s.likely][:limit]
        rows = [
            [str(i), f"{s.score:.3f}", Path(s.where).name, _names(s.given), _names(s.suggested), shorten(s.text, width)]
            for i, s in shown
        ]
        head = f"{len(self.likely)} of {len(self.suspects)} sentences have labels that are likely wrong ({self.probabilities})"
        if not rows:
            return head
        cut = f"\n... and {len(self.likely) - len(rows)} more" if len(rows) < len(self.likely) else ""
        return f"{head}\n\n{text_table(['rank', 'score', 'row', 'given', 'suggested', 'sentence'], rows)}{cut}"


def audit(
    data: LabelledSentences | str | Path | Iterable[Mapping[str, Any]],
    columns: Columns | None = None,
    *,
    texts: str | Path | None = None,
    model: str | os.PathLike[str] | None = None,
    encoder: str = AUTO,
    folds: int = 5,
    seed: int = 13,
) -> Audit:
    """Rank labelled sentences by how likely their labels are wrong.

    Args:
        data: a data set, or what :func:`framelens.load_dataset` reads.
        columns: of ``data``; None finds a column named frames, labels, frame or label.
        texts: the file of texts for stand-off ``data``.
        model: a checkpoint that was **not** trained on ``data``, nor on anything near it: a model remembers the errors it has
            learnt. None fits logistic regressions on features that know no labels, and takes each sentence's probabilities
            from the fold that leaves its article out.
        encoder: the features, see :func:`framelens.labelling.embedding.features`; of no effect with ``model``.
        folds, seed: of the out-of-fold probabilities.

    Raises:
        DataError: unusable rows, labels that the model does not have, or sentences of one article only.
        MissingExtraError: the extra ``labels`` is not installed.
    """
    if not isinstance(data, LabelledSentences):
        from framelens.evaluation import guess_columns

        data = load_dataset(data, columns or guess_columns(data), texts=texts)
    truth = np.array(data.matrix())
    if model is None:
        used = features(data.texts, encoder)
        scores = out_of_fold(used, truth, data.articles, multi_label=data.multi_label, folds=folds, seed=seed)
        origin = f"out of {min(folds, len(set(data.articles)))} folds"
    else:
        scores, origin = _checkpoint_scores(data, model)
    return rank_labels(data, scores, origin)


def rank_labels(data: LabelledSentences, scores: Array, origin: str = "") -> Audit:
    """The audit of ``data`` by given out-of-sample probabilities, shape ``(len(data), len(data.labels))``; ``origin`` names them."""
    truth = np.array(data.matrix())
    suspects = (_multi_label if data.multi_label else _single_label)(data, truth, scores)
    return Audit(tuple(sorted(suspects, key=lambda s: s.score)), origin)


def _checkpoint_scores(data: LabelledSentences, model: str | os.PathLike[str]) -> tuple[Array, str]:
    from framelens.classifier import Classifier

    classifier = Classifier.load(model)
    known = classifier.labels.labels
    missing = [name for name in data.labels if name not in known]
    if missing:
        raise DataError(f"the data has labels that {classifier.name} does not: {', '.join(missing)}")
    scores = classifier.scores(data.texts)[:, [known.index(name) for name in data.labels]]
    if not data.multi_label:
        scores = scores / scores.sum(axis=1, keepdims=True)
    return scores, f"by {classifier.name}"


def _multi_label(data: LabelledSentences, truth: Array, scores: Array) -> list[Suspect]:
    given = [np.flatnonzero(row).tolist() for row in truth]
    clipped = np.clip(scores, 1e-6, 1 - 1e-6)
    wrong = np.asarray(find_multilabel_issues_per_class(given, clipped, n_jobs=1)).astype(bool)
    if truth.shape[1] == 1:  # which cleanlab does not take for multi-label
        quality = get_label_quality_scores(truth[:, 0], np.hstack([1 - clipped, clipped]))
    else:
        quality = multilabel_quality(given, clipped)
    flips = wrong | (np.abs(truth - scores) > 0.5)
    suspects = []
    for index, sentence in enumerate(data):
        names = [name for column, name in enumerate(data.labels) if truth[index, column] != flips[index, column]]
        # Labels that stay keep their order (primary first); those that come follow, the most probable first.
        kept = [name for name in sentence.labels if name in names]
        added = sorted(set(names) - set(kept), key=lambda name: -scores[index, data.labels.index(name)])
        suspects.append(_suspect(sentence, (*kept, *added), quality[index], wrong[index].any()))
    return suspects


def _single_label(data: LabelledSentences, truth: Array, scores: Array) -> list[Suspect]:
    given = truth.argmax(axis=1)
    if len(set(given.tolist())) < len(data.labels):
        raise DataError("every label must be on at least one sentence")
    wrong = find_label_issues(given, scores, n_jobs=1)
    quality = get_label_quality_scores(given, scores)
    best = scores.argmax(axis=1)
    return [_suspect(s, (data.labels[best[i]],), quality[i], wrong[i]) for i, s in enumerate(data)]


def _suspect(sentence: Any, suggested: tuple[str, ...], score: float, likely: bool) -> Suspect:
    return Suspect(sentence.where, sentence.id, sentence.text, sentence.labels, suggested, float(score), bool(likely))


def _names(labels: tuple[str, ...]) -> str:
    return " + ".join(labels) or NO_FRAME
