"""Is one model better than another on the same sentences?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from framelens.decisions import Array, Decisions
from framelens.errors import DataError, MissingExtraError
from framelens.evaluation import Evaluation
from framelens.intervals import RESAMPLES, ArticleBootstrap
from framelens.tables import Table, Tabular, percent

try:
    from scipy.stats import binom
except ImportError as error:
    raise MissingExtraError.for_extra("comparison", "evaluate") from error


@dataclass(frozen=True)
class Comparison(Tabular):
    """The result of :func:`compare`.

    Attributes:
        first, second: names of the models.
        sentences, articles: what both were evaluated on.
        differences: per metric ``first``, ``second``, ``difference`` (second minus first) and its 95% ``interval``, by paired
            bootstrap over articles (None for fewer than five articles).
        mcnemar: per decision ``only_first`` and ``only_second``, the sentences that only one model has right, and ``p``, the
            two-sided mid-p value (Fagerland, Lydersen & Laake 2013). The test takes sentences as independent, so within
            articles it finds a difference somewhat too readily; the intervals do not.
    """

    first: str
    second: str
    sentences: int
    articles: int
    differences: Mapping[str, Mapping[str, Any]]
    mcnemar: Mapping[str, Mapping[str, float]]

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``json`` can write."""
        return asdict(self)

    @property
    def title(self) -> str:
        """What was compared, in a line."""
        return f"{self.second} (second) against {self.first} (first): {self.sentences} sentences of {self.articles} articles"

    def tables(self) -> list[Table]:
        """Differences, and McNemar's test."""
        rows = [
            [name, percent(d["first"]), percent(d["second"]), percent(d["difference"], d["interval"])]
            for name, d in self.differences.items()
        ]
        tests = [
            [name, str(t["only_first"]), str(t["only_second"]), f"{t['p']:.3f}" if t["p"] >= 0.001 else "<0.001"]
            for name, t in self.mcnemar.items()
        ]
        return [
            Table("Difference of two models", ["metric", "first", "second", "second − first"], rows),
            Table("McNemar's test", ["decision", "only first right", "only second right", "p"], tests),
        ]


def compare(first: Evaluation, second: Evaluation, *, resamples: int = RESAMPLES, seed: int = 13) -> Comparison:
    """Compare two models on the same labelled sentences.

    Args:
        first, second: evaluations of the same data in the same order, from :func:`framelens.evaluate` or
            :func:`framelens.evaluation.score_predictions`.
        resamples: bootstrap resamples of whole articles, the same for both models.
        seed: of the resamples.

    Raises:
        DataError: the evaluations are of other sentences, labels or articles, or were read back from a dictionary.
    """
    one, other = first.decisions, second.decisions
    if one is None or other is None:
        raise DataError("an evaluation without its decisions cannot be compared; evaluate the model again")
    if one.names != other.names:
        raise DataError(f"the models have other frames: {', '.join(one.names)} and {', '.join(other.names)}")
    if one.articles != other.articles or not np.array_equal(one.truth, other.truth):
        raise DataError(f"the evaluations are of other sentences: {first.title}; {second.title}")
    bootstrap = ArticleBootstrap(one.articles, resamples, seed)
    # A frame that either model or the labels have as primary counts for both.
    occurring = np.unique(np.concatenate([one.true_primary, one.guessed_primary, other.guessed_primary]))
    width = one.summands.shape[1]
    both = np.concatenate([one.summands, other.summands], axis=1)

    def each(sums: Array) -> tuple[Array, Array]:
        return one.metrics(sums[:, :width], occurring), other.metrics(sums[:, width:], occurring)

    def difference(sums: Array) -> Array:
        before, after = each(sums)
        return after - before

    values = [side[0] for side in each(both.sum(axis=0, keepdims=True))]
    differences = {}
    for key, a, b, ends in zip(one.keys, *values, bootstrap.sums(difference, both).T, strict=True):
        if key[-1] not in ("precision", "recall"):
            interval = None if np.isnan(ends).any() else [float(end) for end in ends]
            differences[_title(key)] = {"first": float(a), "second": float(b), "difference": float(b - a), "interval": interval}
    return Comparison(
        first.model, second.model, first.sentences, first.articles, _main_first(differences), _mcnemar_tests(one, other)
    )


def mcnemar(right: Array, other_right: Array) -> dict[str, float]:
    """McNemar's test with the exact mid-p value (Fagerland, Lydersen & Laake 2013).

    Args:
        right, other_right: whether each model is right, shape ``(n,)``, bool.

    Returns:
        ``only_first``, ``only_second`` and the two-sided ``p``; 1 where the models are right on the same sentences.
    """
    only_first, only_second = int((right & ~other_right).sum()), int((~right & other_right).sum())
    low, total = min(only_first, only_second), only_first + only_second
    p = 2 * binom.cdf(low, total, 0.5) - binom.pmf(low, total, 0.5)
    return {"only_first": only_first, "only_second": only_second, "p": float(min(p, 1.0))}


def _mcnemar_tests(one: Decisions, other: Decisions) -> dict[str, dict[str, float]]:
    right, other_right = one.truth == one.guess, other.truth == other.guess
    return {
        "primary frame": mcnemar(one.guessed_primary == one.true_primary, other.guessed_primary == other.true_primary),
        "whole set of frames": mcnemar(right.all(axis=1), other_right.all(axis=1)),
        **{name: mcnemar(right[:, i], other_right[:, i]) for i, name in enumerate(one.names)},
    }


def _title(key: tuple[str, ...]) -> str:
    names = {"macro": "macro-F1", "micro": "micro-F1", "exact_match": "exact match"}
    if key[0] == "primary":
        return "primary macro-F1" if key[1] == "macro_f1" else "primary accuracy"
    return names.get(key[0], f"F1 {key[1] if len(key) > 1 else ''}")


def _main_first(differences: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return dict(sorted(differences.items(), key=lambda pair: pair[0].startswith("F1 ")))
