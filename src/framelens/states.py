"""What names a state in a sentence, and a tokenizer that reads every state as one and the same, or leaves words out.

A frame should not depend on who it is. A tokenizer that reads each state's name, demonym and seat of government as those of one
stand-in makes it so by construction; swapping names in training (:func:`framelens.augmentation.swap_states`) only teaches it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from tokenizers import Tokenizer

from framelens.lexicon import countries

# Whom all stand for: one word piece each in English vocabularies, and less of a party to the labelled disputes than the great powers.
_STAND_IN = {"seat": "Paris", "name": "France", "people": "French", "peoples": "French"}
_OURS = "(?#framelens)"  # a comment in the patterns of our steps, by which they are known again
_SHORTEST_UPPER = 4  # letters of a name that is also looked for in capitals; "MALI" is one, "US" is written so anyway


@lru_cache(maxsize=1)
def names_of_states() -> dict[str, tuple[str, str]]:
    """Every name of a state with the state and the kind of name: ``name``, ``people`` (American), ``peoples`` (Americans), ``seat``."""
    meaning: dict[str, tuple[str, str]] = {}
    for country in countries():
        kinds = (("seat", country.seats), ("peoples", country.people), ("people", country.demonyms), ("name", country.names))
        meaning |= {surface: (country.name, kind) for kind, surfaces in kinds for surface in surfaces}
    return meaning


def any_of(words: Iterable[str]) -> str:
    """A regular expression for any of the words, the longest where several match, as a tree of letters: fast whatever their number."""
    tree: dict[str, dict[str, object]] = {}
    for word in words:
        node = tree
        for letter in word:
            node = node.setdefault(letter, {})  # type: ignore[assignment]
        node[""] = {}

    def expression(node: dict[str, object]) -> str:
        branches = [re.escape(letter) + expression(rest) for letter, rest in sorted(node.items()) if letter]  # type: ignore[arg-type]
        if not branches:
            return ""
        joined = branches[0] if len(branches) == 1 and "" not in node else f"(?:{'|'.join(branches)})"
        return f"{joined}?" if "" in node else joined

    return expression(tree)  # type: ignore[arg-type]


def as_seen(tokenizer: Tokenizer, *, mask: bool = False, skip: Sequence[str] = ()) -> Tokenizer:
    """A copy of the tokenizer that reads text so; what an earlier call did is undone.

    Args:
        tokenizer: its own normalizer stays, between the two steps.
        mask: read every state as one: "Ankara accused Indian firms" as "Paris accused French firms". The article of "the United
            States" is read as a part of the name. A token that stands for a name has the offsets of its last character;
            :class:`framelens.tokens.Tokens` gives it those of the whole name.
        skip: words and marks, in small letters, that are not read at all.
    """
    state = json.loads(tokenizer.to_str())
    own = state["normalizer"]
    steps = own["normalizers"] if own is not None and own["type"] == "Sequence" else [own] if own is not None else []
    steps = [step for step in steps if not (step["type"] == "Replace" and _OURS in step["pattern"].get("Regex", ""))]
    steps = [*(_mask_steps() if mask else []), *steps, *([_skip_step(skip)] if skip else [])]
    state["normalizer"] = steps[0] if len(steps) == 1 else {"type": "Sequence", "normalizers": steps} if steps else None
    return Tokenizer.from_str(json.dumps(state))


def _mask_steps() -> list[dict[str, Any]]:
    by_kind: dict[str, set[str]] = {}
    for surface, (_, kind) in names_of_states().items():
        forms = {surface, surface.upper()} if len(surface) >= _SHORTEST_UPPER else {surface}
        by_kind.setdefault(_STAND_IN[kind], set()).update(forms)
    article = {_STAND_IN["name"]: r"(?:\b(?:[Tt]he|THE) )?"}
    # Seats first ("Mexico City"), then names ("Dominican Republic"), then demonyms.
    return [
        _step(rf"{article.get(word, '')}(?<!\w){any_of(by_kind[word])}(?!\w)", word)
        for word in dict.fromkeys(_STAND_IN.values())
    ]


def _skip_step(words: Sequence[str]) -> dict[str, Any]:
    marks = [word for word in words if not word[:1].isalnum()]
    spelt = any_of(word for word in words if word[:1].isalnum())
    parts = [rf"(?<![\w'’.-]){spelt}(?![\w'’-])"] if spelt else []
    return _step("|".join([*parts, *([any_of(marks)] if marks else [])]), "")


def _step(pattern: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"Regex": _OURS + pattern}, "content": content}
