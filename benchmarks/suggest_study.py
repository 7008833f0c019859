"""Sentences to label until a quick model reaches the same macro-F1: `framelens suggest` against random order.

    python benchmarks/suggest_study.py

Each repetition holds out 27 of the seed corpus's 90 articles, starts with 40 random sentences of the others and labels 40 more at a
time, by their known labels. The model is the one of `suggest --fit`: logistic regression on words and the base encoder (not the
default checkpoint, which was trained on the seed corpus); a frame counts from probability 0.35, the same for all strategies. Entropy was
chosen as the measure on repetitions 0 to 3; shown are others.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score, f1_score

from framelens import Columns, load_dataset
from framelens.labelling.embedding import features, fit_predict, vectors
from framelens.labelling.suggesting import choose, uncertainty
from framelens.tables import text_table

SEEDS = Path(__file__).parents[1] / "seeds" / "sentences.jsonl"
START, BATCH, HELD_OUT, COUNTS_FROM = 40, 40, 27, 0.35
FIRST = 100  # repetition
Array = np.ndarray[Any, Any]
Strategy = Callable[[Array, Array, np.random.Generator], Array]


def main() -> None:
    """Curves, and sentences needed for a given macro-F1."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--until", type=int, default=640, help="sentences labelled")
    arguments = parser.parse_args()
    data = load_dataset(SEEDS, Columns(labels="frames"))
    truth, articles = np.array(data.matrix()), np.array(data.articles)
    places = vectors(data.texts)
    rows = features(data.texts, known=places)
    half = np.full(truth.shape[1], 0.5)

    def unsure(rest: Array, scores: Array, measure: Any) -> Array:
        return uncertainty(scores, half, multi_label=True, measure=measure)

    strategies: dict[str, Strategy] = {
        "random": lambda rest, scores, rng: rng.choice(rest, BATCH, replace=False),
        "margin alone": lambda rest, scores, rng: rest[np.argsort(-unsure(rest, scores, "margin"))[:BATCH]],
        "entropy alone": lambda rest, scores, rng: rest[np.argsort(-unsure(rest, scores, "entropy"))[:BATCH]],
        "suggest (entropy, diverse)": lambda rest, scores, rng: rest[
            choose(unsure(rest, scores, "entropy"), places[rest], articles[rest].tolist(), BATCH)
        ],
    }

    def curve(strategy: Strategy, repetition: int) -> list[tuple[float, float]]:
        rng = np.random.default_rng(repetition)
        away = rng.permutation(sorted(set(articles)))[:HELD_OUT]
        test, pool = np.flatnonzero(np.isin(articles, away)), np.flatnonzero(~np.isin(articles, away))
        labelled = rng.choice(pool, START, replace=False)
        points = []
        while True:
            rest = np.setdiff1d(pool, labelled)
            asked = np.concatenate([test, rest])
            scores = fit_predict(rows[labelled], truth[labelled], rows[asked], multi_label=True)
            guess = scores[: len(test)]
            points.append(
                (
                    float(f1_score(truth[test], guess >= COUNTS_FROM, average="macro", zero_division=0)),
                    float(average_precision_score(truth[test], guess, average="macro")),
                )
            )
            if len(labelled) >= arguments.until:
                return points
            labelled = np.concatenate([labelled, strategy(rest, scores[len(test) :], rng)])

    repetitions = range(FIRST, FIRST + arguments.repetitions)
    curves = {name: np.array([curve(strategy, r) for r in repetitions]) for name, strategy in strategies.items()}
    sizes = np.arange(curves["random"].shape[1]) * BATCH + START
    shown = [i for i, size in enumerate(sizes) if size % 120 == 40]
    for column, what in enumerate(("macro-F1", "mean average precision")):
        print(
            f"\n{what} on held-out articles, mean (standard deviation) of {arguments.repetitions} repetitions, by sentences labelled"
        )
        table = [
            [name, *(f"{100 * c[:, i, column].mean():.1f} ({100 * c[:, i, column].std(ddof=1):.1f})" for i in shown)]
            for name, c in curves.items()
        ]
        print(text_table(["strategy", *(str(sizes[i]) for i in shown)], table))
    print(
        "\nsentences needed for a macro-F1: median (lowest to highest) of repetitions; those that did not reach it count as more than all"
    )
    table = []
    for name, c in curves.items():
        cells = []
        for target in (0.50, 0.55, 0.60):
            needed = [next((int(sizes[i]) for i in range(len(sizes)) if f1[i] >= target), 10**6) for f1 in c[:, :, 0]]
            least, middle, most = min(needed), float(np.median(needed)), max(needed)
            cells.append(f"{_size(middle, sizes)} ({_size(least, sizes)} to {_size(most, sizes)})")
        table.append([name, *cells])
    print(text_table(["strategy", "50", "55", "60"], table))


def _size(number: float, sizes: Array) -> str:
    return f"{number:.0f}" if number <= sizes[-1] else f"> {sizes[-1]}"


if __name__ == "__main__":
    main()
