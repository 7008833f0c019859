"""Intervals that know that sentences of one article are alike: a bootstrap that draws whole articles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from framelens.errors import DataError, MissingExtraError

try:
    from scipy.stats import norm, t
except ImportError as error:
    raise MissingExtraError.for_extra("intervals", "evaluate") from error

Array = np.ndarray[Any, Any]
RESAMPLES = 2000
FEWEST = 5  # articles; from fewer no interval is drawn
_CELLS = 2**22  # numbers held at once while a statistic is computed over resamples


class ArticleBootstrap:
    """Resamples of whole articles (cluster bootstrap, Davison & Hinkley 1997, 3.8), as counts of how often each is drawn.

    A statistic is a function of weights of shape ``(b, articles)`` that gives ``(b, ...)``: one value, or array of values, per
    row of weights. Statistics of the same bootstrap are drawn together, so a function of two models is a paired bootstrap.

    Intervals are percentiles, moved outward by a factor that makes up for few articles (expanded percentile interval,
    Hesterberg 2015, section 3.3). Plain percentiles are too short below about 40 articles; ``benchmarks/intervals.py`` measures both.

    Args:
        articles: the article of each sentence, length ``n``.
        resamples: how many to draw.
        seed: of the draw; equal seeds give equal intervals.
        level: probability that an interval should cover the truth.

    Attributes:
        weights: how often each resample holds each article, shape ``(resamples, articles)``.
        index: position of each sentence's article, shape ``(n,)``.
    """

    def __init__(self, articles: Sequence[str], resamples: int = RESAMPLES, seed: int = 13, level: float = 0.95) -> None:
        if not len(articles):
            raise DataError("no sentence to resample")
        if resamples < 100 or not 0 < level < 1:
            raise DataError(f"resamples must be 100 or more, level between 0 and 1; received {resamples}, {level}")
        names, self.index = np.unique(np.asarray(articles, dtype=str), return_inverse=True)
        self.articles = len(names)
        self.weights = np.random.default_rng(seed).multinomial(
            self.articles, np.full(self.articles, 1 / self.articles), resamples
        )
        self._tails = expanded_tails(self.articles, level)

    def totals(self, values: Array) -> Array:
        """Sums of ``values``, shape ``(n, ...)``, per article: shape ``(articles, ...)``."""
        result = np.zeros((self.articles, *values.shape[1:]))
        np.add.at(result, self.index, values)
        return result

    def sums(self, statistic: Callable[[Array], Any], values: Array) -> Any:
        """Interval of a statistic of sums over sentences, such as F1 of counts.

        Args:
            statistic: sums of shape ``(b, ...)`` to ``(b, ...)`` values.
            values: what to sum, one row a sentence: shape ``(n, ...)``.

        Returns:
            What :meth:`interval` returns.
        """
        totals = self.totals(values)
        return self.interval(lambda weights: statistic(np.tensordot(weights, totals, 1)))

    def interval(self, statistic: Callable[[Array], Any]) -> Any:
        """Lower and upper end, shape ``(2, ...)`` for a statistic of shape ``(b, ...)``; NaN for fewer than five articles."""
        step = max(_CELLS // max(len(self.index), self.articles), 1)
        values = np.concatenate([statistic(self.weights[i : i + step]) for i in range(0, len(self.weights), step)])
        if self.articles < FEWEST:
            return np.full((2, *values.shape[1:]), np.nan)
        return np.quantile(values, self._tails, axis=0)


def expanded_tails(clusters: int, level: float) -> tuple[float, float]:
    """The two quantiles of bootstrap values that bound an interval for this many clusters (Hesterberg 2015)."""
    if clusters < 2:
        return (1 - level) / 2, (1 + level) / 2
    wide = t.ppf((1 + level) / 2, clusters - 1) * np.sqrt(clusters / (clusters - 1))
    return float(norm.cdf(-wide)), float(norm.cdf(wide))


def confusion_counts(truth: Array, guess: Array) -> Array:
    """True positives, false positives and false negatives: two 0/1 arrays of shape ``(n, k)`` to one of shape ``(n, k, 3)``."""
    truth, guess = truth.astype(bool), guess.astype(bool)
    return np.stack([truth & guess, ~truth & guess, truth & ~guess], axis=-1).astype(float)


def ratios(counts: Array) -> Array:
    """Precision, recall and F1 from counts, shape ``(..., 3)`` to ``(..., 3)``; 0 where undefined."""
    hit, extra, missed = np.moveaxis(counts, -1, 0)
    wholes = np.stack([hit + extra, hit + missed, hit + (extra + missed) / 2], axis=-1)
    result: Array = hit[..., None] / np.where(wholes > 0, wholes, 1)
    return result


def summaries(counts: Array) -> Array:
    """Macro and micro precision, recall and F1 from counts of shape ``(..., k, 3)``: shape ``(..., 2, 3)``."""
    return np.stack([ratios(counts).mean(axis=-2), ratios(counts.sum(axis=-2))], axis=-2)


def matrix_f1(matrix: Array) -> Array:
    """F1 per name from confusion matrices of shape ``(..., m, m)``; 0 for a name that does not occur."""
    hit = np.einsum("...ii->...i", matrix)
    result: Array = 2 * hit / np.maximum(matrix.sum(axis=-1) + matrix.sum(axis=-2), 1)
    return result


def average_precision(scores: Array, truth: Array, weights: Array) -> Array:
    """Average precision under many weightings at once, as scikit-learn defines it (no interpolation, ties together).

    Args:
        scores, truth: shape ``(n,)``.
        weights: of the sentences, shape ``(b, n)``.

    Returns:
        Shape ``(b,)``; 0 where no positive has weight.
    """
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # the end of each run of equal scores
    seen = np.cumsum(weights[:, order], axis=1)[:, last]
    hits = np.cumsum(weights[:, order] * truth[order], axis=1)[:, last]
    gained = np.diff(hits, axis=1, prepend=0)
    total = hits[:, -1]
    result: Array = (gained * hits / np.maximum(seen, 1e-12)).sum(axis=1) / np.where(total > 0, total, 1)
    return result
