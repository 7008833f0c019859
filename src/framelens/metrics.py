"""Classification metrics through scikit-learn, offered as a module of the ``evaluate`` library.

``evaluate.load`` fetches code; :func:`frame_metric` builds the module from this package, so nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from framelens.errors import MissingExtraError

try:
    import datasets
    import evaluate
    from sklearn import metrics as sk
except ImportError as error:
    raise MissingExtraError.for_extra("evaluation", "evaluate") from error

Matrix = Sequence[Sequence[int]] | np.ndarray[Any, Any]


def frame_metric(labels: Sequence[str]) -> evaluate.Metric:
    """An ``evaluate`` metric over 0/1 rows, one column per label.

    ``frame_metric(labels).compute(predictions=rows, references=rows)`` returns ``precision``, ``recall``, ``f1`` and
    ``support`` per label under ``"per_label"``, and ``macro_f1``, ``micro_f1`` and ``exact_match``, all between 0 and 1.
    An undefined ratio (nothing predicted, nothing there) counts as 0, as in scikit-learn.
    """
    return _FrameMetric(labels)


def ranking_metrics(scores: Matrix, truth: Matrix, labels: Sequence[str]) -> tuple[dict[str, float], float]:
    """Average precision per label, and that of all decisions together (micro); 0 for a label that no sentence carries.

    Args:
        scores, truth: shape ``(n, k)``, probabilities and 0/1.
        labels: names of the ``k`` columns.
    """
    p, y = np.asarray(scores), np.asarray(truth)
    values = [float(sk.average_precision_score(y[:, i], p[:, i])) if y[:, i].any() else 0.0 for i in range(len(labels))]
    micro = float(sk.average_precision_score(y.ravel(), p.ravel())) if y.any() else 0.0
    return dict(zip(labels, values, strict=True)), micro


class _FrameMetric(evaluate.Metric):  # type: ignore[misc]
    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        super().__init__(keep_in_memory=True)

    def _info(self) -> evaluate.MetricInfo:
        row = datasets.Sequence(datasets.Value("int8"))
        return evaluate.MetricInfo(
            description="Precision, recall and F1 per label, macro- and micro-F1, exact match.",
            citation="",
            inputs_description="0/1 rows, one column per label",
            features=datasets.Features({"predictions": row, "references": row}),
        )

    def _compute(self, predictions: Matrix, references: Matrix) -> dict[str, Any]:
        truth, guess = np.asarray(references), np.asarray(predictions)
        precision, recall, f1, support = sk.precision_recall_fscore_support(truth, guess, average=None, zero_division=0)
        per_label = {
            name: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(s)}
            for name, p, r, f, s in zip(self._labels, precision, recall, f1, support, strict=True)
        }
        return {
            "per_label": per_label,
            "macro_f1": float(np.mean(f1)),
            "micro_f1": float(sk.f1_score(truth, guess, average="micro", zero_division=0)),
            "exact_match": float(np.mean((truth == guess).all(axis=1))),
        }


def primary_metrics(truth: Sequence[str], guess: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """Metrics of the primary frame, each sentence having exactly one of ``names``.

    Returns:
        ``macro_f1`` over the names that occur in ``truth`` or ``guess``, ``accuracy``, ``f1`` per name, and ``confusion``,
        whose ``matrix[i][j]`` counts the sentences of ``names[i]`` read as ``names[j]``.
    """
    occurring = [name for name in names if name in set(truth) | set(guess)]
    f1 = sk.f1_score(truth, guess, labels=occurring, average=None, zero_division=0)
    matrix = sk.confusion_matrix(truth, guess, labels=list(names))
    return {
        "macro_f1": float(np.mean(f1)),
        "accuracy": float(sk.accuracy_score(truth, guess)),
        "f1": {name: float(value) for name, value in zip(occurring, f1, strict=True)},
        "confusion": {"labels": list(names), "matrix": matrix.tolist()},
    }
