"""Choose sentences to label next: the ones the current model is least sure of, spread over as many articles as possible.

    python benchmarks/select_for_labelling.py ../shared/data/pool.jsonl --model runs/frames/checkpoint --number 880 -o round2.txt

Left out: articles that hold a sentence labelled before (so that test and development articles stay untouched), and articles
that nearly repeat one of them. Sureness is the smallest distance between a label's log-odds and those of its threshold.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from framelens import Classifier

ANNOTATIONS = Path(__file__).parents[1] / "seeds" / "annotations"
_SHORTEST = 6  # words; below are by-lines and fragments


def words(text: str) -> frozenset[str]:
    """A sentence as a set of lower-case words."""
    return frozenset(text.lower().split())


def near_duplicates(one: list[frozenset[str]], other: list[frozenset[str]], shared: float = 0.5) -> bool:
    """Whether two articles have a sentence of seven words or more in common, by Jaccard similarity."""
    return any(len(a) > 6 and len(a & b) / len(a | b) > shared for a in one for b in other)


def sureness(scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Smallest distance in log-odds from a threshold, shape ``(n,)``."""
    clipped = np.clip(scores, 1e-6, 1 - 1e-6)
    odds, cut = np.log(clipped / (1 - clipped)), np.log(thresholds / (1 - thresholds))
    return np.abs(odds - cut).min(axis=1)


def main() -> None:
    """Print how many were chosen from how many articles; write their ids."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("pool", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--number", type=int, default=880)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    with arguments.pool.open(encoding="utf-8") as lines:
        pool = [json.loads(line) for line in lines]
    labelled = {json.loads(line)["article_id"] for path in ANNOTATIONS.glob("*.jsonl") for line in path.open(encoding="utf-8")}
    by_article: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in pool:
        by_article[row["article_id"]].append(row)
    sets = {article: [words(row["text"]) for row in rows] for article, rows in by_article.items()}
    free = [a for a in by_article if a not in labelled and not any(near_duplicates(sets[a], sets[b]) for b in labelled)]
    candidates = [row for a in free for row in by_article[a] if len(row["text"].split()) >= _SHORTEST]
    classifier = Classifier.load(arguments.model)
    thresholds = np.array([classifier.labels.threshold(name) for name in classifier.labels.labels])
    unsure = sureness(classifier.scores([row["text"] for row in candidates], progress=True), thresholds)
    ranked: dict[str, list[str]] = defaultdict(list)
    for index in np.argsort(unsure):
        ranked[candidates[index]["article_id"]].append(candidates[index]["id"])
    chosen: list[str] = []
    depth = 0
    while len(chosen) < arguments.number and any(len(ids) > depth for ids in ranked.values()):
        chosen += [ids[depth] for ids in ranked.values() if len(ids) > depth]
        depth += 1
    chosen = chosen[: arguments.number]
    arguments.output.write_text("\n".join(chosen) + "\n", encoding="utf-8")
    print(
        f"{len(chosen)} sentences of {len({i.rsplit('-', 1)[0] for i in chosen})} articles; {len(free)} of {len(by_article)} were free"
    )


if __name__ == "__main__":
    main()
