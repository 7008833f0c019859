"""What `framelens corpus` costs beside the model: memory as the corpus grows, throughput beside the bare engine, a second Ray worker.

    python benchmarks/corpus.py memory --model fast
    python benchmarks/corpus.py throughput --model fast --model default
    python benchmarks/corpus.py ray --model default

The articles are two or three sentences of the seed corpus with a number put into each, so that none is like another. Every figure
is a ratio of runs made in turn on the same articles; the median of the rounds is shown with the lowest and highest.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from framelens import Classifier
from framelens.checkpoint import open_checkpoint
from framelens.corpus import classify_corpus
from framelens.engine import Engine
from framelens.tables import text_table
from framelens.targets import TargetFinder
from rates import spread

SEEDS = Path(__file__).parents[1] / "seeds" / "sentences.jsonl"


def articles(seed: int = 13) -> Iterator[str]:
    """Articles without end, no two alike."""
    sentences = [json.loads(line)["text"] for line in SEEDS.read_text(encoding="utf-8").splitlines()]
    draw, number = random.Random(seed), 0
    while True:
        number += 1
        chosen = draw.sample(sentences, 2 + number % 2)
        yield " ".join(f"{text[:-1]} ({number}){text[-1]}" for text in chosen)


def write_corpus(folder: Path, number: int, files: int = 4) -> Path:
    """A folder of so many articles as JSONL."""
    folder.mkdir(parents=True)
    source = articles()
    for file in range(files):
        with (folder / f"{file}.jsonl").open("w", encoding="utf-8") as stream:
            for text in islice(source, number // files):
                stream.write(json.dumps({"text": text}) + "\n")
    return folder


def peak(corpus: Path, output: Path, model: str) -> tuple[float, float]:
    """Peak resident memory in MB and seconds of `framelens corpus` in a process of its own."""
    started = time.monotonic()
    command = [sys.executable, "-m", "framelens.cli", "corpus", str(corpus), str(output), "--model", model]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_maxrss / 1024, time.monotonic() - started


def memory(model: str, small: int, large: int, rounds: int) -> None:
    """Peak memory of a small and of a large corpus."""
    rows, ratios = [], []
    with tempfile.TemporaryDirectory() as folder:
        corpora = {number: write_corpus(Path(folder) / f"in{number}", number) for number in (small, large)}
        for round_ in range(rounds):
            found = {n: peak(corpus, Path(folder) / f"out{n}-{round_}", model) for n, corpus in corpora.items()}
            ratios.append(found[large][0] / found[small][0])
            rows += [[str(n), f"{mb:.0f}", f"{seconds:.1f}"] for n, (mb, seconds) in found.items()]
    print(text_table(["articles", "peak memory, MB", "seconds"], rows))
    print(f"\nratio {spread(ratios)} ({model})")


def throughput(model: str, number: int, rounds: int) -> None:
    """Articles from a file to Parquet, beside the same articles classified in memory, and their bare sentences through the engine: for
    frames alone, and for all heads with the targets known."""
    classifier = Classifier.load(model)
    texts = list(islice(articles(), number))
    sentences = [s.text for document in classifier.classify(texts) for s in document.sentences]
    finder, engine = TargetFinder(), Engine(open_checkpoint(model))
    targets = [[(t.start, t.end) for t in finder.find(text)] for text in sentences]
    rates: dict[str, list[float]] = {"bare engine, frames": [], "bare engine, all heads": [], "classify": [], "corpus": []}
    with tempfile.TemporaryDirectory() as folder:
        corpus = write_corpus(Path(folder) / "in", number)
        for round_ in range(rounds):
            started = time.monotonic()
            for start in range(0, len(sentences), 1250):  # what a shard of 500 articles holds
                classifier.scores(sentences[start : start + 1250])
            rates["bare engine, frames"].append(len(sentences) / (time.monotonic() - started))
            started = time.monotonic()
            for start in range(0, len(sentences), 1250):
                engine.read(sentences[start : start + 1250], targets[start : start + 1250])
            rates["bare engine, all heads"].append(len(sentences) / (time.monotonic() - started))
            started = time.monotonic()
            for start in range(0, number, 500):
                classifier.classify(texts[start : start + 500])
            rates["classify"].append(len(sentences) / (time.monotonic() - started))
            result = classify_corpus(corpus, Path(folder) / f"out{round_}", model=model)
            rates["corpus"].append(result.sentences / result.seconds)
    rows = [
        [
            name,
            spread(values),
            *(spread([a / b for a, b in zip(values, bare, strict=True)]) for bare in list(rates.values())[:2]),
        ]
        for name, values in rates.items()
    ]
    print(f"{model}, {number} articles, {len(sentences)} sentences")
    print(text_table(["way", "sentences/s", "of the engine, frames", "of the engine, all heads"], rows))


def on_ray(model: str, number: int, rounds: int) -> None:
    """One Ray worker and two, each with a core, on a cluster that is up."""
    import ray

    ray.init(num_cpus=2, log_to_driver=False, include_dashboard=False)
    ratios, rows = [], []
    with tempfile.TemporaryDirectory() as folder:
        corpus = write_corpus(Path(folder) / "in", number)
        classify_corpus(corpus, Path(folder) / "warm", model=model, engine="ray", workers=2)
        for round_ in range(rounds):
            rate = {}
            for workers in (1, 2):
                result = classify_corpus(
                    corpus, Path(folder) / f"out{round_}-{workers}", model=model, engine="ray", workers=workers
                )
                rate[workers] = result.sentences / result.seconds
            ratios.append(rate[2] / rate[1])
            rows.append([str(round_ + 1), f"{rate[1]:.0f}", f"{rate[2]:.0f}", f"{ratios[-1]:.2f}"])
    ray.shutdown()
    print(text_table(["round", "one worker, sentences/s", "two workers, sentences/s", "ratio"], rows))
    print(f"\nratio {spread(ratios)} ({model}, {number} articles)")


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["memory", "throughput", "ray"])
    parser.add_argument("--model", action="append", help="may be given several times")
    parser.add_argument("--small", type=int, default=2_000, help="articles of the small corpus")
    parser.add_argument("--large", type=int, default=200_000, help="articles of the large corpus")
    parser.add_argument("--articles", type=int, default=8_000, help="articles for throughput and Ray")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    for model in arguments.model or ["fast"]:
        if arguments.what == "memory":
            memory(model, arguments.small, arguments.large, arguments.rounds)
        elif arguments.what == "throughput":
            throughput(model, arguments.articles, arguments.rounds)
        else:
            on_ray(model, arguments.articles, arguments.rounds)


if __name__ == "__main__":
    main()
