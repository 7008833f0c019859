"""How good is a model on labelled sentences it has not seen? Numbers per frame, over frames, and for the primary frame."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framelens.calibration import expected_calibration_error
from framelens.classifier import Classifier, Scores
from framelens.data import Columns, LabelledSentences, load_dataset, split_by_article
from framelens.errors import DataError
from framelens.metrics import frame_metric, primary_metrics
from framelens.readers import BadRow, read_rows
from framelens.schema import NO_FRAME, LabelSet
from framelens.tables import text_table

_LABEL_COLUMNS = (("labels", "frames"), ("labels", "labels"), ("label", "frame"), ("label", "label"))


@dataclass(frozen=True)
class Evaluation:
    """The result of :func:`evaluate`. Every metric is between 0 and 1.

    Attributes:
        model: name and digest of the checkpoint.
        sentences, articles: what was evaluated.
        per_label: ``precision``, ``recall``, ``f1``, ``support`` and ``ece`` (expected calibration error, ten bins) per label.
        macro_f1: unweighted mean of the labels' F1.
        micro_f1: F1 over all decisions together.
        exact_match: share of sentences whose whole set of labels is right.
        primary: ``macro_f1`` (over labels and none), ``accuracy``, ``f1`` per name, and ``confusion`` with ``labels`` and ``matrix``
            (rows: labelled, columns: predicted).
    """

    model: str
    sentences: int
    articles: int
    per_label: Mapping[str, Mapping[str, float]]
    macro_f1: float
    micro_f1: float
    exact_match: float
    primary: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``json`` can write."""
        return asdict(self)

    def label_table(self) -> tuple[list[str], list[list[str]]]:
        """Header and rows of the table of labels, ratios in per cent."""
        rows = [
            [name, *(f"{100 * m[key]:.1f}" for key in ("precision", "recall", "f1")), str(m["support"]), f"{m['ece']:.3f}"]
            for name, m in self.per_label.items()
        ]
        return ["label", "precision", "recall", "F1", "sentences", "ECE"], rows

    def to_text(self) -> str:
        """Tables for a terminal."""
        names = self.primary["confusion"]["labels"]
        confusion = [[name, *map(str, row)] for name, row in zip(names, self.primary["confusion"]["matrix"], strict=True)]
        return "\n".join(
            [
                f"{self.model}: {self.sentences} sentences of {self.articles} articles",
                "",
                text_table(*self.label_table()),
                "",
                f"macro-F1 {100 * self.macro_f1:.1f}   micro-F1 {100 * self.micro_f1:.1f}   exact match {100 * self.exact_match:.1f}",
                f"primary frame: macro-F1 {100 * self.primary['macro_f1']:.1f} (with {NO_FRAME}), "
                f"accuracy {100 * self.primary['accuracy']:.1f}",
                "",
                text_table(["labelled \\ predicted", *names], confusion),
            ]
        )


def evaluate(
    model: Classifier | str | os.PathLike[str],
    data: LabelledSentences | str | Path | Iterable[Mapping[str, Any]],
    columns: Columns | None = None,
    *,
    texts: str | Path | None = None,
    split: str | None = None,
) -> Evaluation:
    """Evaluate a model on labelled sentences.

    Args:
        model: a :class:`Classifier`, a checkpoint folder or the name of a packaged one.
        data: a data set, or what :func:`framelens.load_dataset` reads.
        columns: of ``data``; None finds a column named frames, labels, frame or label.
        texts: the file of texts for stand-off ``data``.
        split: only rows whose ``split`` column says so.

    Raises:
        DataError: unusable rows, a label that the model does not have, or nothing left to evaluate.
        CheckpointError: the model cannot be loaded.
    """
    classifier = model if isinstance(model, Classifier) else Classifier.load(model)
    if not isinstance(data, LabelledSentences):
        data = load_dataset(
            data, _fitting(columns or guess_columns(data), classifier.labels), labels=classifier.labels.labels, texts=texts
        )
    unknown = set(data.labels) - set(classifier.labels.labels)
    if unknown:
        raise DataError(f"the data has labels that {classifier.name} does not: {', '.join(sorted(unknown))}")
    if split is not None:
        parts = split_by_article(data) if any(s.split for s in data) else {}
        if not len(parts.get(split, ())):
            raise DataError(
                f"no row has {split!r} in its split column; found: {', '.join(p for p in parts if len(parts[p])) or 'none'}"
            )
        data = parts[split]
    return score_predictions(classifier.scores(data.texts), data, classifier.labels, classifier.name)


def score_predictions(scores: Scores, data: LabelledSentences, labels: LabelSet, model: str) -> Evaluation:
    """Compare calibrated probabilities, shape ``(len(data), len(labels.labels))``, with the labels of ``data``."""
    chosen = [labels.select(row) for row in scores.tolist()]
    names = [name for name in labels.labels if name != labels.none_label]
    truth = np.array(data.matrix(names))
    guess = np.array([[int(name in row) for name in names] for row in chosen])
    result = frame_metric(names).compute(predictions=guess, references=truth)
    for column, name in enumerate(names):
        result["per_label"][name]["ece"] = expected_calibration_error(scores[:, labels.labels.index(name)], truth[:, column])
    true_primary = [NO_FRAME if s.primary in (None, labels.none_label) else str(s.primary) for s in data]
    guessed_primary = [row[0] if row else NO_FRAME for row in chosen]
    with_none = [*names, NO_FRAME] if labels.multi_label or labels.none_label else names
    return Evaluation(
        model=model,
        sentences=len(data),
        articles=len(set(data.articles)),
        primary=primary_metrics(true_primary, guessed_primary, with_none),
        **result,
    )


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
