"""Three estimators of the share of sentences that carry a frame, with standard errors clustered by article.

All take arrays over ``n`` sentences: ``clusters`` (integer, the article of each), ``within`` (bool, the sentences whose share is
wanted), and, where labels are used, ``sampled`` (bool, which sentences people labelled), ``truth`` (0/1, read only where
``sampled``) and ``probability`` (above 0, at most 1: how probable it was that the sentence would be sampled).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from framelens.errors import MissingExtraError

try:
    from scipy.stats import t as student
except ImportError as error:
    raise MissingExtraError.for_extra("prevalence", "evaluate") from error

Array = np.ndarray[Any, Any]
FOLDS = 10
LEAST_YOUDEN = 0.1  # true less false positive rate; below, the adjusted count divides by almost nothing


@dataclass(frozen=True)
class Share:
    """An estimated share, its standard error and its interval; shares and ends are kept within 0 and 1. NaN where undefined."""

    share: float
    error: float
    low: float
    high: float


UNDEFINED = Share(np.nan, np.nan, np.nan, np.nan)


def naive_count(guess: Array, clusters: Array, within: Array, level: float = 0.95) -> Share:
    """The share of sentences that the model gives the frame. Its interval knows nothing of the model's errors."""
    share, influence = _mean(guess.astype(float), within)
    return _interval(share, influence, clusters, within, level)


def adjusted_count(
    guess: Array,
    truth: Array,
    sampled: Array,
    probability: Array,
    clusters: Array,
    within: Array,
    level: float = 0.95,
) -> Share:
    """The naive count, corrected for true and false positive rates (Rogan & Gladen 1978; "adjusted count", Forman 2008).

    The rates are estimated from all labelled sentences and taken to hold in every group; where a model errs more in one outlet
    than in another, this is biased and :func:`design_based` is not. Undefined where the rates are hardly apart (by 0.1 or less).
    The standard error is that of the linearised estimator.
    """
    weight = np.where(sampled, 1 / probability, 0.0)
    y, g = np.where(sampled, truth, 0).astype(float), guess.astype(float)
    positive, negative = (weight * y).sum(), (weight * (1 - y)).sum()
    if not positive or not negative:
        return UNDEFINED
    hit, alarm = (weight * y * g).sum() / positive, (weight * (1 - y) * g).sum() / negative
    if hit - alarm <= LEAST_YOUDEN:
        return UNDEFINED
    counted, influence = _mean(g, within)
    share = (counted - alarm) / (hit - alarm)
    of_alarm = weight * (1 - y) * (g - alarm) / negative
    of_hit = weight * y * (g - hit) / positive
    influence = (influence - (1 - share) * of_alarm - share * of_hit) / (hit - alarm)
    return _interval(share, influence, clusters, within | sampled, level)


def design_based(
    scores: Array,
    truth: Array,
    sampled: Array,
    probability: Array,
    clusters: Array,
    within: Array,
    level: float = 0.95,
    seed: int = 13,
) -> Share:
    """Design-based supervised learning (Egami, Hinck, Stewart & Wei 2023): unbiased whatever the model's errors are.

    The mean of doubly robust pseudo-outcomes ``m + sampled / probability * (truth - m)``, where ``m`` predicts the label from the
    model's score. It rests only on the sampling probabilities, which the researcher sets. ``within`` must hold a labelled
    sentence of at least two articles, or the result is undefined.
    """
    outcomes = pseudo_outcomes(scores, truth, sampled, probability, clusters, seed)
    share, influence = _mean(outcomes, within)
    return _interval(share, influence, clusters, within & sampled, level)


def pseudo_outcomes(scores: Array, truth: Array, sampled: Array, probability: Array, clusters: Array, seed: int = 13) -> Array:
    """The pseudo-outcomes of :func:`design_based`, shape ``(n,)``.

    The prediction is a straight line from the score, fitted by weighted least squares and cross-fitted in ten folds of whole
    articles, so that no label takes part in its own prediction; with fewer than 20 labelled sentences it is the score itself.
    """
    y = np.where(sampled, truth, 0).astype(float)
    predicted = scores.astype(float).copy()
    labelled = np.flatnonzero(sampled)
    groups = np.unique(clusters[labelled])
    if len(labelled) >= 20 and len(groups) >= 2:
        folds = min(FOLDS, len(groups))
        fold = np.random.default_rng(seed).integers(0, folds, clusters.max() + 1)
        fold[groups] = np.random.default_rng(seed).permutation(len(groups)) % folds  # as many labelled articles in each
        design = np.stack([np.ones(len(scores)), scores], axis=1)
        for number in range(folds):
            fit = labelled[fold[clusters[labelled]] != number]
            root = np.sqrt(1 / probability[fit])
            line = np.linalg.lstsq(design[fit] * root[:, None], y[fit] * root, rcond=None)[0]
            at = fold[clusters] == number
            predicted[at] = np.clip(design[at] @ line, 0, 1)
    return predicted + np.where(sampled, (y - predicted) / probability, 0.0)


def _mean(values: Array, within: Array) -> tuple[float, Array]:
    """A mean and each sentence's influence on it."""
    count = max(int(within.sum()), 1)
    mean = float(values[within].sum() / count)
    return mean, np.where(within, values - mean, 0.0) / count


def _interval(share: float, influence: Array, clusters: Array, counted: Array, level: float) -> Share:
    """Cluster-robust error; Student's t with as many clusters as ``counted`` touches, less one."""
    sums = np.bincount(clusters, influence)
    number = int((np.bincount(clusters, influence != 0) > 0).sum())
    informative = len(np.unique(clusters[counted]))
    if number < 2 or informative < 2:
        return Share(float(np.clip(share, 0, 1)), np.nan, np.nan, np.nan) if not np.isnan(share) else UNDEFINED
    error = float(np.sqrt(number / (number - 1) * (sums**2).sum()))
    half = float(student.ppf((1 + level) / 2, informative - 1)) * error
    low, share, high = (float(np.clip(x, 0, 1)) for x in (share - half, share, share + half))
    return Share(share, error, low, high)
