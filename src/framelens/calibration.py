"""From development articles: probabilities that mean what they say, and the threshold of each label."""

from __future__ import annotations

from typing import Any

import numpy as np

from framelens.classifier import probabilities
from framelens.errors import MissingExtraError
from framelens.intervals import confusion_counts, ratios
from framelens.schema import LabelSet

try:
    from scipy.optimize import minimize_scalar
    from scipy.stats import binomtest
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
        bins: how many.
    """
    sums = calibration_sums(scores, truth, bins).sum(axis=0, keepdims=True)
    return float(calibration_error(sums)[0])


def calibration_sums(scores: Array, truth: Array, bins: int = 10) -> Array:
    """Per sentence, its bin's count, probability and truth, to be summed: shape ``(n, bins, 3)``."""
    result = np.zeros((len(scores), bins, 3))
    row = np.arange(len(scores))
    result[row, np.minimum((scores * bins).astype(int), bins - 1)] = np.stack([np.ones(len(scores)), scores, truth], axis=-1)
    return result


def calibration_error(sums: Array) -> Array:
    """Expected calibration error from sums of :func:`calibration_sums`, shape ``(b, bins, 3)`` to ``(b,)``."""
    gaps = np.abs(sums[..., 1] - sums[..., 2]).sum(axis=-1)
    result: Array = gaps / np.maximum(sums[..., 0].sum(axis=-1), 1)
    return result


def reliability(scores: Array, truth: Array, bins: int = 10) -> list[dict[str, float]]:
    """The points of a reliability diagram: one per bin that holds a sentence.

    Returns:
        Per bin ``low``, ``high`` (its ends), ``sentences``, ``score`` (mean probability), ``share`` (of positives), and
        ``share_low`` and ``share_high``, the 95% interval of the share (Wilson 1927; sentences taken as independent).
    """
    points = []
    for number, (count, score, positive) in enumerate(calibration_sums(scores, truth, bins).sum(axis=0)):
        if count:
            interval = binomtest(round(positive), round(count)).proportion_ci(0.95, "wilson")
            points.append(
                {
                    "low": number / bins, "high": (number + 1) / bins, "sentences": int(count), "score": float(score / count),
                    "share": float(positive / count), "share_low": float(interval.low), "share_high": float(interval.high),
                }
            )  # fmt: skip
    return points


def threshold_curve(scores: Array, truth: Array, step: float = 0.05) -> list[dict[str, float]]:
    """``precision``, ``recall`` and ``f1`` at each ``threshold`` from ``step`` to ``1 - step``."""
    cuts = np.round(np.arange(step, 1 - step / 2, step), 4)
    guess = scores[:, None] >= cuts
    values = ratios(confusion_counts(np.broadcast_to(truth[:, None], guess.shape), guess).sum(axis=0))
    return [
        {"threshold": float(cut), "precision": float(p), "recall": float(r), "f1": float(f)}
        for cut, (p, r, f) in zip(cuts, values, strict=True)
    ]


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
