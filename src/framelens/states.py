"""What names a state in a sentence, and a tokenizer that reads every state as one and the same.

A frame should not depend on who it is. A tokenizer that reads each state's name, demonym and seat of government as those of one
stand-in makes it so by construction; swapping names in training (:func:`framelens.augmentation.swap_states`) only teaches it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache

from tokenizers import Regex, Tokenizer, normalizers

from framelens.lexicon import countries

# Whom all stand for: one word piece each in English vocabularies, and less of a party to the labelled disputes than the great powers.
_STAND_IN = {"seat": "Paris", "name": "France", "people": "French", "peoples": "French"}
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


def mask_states(tokenizer: Tokenizer) -> Tokenizer:
    """A copy of the tokenizer that reads every state as one: "Ankara accused Indian firms" as "Paris accused French firms".

    The article of "the United States" is read as a part of the name. A token that stands for a name has the offsets of its last
    character; :class:`framelens.tokens.Tokens` gives it those of the whole name.
    """
    copy = unmask_states(tokenizer)
    by_kind: dict[str, set[str]] = {}
    for surface, (_, kind) in names_of_states().items():
        forms = {surface, surface.upper()} if len(surface) >= _SHORTEST_UPPER else {surface}
        by_kind.setdefault(_STAND_IN[kind], set()).update(forms)
    # Seats first ("Mexico City"), then names ("Dominican Republic"), then demonyms.
    article = {"France": r"(?:\b(?:[Tt]he|THE) )?"}
    steps = [
        normalizers.Replace(Regex(rf"{article.get(word, '')}(?<!\w){any_of(by_kind[word])}(?!\w)"), word)
        for word in dict.fromkeys(_STAND_IN.values())
    ]
    before = [copy.normalizer] if copy.normalizer is not None else []
    copy.normalizer = normalizers.Sequence([*steps, *before])
    return copy


def unmask_states(tokenizer: Tokenizer) -> Tokenizer:
    """A copy of the tokenizer that reads states as they are written, whatever :func:`mask_states` did."""
    state = json.loads(tokenizer.to_str())
    steps = (state["normalizer"] or {}).get("normalizers", [])
    kept = [s for s in steps if not (s["type"] == "Replace" and s["content"] in _STAND_IN.values())]
    if len(kept) < len(steps):
        state["normalizer"] = kept[0] if len(kept) == 1 else {"type": "Sequence", "normalizers": kept} if kept else None
    return Tokenizer.from_str(json.dumps(state))
