"""From development articles: probabilities that mean what they say, and the threshold of each label."""

from __future__ import annotations

from typing import Any

import numpy as np

from framelens.classifier import probabilities
from framelens.errors import MissingExtraError
from framelens.schema import LabelSet

try:
    from scipy.optimize import minimize_scalar
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import precision_recall_curve
except ImportError as error:
    raise MissingExtraError.for_extra("evaluation", "evaluate") from error

Array = np.ndarray[Any, Any]
_LOWEST, _HIGHEST = 0.2, 0.8  # a threshold tuned on few positives is not trusted beyond these


def calibrate(logits: Array, truth: Array, labels: LabelSet) -> LabelSet:
    """Fit calibration and thresholds on development sentences.

    Args:
        logits: shape ``(n, k)``, raw outputs.
        truth: shape ``(n, k)``, 0/1.
        labels: the label set; what it says of calibration and thresholds is replaced.

    Returns:
        The label set with, for multi-label data, Platt's slope and intercept per label (Platt 1999) and the threshold
        that maximises F1; for single-label data, one temperature (Guo et al. 2017). A label with fewer than two positive
        or negative sentences keeps slope 1, intercept 0 and threshold 0.5.
    """
    fields = labels.to_dict()
    if not labels.multi_label:
        fields["calibration"] = {"*": (1 / temperature(logits, truth), 0.0)}
        return LabelSet.from_dict(fields)
    calibration, thresholds = {}, {}
    for column, name in enumerate(labels.labels):
        y = truth[:, column]
        if min(y.sum(), len(y) - y.sum()) >= 2:
            calibration[name] = _platt(logits[:, column], y)
    fields["calibration"] = calibration
    scores = probabilities(logits, LabelSet.from_dict({**fields, "thresholds": {}}))
    for column, name in enumerate(labels.labels):
        thresholds[name] = best_threshold(scores[:, column], truth[:, column]) if name in calibration else 0.5
    return LabelSet.from_dict({**fields, "thresholds": thresholds})


def best_threshold(scores: Array, truth: Array) -> float:
    """The threshold between 0.2 and 0.8 with the highest F1: the middle of the best stretch, rounded to 0.01.

    Args:
        scores: shape ``(n,)``, probabilities.
        truth: shape ``(n,)``, 0/1.
    """
    grid = np.round(np.arange(_LOWEST, _HIGHEST + 0.005, 0.01), 2)
    precision, recall, cuts = precision_recall_curve(truth, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    # At threshold t every score >= t counts: that is the first cut not below t (past the last one, nothing counts).
    values = f1[np.searchsorted(cuts, grid)]
    best = np.flatnonzero(values >= values.max() - 1e-12)
    return float(grid[best[len(best) // 2]])


def expected_calibration_error(scores: Array, truth: Array, bins: int = 10) -> float:
    """Mean gap between probability and frequency over equally wide bins, weighted by size (Naeini et al. 2015).

    Args:
        scores: shape ``(n,)``, probabilities.
        truth: shape ``(n,)``, 0/1.
    """
    if not len(scores):
        return 0.0
    bin_of = np.minimum((scores * bins).astype(int), bins - 1)
    gap = [abs(scores[bin_of == b].mean() - truth[bin_of == b].mean()) * (bin_of == b).mean() for b in np.unique(bin_of)]
    return float(np.sum(gap))


def _platt(logits: Array, y: Array) -> tuple[float, float]:
    fitted = LogisticRegression(C=1e3).fit(logits.reshape(-1, 1), y)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    return (slope, intercept) if slope > 0 else (1.0, 0.0)  # never turn a ranking upside down


def temperature(logits: Array, truth: Array) -> float:
    """The divisor of logits, shape ``(n, k)``, under which ``truth`` (same shape, rows sum to 1) is most probable.

    Guo et al. (2017).
    """

    def loss(log_t: float) -> float:
        z = logits / np.exp(log_t)
        z = z - z.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(z).sum(axis=1)) - (z * truth).sum(axis=1)))

    return float(np.exp(minimize_scalar(loss, bounds=(-2.5, 2.5), method="bounded").x))
