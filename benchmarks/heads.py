"""What the heads for source and stance cost: articles read by a checkpoint of frames alone and by one with three heads, in turn.

    python benchmarks/heads.py --frames runs/student/checkpoint --all default --texts ../shared/data/pool.jsonl

Both are int8 of the same encoder. Everything counts: finding targets, the heads, spans, and names over the article.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path
from statistics import median

from framelens import Classifier
from framelens.readers import Row, read_rows
from framelens.tables import text_table


def main() -> None:
    """Print sentences a second for both, and the ratio of each round."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--frames", default="runs/student/checkpoint")
    parser.add_argument("--all", default="default")
    parser.add_argument("--texts", type=Path, default=Path("../shared/data/pool.jsonl"))
    parser.add_argument("--articles", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    sentences: dict[str, list[str]] = defaultdict(list)
    for row in read_rows(arguments.texts):
        if isinstance(row, Row):
            sentences[row.values["article_id"]].append(row.values["text"])
    articles = ["\n".join(texts) for texts in list(sentences.values())[: arguments.articles]]
    readers = {name: Classifier.load(name) for name in (arguments.frames, arguments.all)}
    rates: dict[str, list[float]] = defaultdict(list)
    for _ in range(arguments.rounds):
        for name, classifier in readers.items():
            started = time.perf_counter()
            read = sum(len(document) for document in classifier.classify(articles))
            rates[name].append(read / (time.perf_counter() - started))
    rows = [[name, f"{median(r):.0f}", f"{min(r):.0f} to {max(r):.0f}"] for name, r in rates.items()]
    print(text_table(["checkpoint", "sentences/s", "spread"], rows))
    ratios = [b / a for a, b in zip(rates[arguments.frames], rates[arguments.all], strict=True)]
    print(f"throughput with three heads / frames alone: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
