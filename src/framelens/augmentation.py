"""Variants of sentences for a teacher to label, where unlabelled text of the subject is short (after Jiao et al. 2020, TinyBERT)."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from framelens.checkpoint import write_text
from framelens.lexicon import Country, countries
from framelens.readers import BadRow, raise_bad_rows, read_rows
from framelens.states import any_of, names_of_states

# Whom a state is swapped for: of every continent, with a demonym and a capital that are no other word.
_STAND_INS = (
    "Argentina", "Australia", "Brazil", "Canada", "China", "Egypt", "France", "Germany", "India", "Indonesia", "Iran", "Italy", "Japan",
    "Kenya", "Malaysia", "Mexico", "Nigeria", "Norway", "Pakistan", "Russia", "South Africa", "South Korea", "Spain", "Thailand",
    "Turkey", "Ukraine", "Vietnam",
)  # fmt: skip
# What follows a name that stands for itself and not before a noun.
_AFTER_A_NAME = "and|or|to|in|is|was|has|had|will|would|of|on|for|with|from|at|by|that|as|but|should|could|may|also|said|says"
_SHORTEST = 6  # words; shorter sentences are left alone


def vary(texts: str | Path, output: str | Path, *, copies: int = 2, seed: int = 13, text_column: str = "text") -> int:
    """Write variants of every sentence: words dropped, a stretch kept, or two halves of neighbouring sentences joined.

    Args:
        texts: a file with a text column and, where it has one, ``article_id``.
        output: JSONL with ``article_id`` and ``text``. It holds text of ``texts``: mind whose that is.
        copies: variants of each sentence.
        seed: of the draw.
        text_column: column of the text.

    Returns:
        The number of variants.

    Raises:
        DataError: unusable rows.
    """
    draw = random.Random(seed)
    rows, bad = [], []
    for row in read_rows(Path(texts)):
        if isinstance(row, BadRow) or not isinstance(row.values.get(text_column), str):
            bad.append(row if isinstance(row, BadRow) else BadRow(row.where, f"no text in column {text_column!r}"))
        else:
            rows.append((row.values.get("article_id"), row.values[text_column].split()))
    raise_bad_rows(bad)
    lines = []
    for index, (article, words) in enumerate(rows):
        beside = rows[index + 1] if index + 1 < len(rows) else rows[index - 1]
        other = beside[1] if beside[0] == article else words
        for _ in range(copies if len(words) >= _SHORTEST else 0):
            varied = draw.choice(_WAYS)(words, other, draw)
            lines.append(json.dumps({"article_id": article, "text": " ".join(varied)}, ensure_ascii=False))
    write_text(Path(output), "\n".join(lines) + "\n")
    return len(lines)


def _dropped(words: Sequence[str], other: Sequence[str], draw: random.Random) -> list[str]:
    return [word for word in words if draw.random() > 0.15] or list(words)


def _stretch(words: Sequence[str], other: Sequence[str], draw: random.Random) -> list[str]:
    length = max(_SHORTEST, round(len(words) * draw.uniform(0.4, 0.8)))
    start = draw.randrange(len(words) - length + 1)
    return list(words[start : start + length])


def _joined(words: Sequence[str], other: Sequence[str], draw: random.Random) -> list[str]:
    return [*words[: round(len(words) * draw.uniform(0.4, 0.7))], *other[round(len(other) * draw.uniform(0.4, 0.7)) :]]


_Way = Callable[[Sequence[str], Sequence[str], random.Random], list[str]]
_WAYS: tuple[_Way, ...] = (_dropped, _stretch, _joined)


def swap_states(text: str, draw: random.Random) -> str | None:
    """The text with every state in it replaced by another, the same one each time; None where it names none.

    A name becomes a name, a demonym a demonym, a capital a capital. What a sentence frames does not depend on who it is.
    """
    pattern, meaning = _states(), names_of_states()
    found = dict.fromkeys(meaning[match.group()][0] for match in pattern.finditer(text))
    if not found:
        return None
    others = draw.sample([name for name in _STAND_INS if name not in found], len(found)) if len(found) <= 12 else []
    if not others:
        return None
    stand_in = dict(zip(found, (_by_name()[name] for name in others), strict=True))

    def other(match: re.Match[str]) -> str:
        name, kind = meaning[match.group()]
        country = stand_in[name]
        return {"name": country.name, "people": country.people[0], "peoples": country.people[-1], "seat": country.seats[0]}[
            kind
        ]

    swapped = pattern.sub(other, text)
    return re.sub(rf"\b[Tt]he (?=(?:{'|'.join(others)})(?:[^\w\s'’-]|$| (?:{_AFTER_A_NAME})\b))", "", swapped)


@lru_cache(maxsize=1)
def _by_name() -> dict[str, Country]:
    return {country.name: country for country in countries()}


@lru_cache(maxsize=1)
def _states() -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){any_of(names_of_states())}(?!\w)")
