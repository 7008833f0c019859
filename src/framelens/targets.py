"""Whom a sentence speaks of: the targets that stance is found toward.

Two finders behind one method. With names given, only these and their aliases. Without, every state, organisation, firm, person
and policy that is named: rules over capital letters and a small lexicon, since nothing heavier ships without a download.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from framelens.errors import InputError
from framelens.lexicon import ALSO_WORDS, GIVEN_NAMES, NOT_STATES, Country, countries, demonyms, is_common
from framelens.names import Kind, after_dateline, kind_of, proper_names


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody or something named: ``text[start:end]``, whom it means (``name``: "China" for "Beijing"), and its kind."""

    start: int
    end: int
    name: str
    kind: Kind = "unknown"


class TargetFinder:
    """Finds targets in sentences. Compiles its patterns once; safe to share between threads.

    Args:
        targets: None finds by default states and governments (with demonyms and capitals), organisations, firms, persons and
            policies. A sequence of names finds only these; one that is a state is also found by its other names, demonyms and
            seats of government ("China": Beijing, Chinese, PRC). A mapping gives each name aliases of its own besides.

    Raises:
        InputError: not a sequence of names or a mapping from names to sequences of them; an empty name; an alias of two names.

    Example:
        >>> [target.name for target in TargetFinder(["China"]).find("Beijing and Paris met Chinese buyers.")]
        ['China', 'China']
        >>> [(target.name, target.kind) for target in TargetFinder().find("He told Acme Ltd that Beijing had agreed.")]
        [('Acme Ltd', 'firm'), ('China', 'state')]
    """

    def __init__(self, targets: Sequence[str] | Mapping[str, Sequence[str]] | None = None) -> None:
        self._listed = None if targets is None else _Names.of_list(_checked(targets))

    def find(self, text: str) -> list[Target]:
        """The targets of a sentence in the order of the text; where two overlap, the longer.

        Raises:
            InputError: ``text`` is not a str.
        """
        if not isinstance(text, str):
            raise InputError(f"text is {type(text).__name__}; accepted: str")
        if self._listed is not None:
            return _apart(self._listed.find(text))
        states = _states().find(text, shadows=True)
        names = (Target(start, end, text[start:end], kind) for start, end, kind in proper_names(text, states))
        return _apart([*names, *_measures(text), *states])


def _checked(targets: Sequence[str] | Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Names with the caller's aliases, or an error that says what was received."""
    accepted = 'accepted: a sequence of names (["China"]) or a mapping from a name to its aliases ({"China": ["Beijing"]})'
    if isinstance(targets, str) or not isinstance(targets, Iterable):
        raise InputError(f"targets are {targets!r:.60}; {accepted}")
    pairs = list(targets.items()) if isinstance(targets, Mapping) else [(name, ()) for name in targets]
    owner: dict[str, str] = {}
    for name, aliases in pairs:
        if isinstance(aliases, str) or not isinstance(aliases, Iterable):
            raise InputError(f"aliases of target {name!r:.60} are {aliases!r:.60}; {accepted}")
        for alias in (name, *aliases):
            if not isinstance(alias, str) or not re.search(r"\w", alias):
                raise InputError(f"target {alias!r:.60} is not a name; {accepted}")
            if owner.setdefault(alias, name) != name:
                raise InputError(f"{alias!r} stands for two targets, {owner[alias]!r} and {name!r}; accepted: one each")
    return {name: tuple(aliases) for name, aliases in pairs}


class _Names:
    """Many names as one pattern: whole words, the longest first."""

    def __init__(self, meaning: Mapping[str, tuple[str, Kind]], any_case: Iterable[str] = ()) -> None:
        self._meaning = dict(meaning)
        self._folded = {alias.casefold(): meaning[alias] for alias in any_case}
        patterns = [_trie(self._meaning)] if self._meaning else []
        patterns += [f"(?i:{_trie(self._folded)})"] if self._folded else []
        self._pattern = re.compile(rf"(?<!\w)(?:{'|'.join(patterns)})(?!\w)" if patterns else r"(?!)")

    @classmethod
    def of_states(cls) -> _Names:
        meaning: dict[str, tuple[str, Kind]] = dict.fromkeys(NOT_STATES, ("", "unknown"))
        for country in countries():
            for alias in _aliases(country):
                meaning.setdefault(alias, (country.name, "state"))
        meaning |= {key.upper(): value for key, value in meaning.items() if len(key) > 3 and key.upper() not in meaning}
        return cls(meaning)

    @classmethod
    def of_list(cls, targets: Mapping[str, Sequence[str]]) -> _Names:
        """The caller's names come first, then their own aliases, then those of states; longer names of others shadow them."""
        meaning: dict[str, tuple[str, Kind]] = {}
        states = {alias: country for country in countries() for alias in country.names}
        for name, aliases in targets.items():
            kind: Kind = "state" if name in states else kind_of(name.split())
            for alias in (name, *aliases):
                meaning[alias] = (name, kind)
        for name in targets:
            if name in states:
                for alias in _aliases(states[name]):
                    meaning.setdefault(alias, (name, "state"))
        # "New Guinea" is not Guinea, "North Korea" not Korea: what merely contains an alias means nobody here.
        others = [*NOT_STATES, *(alias for country in countries() for alias in country.names)]
        if any(kind == "state" for _, kind in meaning.values()):
            for other in others:
                meaning.setdefault(other, ("", "unknown"))
        clear = [alias for alias, (name, _) in meaning.items() if name and _any_case(alias)]
        upper = {key.upper(): value for key, value in meaning.items() if len(key) > 3 and key.upper() not in meaning}
        return cls(meaning | upper, clear)

    def find(self, text: str, shadows: bool = False) -> list[Target]:
        """What is named in a text; with ``shadows`` also, without a name, what only looks like it (languages, "New Mexico")."""
        found = []
        for match in self._pattern.finditer(text, after_dateline(text)):
            words = match.group()
            name, kind = self._meaning.get(words) or self._folded[words.casefold()]
            start, end = match.span()
            if kind == "state" and words in GIVEN_NAMES and _is_given_name(text, start, end):
                continue
            if kind == "state" and not _is_state(text, start, end):
                name = ""
            elif kind == "state" and (government := _GOVERNMENT.match(text, end)):
                end = government.end(1)
            if name or shadows:
                found.append(Target(start, end, name, kind))
        return found


def _aliases(country: Country) -> Iterator[str]:
    for alias in (*country.names, *country.people, *country.seats):
        yield alias
        if "." in alias and " " not in alias:
            yield alias.rstrip(".")


def _any_case(alias: str) -> bool:
    """Whether an alias in small letters can only mean the same: several words or a long one that English has no word for."""
    return alias.islower() or ((" " in alias or len(alias) > 4) and alias.lower() not in ALSO_WORDS and not is_common(alias))


def _trie(names: Iterable[str]) -> str:
    """A pattern for any of ``names`` that branches by character, so that many names cost little more than one."""
    root: dict[str, dict] = {}  # type: ignore[type-arg]
    for name in names:
        node = root
        for char in name:
            node = node.setdefault(char, {})
        node[""] = {}

    def pattern(node: dict[str, dict]) -> str:  # type: ignore[type-arg]
        stem = ""
        while len(node) == 1 and "" not in node:  # a stretch without a branch
            char, node = next(iter(node.items()))
            stem += r"\s" if char == " " else re.escape(char)
        branches = [(r"\s" if char == " " else re.escape(char)) + pattern(after) for char, after in node.items() if char]
        if not branches:
            return stem
        return f"{stem}(?:{'|'.join(branches)}){'?' if '' in node else ''}"

    return pattern(root)


_GOVERNMENT = re.compile(
    r"(?:['’]s?)? ((?:(?:central|federal|national|current|new|previous) )?"
    r"(?:[Gg]overnments?|[Aa]dministrations?|[Aa]uthorit(?:y|ies)|regime|[Ss]tate|officials|leadership|leaders|ministers|side))(?!\w)"
)
_LANGUAGE_BEFORE = re.compile(
    r"\b(?:spea?ks?|speaking|spoken?|in|into|from|fluent|fluently|learn(?:s|ed|ing)?|taught|teach(?:es|ing)?|stud(?:y|ies|ied|ying)|"
    r"read(?:s|ing)?|writ(?:es|ing|ten)|wrote|translated)(?: in| fluent| good| broken| perfect| some)?(?: [A-Z]\w+(?:,| and| or))* $",
)
_LANGUAGE_AFTER = re.compile(
    r"(?:[,.;:!?)”\"]|$| (?:and|or|to|with|at|as|but|well|fluently|for|on|is|was) |-language| language)"
)
# Measures that news writes in small letters.
_MEASURES = re.compile(
    r"(?<![\w-])(?:(?:export|import|capital) (?:controls?|bans?|curbs?|quotas?|restrictions?|licen[cs]es?)|tariffs?|sanctions|"
    r"(?:anti-dumping |safeguard |customs |import |export )dut(?:y|ies)|(?:trade|tariff) wars?|trade barriers|subsid(?:y|ies)|quotas?|"
    r"embargo(?:es)?|(?:free[ -])?trade (?:deal|agreement|pact|policy)s?|trade protectionism)(?![\w-])|"
    r"(?<!\w)(?:Made in China 2025|(?:One )?Belt(?:,| and)(?: One)? Road(?: Initiative)?|One Country,? Two Systems|"
    r"Buy American|America First|"
    r"Green New Deal)(?!\w)",
    re.IGNORECASE,
)
# One of these is in each of them; a search for words is ten times as fast as the pattern.
_MEASURE_STEMS = (
    "control", "ban", "curb", "quota", "restriction", "licen", "tariff", "sanction", "dut", "trade", "subsid", "embargo", "2025", "road",
    "systems", "american", "america first", "green new deal",
)  # fmt: skip


def _measures(text: str) -> Iterator[Target]:
    small = text.lower()
    if any(stem in small for stem in _MEASURE_STEMS):
        for match in _MEASURES.finditer(text):
            yield Target(*match.span(), match.group(), "policy")


_GIVEN_NAME_AFTER = re.compile(r", \d\d,|,? (?:said|says|told|added) (?:he|she|his|her|him)\b|,? (?:and|with) (?:his|her)\b")


def _is_given_name(text: str, start: int, end: int) -> bool:
    return bool(_GIVEN_NAME_AFTER.match(text, end)) or text.endswith("Atlanta, ", 0, start)


def _is_state(text: str, start: int, end: int) -> bool:
    """Whether a state's name or demonym means the state here, rather than a language or, in capitals, a pronoun."""
    words = text[start:end]
    if words == "US" and text.isupper():
        return start == 0
    if words in demonyms() and _LANGUAGE_AFTER.match(text, end):
        return not text.startswith((" language", "-language"), end) and not _LANGUAGE_BEFORE.search(
            text, max(start - 40, 0), start
        )
    return True


@lru_cache(maxsize=1)
def _states() -> _Names:
    return _Names.of_states()


def _apart(targets: list[Target]) -> list[Target]:
    """Targets in order; of those that overlap the longest, and of equal ones the first."""
    kept: list[Target] = []
    for target in sorted(targets, key=lambda t: t.start - t.end):
        if all(target.end <= other.start or other.end <= target.start for other in kept):
            kept.append(target)
    return sorted((target for target in kept if target.name), key=lambda t: t.start)
