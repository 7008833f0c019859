"""Sentence segmenters side by side: boundary precision, recall and F1, and time, in one run.

    python benchmarks/segmentation.py --pool ../shared/data/pool.jsonl

Two texts: real news of the pool, whose reviewed boundaries are kept as offsets in data/segmentation_pool.json, and the cases
of data/segmentation_cases.json, which the project wrote. A boundary is the end of a sentence, in characters, at white space.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

from framelens import split_sentences
from framelens.tables import text_table

DATA = Path(__file__).parent / "data"
Case = tuple[str, set[int]]
Segmenter = Callable[[str], set[int]]


def pool_cases(pool: Path) -> list[Case]:
    """Articles of the pool, joined by spaces, with the ends of their reviewed sentences."""
    gold = json.loads((DATA / "segmentation_pool.json").read_text(encoding="utf-8"))
    rows: dict[str, list[dict[str, str]]] = {}
    with pool.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            rows.setdefault(row["article_id"], []).append(row)
    cases = []
    for article, taken in gold["articles"].items():
        text, ends = "", set()
        for row in rows[article][:taken]:
            if row["id"] in gold["joins"]:
                ends.discard(len(text))
            text += " " if text else ""
            for offset in gold["splits"].get(row["id"], []):
                ends.add(len(text) + len(row["text"][:offset].rstrip()))
            text += row["text"].rstrip()
            ends.add(len(text))
        cases.append((text, ends))
    return cases


def written_cases() -> list[Case]:
    """The project's own cases."""
    cases = []
    for case in json.loads((DATA / "segmentation_cases.json").read_text(encoding="utf-8")):
        at, ends = 0, set()
        for sentence in case["sentences"]:
            at = case["text"].index(sentence, at) + len(sentence)
            ends.add(at)
        cases.append((case["text"], ends))
    return cases


def _ends_of(text: str, sentences: list[str]) -> set[int]:
    """Ends of sentences that a library returned as strings, found again in the text."""
    at, ends = 0, set()
    for sentence in sentences:
        found = text.find(sentence.strip(), at)
        if sentence.strip() and found >= 0:
            at = found + len(sentence.strip())
            ends.add(at)
    return ends


def segmenters() -> dict[str, Segmenter]:
    """Every segmenter that is installed, by name."""
    found: dict[str, Segmenter] = {"framelens": lambda t: {s.end for s in split_sentences(t)}}

    def add(name: str, build: Callable[[], Segmenter]) -> None:
        try:
            found[name] = build()
        except ImportError:
            print(f"{name} is not installed: left out")

    def sentencex() -> Segmenter:
        import sentencex

        return lambda t: {
            b["start_index"] + len(b["text"].rstrip()) for b in sentencex.get_sentence_boundaries("en", t) if b["text"].strip()
        }

    def pysbd() -> Segmenter:
        import pysbd

        segmenter = pysbd.Segmenter(language="en", clean=False)
        return lambda t: _ends_of(t, segmenter.segment(t))

    def syntok() -> Segmenter:
        from syntok import segmenter

        return lambda t: {s[-1].offset + len(s[-1].value) for p in segmenter.analyze(t) for s in p}

    def segtok() -> Segmenter:
        from segtok.segmenter import split_multi

        return lambda t: _ends_of(t, list(split_multi(t)))

    def blingfire() -> Segmenter:
        import blingfire

        return lambda t: _ends_of(t, blingfire.text_to_sentences(t).split("\n"))

    def sentence_splitter() -> Segmenter:
        from sentence_splitter import SentenceSplitter

        splitter = SentenceSplitter(language="en")
        return lambda t: _ends_of(t, splitter.split(t))

    def yasbd() -> Segmenter:
        from yasbd import BoundaryDetector

        detector = BoundaryDetector(lang="en")
        return lambda t: _ends_of(t, [str(s) for s in detector.segment(t)])

    for build in (sentencex, pysbd, syntok, segtok, blingfire, sentence_splitter, yasbd):
        add(build.__name__, build)
    return found


def measure(segment: Segmenter, cases: list[Case]) -> tuple[float, float, float, float]:
    """Precision, recall, F1 and sentences per second."""
    hit = extra = missed = 0
    spent = 0.0
    for text, ends in cases:
        started = time.perf_counter()
        got = segment(text)
        spent += time.perf_counter() - started
        hit, extra, missed = hit + len(got & ends), extra + len(got - ends), missed + len(ends - got)
    precision, recall = hit / max(hit + extra, 1), hit / max(hit + missed, 1)
    return precision, recall, 2 * hit / max(2 * hit + extra + missed, 1), (hit + missed) / spent


def main() -> None:
    """Print one table per text; with --errors, what framelens gets wrong."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pool", type=Path, help="pool.jsonl of real news; left out, only the project's own cases are run")
    parser.add_argument("--errors", action="store_true", help="show the places where framelens differs")
    arguments = parser.parse_args()
    texts = {"the project's own cases": written_cases()}
    if arguments.pool:
        texts["real news of the pool"] = pool_cases(arguments.pool)
    for title, cases in texts.items():
        rows = []
        for name, segment in segmenters().items():
            segment(cases[0][0])  # warm up
            precision, recall, f1, speed = measure(segment, cases)
            rows.append([name, f"{100 * precision:.1f}", f"{100 * recall:.1f}", f"{100 * f1:.1f}", f"{speed:.0f}"])
        rows.sort(key=lambda row: -float(row[3]))
        print(f"\n{title}: {len(cases)} texts, {sum(len(e) for _, e in cases)} sentences")
        print(text_table(["segmenter", "precision", "recall", "F1", "sentences/s"], rows))
        if arguments.errors:
            for text, ends in cases:
                got = {s.end for s in split_sentences(text)}
                for at in sorted(got ^ ends):
                    print(
                        "too many" if at in got else "missing ", repr(text[max(at - 50, 0) : at]), "|", repr(text[at : at + 40])
                    )


if __name__ == "__main__":
    main()
