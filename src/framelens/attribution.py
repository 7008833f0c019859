"""From what the model sees in each sentence of an article to who says it, and toward whom."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import numpy as np

from framelens.lexicon import ORGANISATIONS
from framelens.mentions import acronyms
from framelens.schema import STANCES, Span, Stance
from framelens.sources import resolve_sources
from framelens.targets import Target

_PLACE = re.compile(r"\b(?:in|into|at|near|outside|around|across) $", re.IGNORECASE)
# Too many are called so.
_ANY = frozenset({"House", "Government", "Party", "Department", "Office", "Court"})
SeenSource = tuple[int, int, float]  # start and end in the sentence, probability


def name_sources(article: str, parts: Sequence[Span], seen: Sequence[Sequence[SeenSource]]) -> list[Span | None]:
    """Per sentence the most probable source named in it, with the name that the article gives it elsewhere.

    Args:
        article: the whole text.
        parts: its sentences.
        seen: per sentence, the sources that the model sees.
    """
    best = [max(spans, key=itemgetter(2), default=None) for spans in seen]
    places = [None if b is None else (part.start + b[0], part.start + b[1]) for part, b in zip(parts, best, strict=True)]
    return resolve_sources(article, parts, places)


def judge_targets(
    parts: Sequence[Span],
    sources: Sequence[Span | None],
    targets: Sequence[Sequence[Target]],
    scores: Sequence[np.ndarray[Any, Any]],
    *,
    named_by_caller: bool,
) -> list[tuple[Stance, ...]]:
    """Per sentence the stance toward each target.

    Targets that were found by default and not named by the caller leave out the sentence's own source, since nobody takes a stance toward
    himself by speaking, whatever he calls himself; a surname gets the full name that the article has for it, if that is one person's,
    a firm's first word the firm's name, and an acronym the name that it is explained by.

    Args:
        parts, sources: the article's sentences and their sources.
        targets: per sentence, what :class:`framelens.TargetFinder` found.
        scores: per sentence, shape ``(targets, 3)``: probabilities in the order of ``STANCES``.
        named_by_caller: whether the caller named the targets.
    """
    full = _full_names(parts, targets, sources) if not named_by_caller else {}
    judged = []
    for part, source, found, rows in zip(parts, sources, targets, scores, strict=True):
        stances = []
        for target, row in zip(found, rows, strict=True):
            start, end = part.start + target.start, part.start + target.end
            if source is not None and not named_by_caller and start < source.end and source.start < end:
                continue
            place = _PLACE.search(part.text, 0, target.start)  # "in Chester" is not Mrs Chester
            name = target.name if place else full.get(target.name, target.name)
            if source is not None and not named_by_caller and name == source.name:
                continue
            span = Span(part.text[target.start : target.end], start, end, name)
            best = int(row.argmax())
            stances.append(Stance(span, STANCES[best], float(row[best])))
        judged.append(tuple(stances))
    return judged


def _full_names(parts: Sequence[Span], targets: Sequence[Sequence[Target]], sources: Sequence[Span | None]) -> dict[str, str]:
    """What stands for exactly one fuller name of the article: a person's first or last word, a firm's first, an acronym."""
    named = {t.name: t.kind for row in targets for t in row if t.kind in ("person", "unknown", "firm", "organisation")}
    people = {name for name, kind in named.items() if kind in ("person", "unknown")}
    people |= {source.name for source in sources if source is not None and source.name[:1].isupper()}
    words: dict[str, set[str]] = {}
    for name in people | {name for name, kind in named.items() if kind == "firm"}:
        if len(split := name.split()) in (2, 3):
            for word in (split[0],) if named.get(name) == "firm" else (split[0], split[-1]):
                words.setdefault(word, set()).add(name)
    bodies = [name.split() for name, kind in named.items() if kind == "organisation"]
    for split in (split for split in bodies if len(split) > 1):
        for word in {split[0], split[-1]} & (ORGANISATIONS - _ANY):  # "the Commission"
            words.setdefault(word, set()).add(" ".join(split))
    full = {word: names.pop() for word, names in words.items() if len(names) == 1 and (word in named or word in people)}
    return full | acronyms(" ".join(part.text for part in parts))
