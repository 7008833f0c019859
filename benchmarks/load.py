"""Load on a running server: clients that send one article after the other, with errors, p50, p99 and the server's memory.

    python benchmarks/load.py --clients 64 --seconds 120

starts ``framelens serve`` on a free loopback port and prints one table. Every client sends an article of the seed corpus, waits
for the answer, checks it, and sends the next; all clients together are what the server calls concurrent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx2 as httpx

from framelens.tables import text_table

SEEDS = Path(__file__).parents[1] / "seeds/sentences.jsonl"


def seed_articles() -> list[str]:
    """The articles of the seed corpus, paragraphs apart."""
    articles: dict[str, dict[int, list[str]]] = {}
    for line in SEEDS.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        articles.setdefault(row["article_id"], {}).setdefault(row["paragraph"], []).append(row["text"])
    return ["\n\n".join(" ".join(paragraph) for paragraph in article.values()) for article in articles.values()]


@dataclass
class Tally:
    """What the clients saw."""

    seconds: list[float] = field(default_factory=list)
    sentences: int = 0
    errors: list[str] = field(default_factory=list)


async def client(number: int, http: httpx.AsyncClient, articles: list[str], until: float, tally: Tally) -> None:
    """One client until the time is over."""
    turn = number
    while time.monotonic() < until:
        text = articles[turn % len(articles)]
        turn += 7
        started = time.monotonic()
        try:
            answer = await http.post("/classify", json={"text": text})
            document = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            tally.errors.append(type(error).__name__)
            continue
        tally.seconds.append(time.monotonic() - started)
        if answer.status_code != 200 or document["text"] != text or not document["sentences"]:
            tally.errors.append(f"status {answer.status_code}")
        else:
            tally.sentences += len(document["sentences"])


async def memory(pid: int, until: float, samples: list[float]) -> None:
    """Resident memory of the server in MiB, twice a second."""
    while time.monotonic() < until:
        samples.append(resident(pid))
        await asyncio.sleep(0.5)


def resident(pid: int) -> float:
    """MiB of a process that are in memory (Linux)."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def load(url: str, pid: int, clients: int, seconds: float) -> tuple[Tally, list[float]]:
    """All clients at once."""
    articles = seed_articles()
    tally, samples = Tally(), []
    pool = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=pool, trust_env=False) as http:
        await http.post("/classify", json={"text": articles[0]})  # the first call warms the engine up
        until = time.monotonic() + seconds
        await asyncio.gather(
            memory(pid, until, samples), *(client(number, http, articles, until, tally) for number in range(clients))
        )
    return tally, samples


def main() -> None:
    """Read the command line, start the server, print the table. Exit status 1 where a request failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--threads", type=int, help="of the model")
    given = parser.parse_args()
    threads = ["--threads", str(given.threads)] if given.threads else []
    with tempfile.NamedTemporaryFile("w+", suffix=".log") as log:
        server = subprocess.Popen([sys.executable, "-m", "framelens.cli", "serve", "--port", "0", *threads], stderr=log)
        try:
            while "startup complete" not in (written := Path(log.name).read_text()):
                if server.poll() is not None:
                    sys.exit(written)
                time.sleep(0.1)
            url = json.loads(written.splitlines()[0])["url"]
            tally, samples = asyncio.run(load(url, server.pid, given.clients, given.seconds))
        finally:
            server.terminate()
            stopped = server.wait(60)
    if not tally.seconds:
        sys.exit(f"no request was answered: {tally.errors[:5]}")
    cuts = statistics.quantiles(tally.seconds, n=100, method="inclusive") if len(tally.seconds) > 1 else tally.seconds * 99
    half = len(samples) // 2
    rows = [
        ["clients", str(given.clients)],
        ["seconds", f"{given.seconds:g}"],
        ["requests", str(len(tally.seconds))],
        ["requests per second", f"{len(tally.seconds) / given.seconds:.1f}"],
        ["sentences per second", f"{tally.sentences / given.seconds:.0f}"],
        ["errors", str(len(tally.errors))],
        ["p50, ms", f"{1000 * cuts[49]:.0f}"],
        ["p99, ms", f"{1000 * cuts[98]:.0f}"],
        ["server memory at first, MiB", f"{samples[0]:.0f}"],
        ["server memory, most in first half, MiB", f"{max(samples[: half + 1]):.0f}"],
        ["server memory, most in second half, MiB", f"{max(samples[half:]):.0f}"],
        ["exit status of the server", str(stopped)],
    ]
    print(text_table(["what", "measured"], rows))
    if tally.errors:
        print("errors:", ", ".join(sorted(set(tally.errors))))
    sys.exit(1 if tally.errors or stopped else 0)


if __name__ == "__main__":
    main()
