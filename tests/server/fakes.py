"""A classifier that finds frames, sources and stances by words, so that tests of the server know what comes back."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from framelens.schema import Document, LabelSet, Sentence, Span, Stance
from framelens.segment import split_sentences

LABELS = LabelSet(
    ("weather", "public_money", "old_songs"),
    thresholds={"weather": 0.4},
    descriptions={"weather": "rain & the <like>", "public_money": "what is earned and spent"},
)
WORDS = {"weather": ("rain", "storm", "snow"), "public_money": ("budget", "bank", "price"), "old_songs": ("song", "choir")}
TARGETS = ("Arvenia", "the harbour board")


@dataclass(frozen=True)
class Named(Span):
    """A span with the name it stands for."""

    name: str | None = None


class FakeClassifier:
    name = "fake@0123abcd"
    labels = LABELS
    tasks = ("frames", "source", "stance")

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.calls: list[tuple[list[str], Sequence[str] | None]] = []

    def classify(self, texts: list[str], *, targets: Sequence[str] | None = None) -> list[Document]:
        self.calls.append((list(texts), targets))
        time.sleep(self.seconds)
        if any("MELTDOWN" in text for text in texts):
            raise RuntimeError(f"cannot read {texts}")
        return [
            Document(text, tuple(self._sentence(s, targets) for s in split_sentences(text)), LABELS.labels, self.name)
            for text in texts
        ]

    def _sentence(self, span: Span, targets: Sequence[str] | None) -> Sentence:
        hits = {label: sum(span.text.lower().count(word) for word in words) for label, words in WORDS.items()}
        scores = {label: 1 - 0.05 * 0.4**n * (19 if n else 20) + (0 if n else 0.04) for label, n in hits.items()}
        scores = {label: round(min(score, 0.99) if hits[label] else 0.06, 4) for label, score in scores.items()}
        frames = LABELS.select([scores[label] for label in LABELS.labels])
        found = re.search(r"(Minister \w+|The (?:mayor|union)|She) (?:said|warned|asked)", span.text)
        source = None
        if found:
            words = found.group(1)
            name = "Minister Oda" if words == "She" else words
            source = Named(words, span.start + found.start(1), span.start + found.end(1), name)
        stances = tuple(
            Stance(
                Span(target, span.start + m.start(), span.start + m.end()),
                "against" if "rain" in span.text or "blame" in span.text else "favor",
                0.8125,
            )
            for target in (*TARGETS, *(targets or ()))
            for m in re.finditer(re.escape(target), span.text)
        )
        return Sentence(span.text, span.start, span.end, frames[0] if frames else None, frames, scores, source, stances)


def run_async(work: Coroutine[Any, Any, Any]) -> Any:
    """``asyncio.run`` in a thread: Playwright, once started, keeps a loop in the main one, in whatever order tests run."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
