"""Do the 95% intervals of `framelens evaluate` cover? The bootstrap over articles on simulated test sets, in three forms.

    python benchmarks/intervals.py --simulations 2000

A test set has some articles of about 12 sentences and three frames. An article leans toward frames of its own, and how well the model
reads it varies, so sentences of an article are alike. The truth is the mean over test sets of 200,000 articles in all.
"""

from __future__ import annotations

import argparse

import numpy as np

from framelens.intervals import Array, ArticleBootstrap, average_precision, confusion_counts, summaries
from framelens.tables import text_table

LEANINGS = np.array([-1.5, -1.2, -2.2])  # log-odds of the frames in a middling article


def simulate(rng: np.random.Generator, articles: int) -> tuple[Array, Array, Array]:
    """The article, labels and scores of each sentence."""
    article = np.repeat(np.arange(articles), np.maximum(rng.poisson(12, articles), 3))
    leaning = rng.normal(0, 1.2, (articles, 3))[article]
    truth = rng.random(leaning.shape) < 1 / (1 + np.exp(-(LEANINGS + leaning)))
    skill = rng.normal(0, 0.6, (articles, 3))[article]
    return article, truth, 2.6 * (truth - 0.5) + skill + rng.normal(0, 1, truth.shape) + 0.15 * leaning


def macro_f1(sums: Array) -> Array:
    """Of counts, shape ``(b, k, 3)``."""
    return summaries(sums)[:, 0, 2]


def one(rng: np.random.Generator, articles: int, resamples: int) -> dict[str, tuple[float, float]]:
    """The intervals of one test set."""
    article, truth, scores = simulate(rng, articles)
    bootstrap = ArticleBootstrap([str(a) for a in article], resamples, seed=int(rng.integers(2**31)))
    counts = confusion_counts(truth, scores > 0.3)
    drawn = macro_f1(np.tensordot(bootstrap.weights, bootstrap.totals(counts), 1))
    sentences = rng.permutation(len(article)).astype(str)  # as if every sentence were an article of its own
    alone = ArticleBootstrap(sentences.tolist(), resamples, seed=int(rng.integers(2**31)))
    ranking = bootstrap.interval(lambda w: average_precision(scores[:, 0], truth[:, 0], w[:, bootstrap.index]))
    return {
        "macro-F1, framelens (expanded percentiles)": tuple(bootstrap.sums(macro_f1, counts)),
        "macro-F1, plain percentiles": tuple(np.quantile(drawn, [0.025, 0.975])),
        "macro-F1, sentences as independent": tuple(alone.sums(macro_f1, counts)),
        "average precision, framelens": tuple(ranking),
    }


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--resamples", type=int, default=1000)
    arguments = parser.parse_args()
    f1, ap = [], []
    for seed in range(10):
        article, truth, scores = simulate(np.random.default_rng(10**6 + seed), 20_000)
        f1.append(macro_f1(confusion_counts(truth, scores > 0.3).sum(axis=0, keepdims=True))[0])
        ap.append(average_precision(scores[:, 0], truth[:, 0], np.ones((1, len(article))))[0])
    sizes = (10, 20, 40, 60, 80)
    held: dict[str, list[str]] = {}
    for articles in sizes:
        hits: dict[str, list[bool]] = {}
        for number in range(arguments.simulations):
            for name, (low, high) in one(np.random.default_rng(number), articles, arguments.resamples).items():
                hits.setdefault(name, []).append(low <= np.mean(ap if name.startswith("average") else f1) <= high)
        for name, values in hits.items():
            held.setdefault(name, []).append(f"{100 * np.mean(values):.1f}")
    print(f"Coverage of 95% intervals, {arguments.simulations} simulated test sets each; macro-F1 {100 * np.mean(f1):.1f}")
    print(text_table(["interval", *(f"{n} articles" for n in sizes)], [[name, *values] for name, values in held.items()]))


if __name__ == "__main__":
    main()
