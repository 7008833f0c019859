"""Do the intervals of `framelens prevalence` hold what they promise? Coverage over simulated corpora, beside the naive count's.

    python benchmarks/prevalence.py --simulations 1000

A corpus has 300 articles of about 15 sentences in two outlets. An article has a leaning of its own toward the frame, and the model errs
in ways that sentences of an article share. Worlds: a common frame (22% and 32% of the outlets' sentences) and a rare one (7% and 11%);
a model whose error rates are the same in both outlets, or worse in the second. A simple random sample of sentences is labelled.
Coverage: how often the 95% interval of an outlet's share holds the share in the population that the articles are drawn from.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from framelens.shares import Array, Share, adjusted_count, design_based, naive_count
from framelens.tables import text_table

OUTLETS = (0, 1)
WORLDS = {
    "common frame, equal errors": (-1.5, 0.0),
    "common frame, errors differ by outlet": (-1.5, -1.0),
    "rare frame, equal errors": (-3.0, 0.0),
    "rare frame, errors differ by outlet": (-3.0, -1.0),
}


@dataclass(frozen=True)
class Corpus:
    """One simulated corpus, an entry a sentence."""

    article: Array
    outlet: Array
    truth: Array
    score: Array


def simulate(rng: np.random.Generator, articles: int, base: float, unequal: float) -> Corpus:
    """Articles with about 15 sentences; ``base`` is the log-odds of the frame, ``unequal`` shifts the model's in the second outlet."""
    article = np.repeat(np.arange(articles), np.maximum(rng.poisson(15, articles), 3))
    outlet = article % 2
    odds = base + 0.6 * outlet + rng.normal(0, 1, articles)[article]
    truth = (rng.random(len(article)) < 1 / (1 + np.exp(-odds))).astype(float)
    logit = 2.4 * truth - 2.2 + unequal * outlet + rng.normal(0, 1.1, len(article)) + rng.normal(0, 0.4, articles)[article]
    return Corpus(article, outlet, truth, 1 / (1 + np.exp(-logit)))


def estimates(corpus: Corpus, labelled: int, rng: np.random.Generator) -> list[dict[str, Share]]:
    """Every estimate for each outlet, from ``labelled`` sentences drawn at random."""
    n = len(corpus.truth)
    sampled = np.zeros(n, dtype=bool)
    sampled[rng.choice(n, labelled, replace=False)] = True
    chance = np.full(n, labelled / n)
    guess = corpus.score > 0.5
    result = []
    for outlet in OUTLETS:
        within = corpus.outlet == outlet
        result.append(
            {
                "naive count": naive_count(guess, corpus.article, within),
                "labels alone": naive_count(corpus.truth, corpus.article, within & sampled),
                "adjusted count": adjusted_count(guess, corpus.truth, sampled, chance, corpus.article, within),
                "design-based (DSL)": design_based(corpus.score, corpus.truth, sampled, chance, corpus.article, within),
            }
        )
    return result


def coverage(base: float, unequal: float, labelled: int, simulations: int) -> dict[str, tuple[float, float, float, int]]:
    """Coverage, mean half-width and mean error (in points) per method over outlets, and how often it was undefined."""
    population = simulate(np.random.default_rng(0), 200_000, base, unequal)
    shares = [population.truth[population.outlet == outlet].mean() for outlet in OUTLETS]
    found: dict[str, list[tuple[float, Share]]] = {}
    for number in range(simulations):
        rng = np.random.default_rng(1000 + number)
        for share, methods in zip(shares, estimates(simulate(rng, 300, base, unequal), labelled, rng), strict=True):
            for name, estimate in methods.items():
                found.setdefault(name, []).append((share, estimate))
    result = {}
    for name, pairs in found.items():
        defined = [(share, e) for share, e in pairs if not np.isnan(e.low)]
        held = np.mean([e.low <= share <= e.high for share, e in defined])
        half = np.mean([(e.high - e.low) / 2 for _, e in defined])
        bias = np.mean([e.share - share for share, e in defined])
        result[name] = (float(held), float(100 * half), float(100 * bias), len(pairs) - len(defined))
    return result


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--simulations", type=int, default=1000)
    arguments = parser.parse_args()
    rows = []
    for world, (base, unequal) in WORLDS.items():
        for labelled in (200, 500):
            for name, (held, half, bias, undefined) in coverage(base, unequal, labelled, arguments.simulations).items():
                rows.append([world, str(labelled), name, f"{100 * held:.1f}", f"{half:.1f}", f"{bias:+.1f}", str(undefined)])
    print(f"{arguments.simulations} simulations, two outlets each")
    header = [
        "world",
        "labelled",
        "method",
        "coverage of 95% interval",
        "half-width, points",
        "mean error, points",
        "undefined",
    ]
    print(text_table(header, rows))


if __name__ == "__main__":
    main()
