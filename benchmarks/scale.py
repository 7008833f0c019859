"""A corpus run far beyond one machine, simulated shard by shard: how long, what stragglers and lost workers cost, what the ledger bears.

    python benchmarks/scale.py --rate 1000 --workers 500 1000 2000
    python benchmarks/scale.py --rate 40000 --workers 100 --shard 50000

A discrete-event simulation of what `framelens corpus --engine ray` does: every worker takes the next shard when it is free; a shard
whose worker is lost is done again from its start, by whoever is free; finished shards are entered one after the other in a ledger
with one synced line each. Rate, seconds to load a model and seconds per line are to be measured (`benchmarks/corpus.py`; `--ledger`
here measures the last on this disk); how workers differ and fail is assumed, and shown.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framelens.corpus.ledger import Finished, Ledger
from framelens.tables import text_table

HOUR = 3600.0
HEADER: Sequence[str] = (
    "workers",
    "hours",
    "of the ideal",
    "workers lost",
    "work done twice",
    "last 1%, minutes",
    "ledger busy",
    "cost",
)


@dataclass(frozen=True)
class Plan:
    """What is simulated.

    Attributes:
        sentences: in the corpus.
        shard: sentences in a shard.
        workers: of one core each.
        rate: sentences a second of the median worker.
        spread: standard deviation of the logarithm of a worker's rate.
        slow: share of workers at a quarter of their rate (a bad neighbour, a throttled core).
        life: mean hours until a worker is lost.
        start: seconds until a new worker has loaded its model.
        ledger: seconds for one line.
    """

    sentences: float
    shard: float
    workers: int
    rate: float
    spread: float
    slow: float
    life: float
    start: float
    ledger: float


@dataclass(frozen=True)
class Outcome:
    """What came of it: hours, and hours without any loss; share of work done twice; minutes of the last percent; the ledger's load."""

    hours: float
    ideal: float
    repeated: float
    tail: float
    ledger: float
    lost: int


def simulate(plan: Plan, seed: int = 13) -> Outcome:
    """Run the plan to its end, one event per shard and per lost worker."""
    draw = random.Random(seed)
    shards = math.ceil(plan.sentences / plan.shard)

    def worker(now: float) -> tuple[float, float, float]:
        """Ready at, sentences a second, lost at."""
        rate = plan.rate * math.exp(draw.gauss(0, plan.spread)) * (0.25 if draw.random() < plan.slow else 1.0)
        ready = now + plan.start
        return ready, rate, ready + draw.expovariate(1 / (plan.life * HOUR))

    crew = [worker(0.0) for _ in range(plan.workers)]
    ideal = plan.sentences / sum(rate for _, rate, _ in crew)
    free = [(ready, number) for number, (ready, _, _) in enumerate(crew)]
    heapq.heapify(free)
    waiting, repeated, lost, line, busy = shards, 0.0, 0, 0.0, 0.0
    done: list[float] = []
    again: list[float] = []  # when shards come back to the queue
    while waiting or again:
        now, number = heapq.heappop(free)
        if waiting:
            waiting -= 1
        else:
            now = max(now, heapq.heappop(again))  # idle until one comes back
        _, rate, end = crew[number]
        finish = now + plan.shard / rate
        if finish <= end:
            line = max(line, finish) + plan.ledger  # lines are written one after the other
            busy += plan.ledger
            done.append(line)
            heapq.heappush(free, (finish, number))
        else:
            lost += 1
            repeated += max(end - now, 0.0) * rate
            heapq.heappush(again, max(end, now))
            crew[number] = worker(max(end, now))
            heapq.heappush(free, (crew[number][0], number))
    done.sort()
    return Outcome(
        hours=done[-1] / HOUR,
        ideal=ideal / HOUR,
        repeated=repeated / plan.sentences,
        tail=(done[-1] - done[int(0.99 * len(done))]) / 60,
        ledger=busy / done[-1],
        lost=lost,
    )


def ledger_line(lines: int = 300) -> float:
    """Seconds for one line of a run's ledger on this disk."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        ledger = Ledger(Path(folder) / "shards.jsonl", Path(folder) / "data")
        started = time.monotonic()
        for number in range(lines):
            ledger.add(Finished(0, number, False, 500, 12_500, 2**20, ((f"{number}.parquet", 2**20),), ()))
        return (time.monotonic() - started) / lines


def main() -> None:
    """Print one row per number of workers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sentences", type=float, default=1e10)
    parser.add_argument("--shard", type=float, default=12_500, help="sentences (500 articles of 25)")
    parser.add_argument("--rate", type=float, required=True, help="sentences a second of one core")
    parser.add_argument("--workers", type=int, nargs="+", default=[500, 1000, 2000], help="cores")
    parser.add_argument("--spread", type=float, default=0.15)
    parser.add_argument("--slow", type=float, default=0.02)
    parser.add_argument("--life", type=float, default=24.0, help="mean hours until a worker is lost")
    parser.add_argument("--start", type=float, default=60.0, help="seconds until a new worker reads")
    parser.add_argument("--ledger", type=float, help="seconds a line; measured on this disk if left out")
    parser.add_argument("--price", type=float, default=0.04, help="of a core for an hour, in any currency")
    arguments = parser.parse_args()
    ledger = ledger_line() if arguments.ledger is None else arguments.ledger
    print(f"{arguments.sentences:.3g} sentences, shards of {arguments.shard:.0f}, {1000 * ledger:.2f} ms a line of the ledger")
    print(text_table(HEADER, [_row(arguments, workers, ledger) for workers in arguments.workers]))


def _row(arguments: argparse.Namespace, workers: int, ledger: float) -> list[str]:
    plan = Plan(
        arguments.sentences, arguments.shard, workers, arguments.rate, arguments.spread, arguments.slow, arguments.life,
        arguments.start, ledger,
    )  # fmt: skip
    outcome = simulate(plan)
    return [
        str(workers),
        f"{outcome.hours:.2f}",
        f"{100 * outcome.ideal / outcome.hours:.1f}%",
        str(outcome.lost),
        f"{100 * outcome.repeated:.3f}%",
        f"{outcome.tail:.1f}",
        f"{100 * outcome.ledger:.1f}%",
        f"{workers * outcome.hours * arguments.price:.0f}",
    ]


if __name__ == "__main__":
    main()
