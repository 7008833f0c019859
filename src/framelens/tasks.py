"""How well what a model reads besides frames meets the labels: source spans and stances."""

from __future__ import annotations

from collections.abc import Sequence

from framelens.annotations import Offsets
from framelens.data import LabelledSentences
from framelens.engine import Reading
from framelens.errors import MissingExtraError
from framelens.schema import STANCES


def source_metrics(reading: Reading, data: LabelledSentences) -> dict[str, float]:
    """:func:`span_f1` on the sentences that are labelled for source; empty where there are none."""
    pairs = [(s.source, found) for s, found in zip(data, reading.sources or (), strict=False) if s.source is not None]
    if not pairs:
        return {}
    return span_f1([truth for truth, _ in pairs], [[(start, end) for start, end, _ in found] for _, found in pairs])


def stance_metrics(reading: Reading, data: LabelledSentences) -> dict[str, float]:
    """Macro-F1 over favor, against and neutral, and accuracy, over all labelled targets; empty where there are none."""
    try:
        from sklearn.metrics import accuracy_score, f1_score
    except ImportError as error:
        raise MissingExtraError.for_extra("evaluation", "evaluate") from error
    truth, guess = [], []
    for sentence, scores in zip(data, reading.stances or (), strict=False):
        truth += [stance.label for stance in sentence.stances or ()]
        guess += [STANCES[i] for i in scores.argmax(axis=1)] if len(scores) else []
    if not truth:
        return {}
    return {
        "macro_f1": float(f1_score(truth, guess, labels=STANCES, average="macro", zero_division=0)),
        "accuracy": float(accuracy_score(truth, guess)),
    }


def span_f1(truth: Sequence[Sequence[Offsets]], guess: Sequence[Sequence[Offsets]]) -> dict[str, float]:
    """Micro-averaged scores of spans over sentences.

    Args:
        truth, guess: per sentence, the ``(start, end)`` of its spans.

    Returns:
        ``exact`` F1 (same first and last character) and ``overlap`` F1 (at least one character in common; precision counts guessed
        spans that touch a labelled one, recall labelled spans that are touched), with ``precision`` and ``recall`` of the overlap.
    """
    labelled, guessed = sum(map(len, truth)), sum(map(len, guess))
    same = sum(len(set(t) & set(g)) for t, g in zip(truth, guess, strict=True))
    hits = sum(any(_touch(x, y) for y in t) for t, g in zip(truth, guess, strict=True) for x in g)
    found = sum(any(_touch(x, y) for y in g) for t, g in zip(truth, guess, strict=True) for x in t)
    precision, recall = hits / max(guessed, 1), found / max(labelled, 1)
    return {
        "exact": 2 * same / max(labelled + guessed, 1),
        "overlap": 2 * precision * recall / max(precision + recall, 1e-12),
        "precision": precision,
        "recall": recall,
    }


def _touch(a: Offsets, b: Offsets) -> bool:
    return a[0] < b[1] and b[0] < a[1]
