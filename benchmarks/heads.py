"""What the heads for source and stance cost: articles read by a checkpoint of frames alone and by one with three heads, in turn.

    python benchmarks/heads.py --frames runs/student/checkpoint --all default --texts ../shared/data/pool.jsonl

Both are int8 of the same encoder. Everything counts: finding targets, the heads, spans, and names over the article.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

from framelens import Classifier
from framelens.readers import Row, read_rows
from framelens.tables import text_table
from rates import spread


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
    print(text_table(["checkpoint", "sentences/s"], [[name, spread(r)] for name, r in rates.items()]))
    ratios = [b / a for a, b in zip(rates[arguments.frames], rates[arguments.all], strict=True)]
    print(f"throughput with three heads / frames alone: {spread(ratios)}")


if __name__ == "__main__":
    main()
