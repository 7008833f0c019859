"""Proper names in English news text, by rules over capital letters; see :func:`proper_names`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Protocol

from framelens.lexicon import (
    FIRMS,
    FUNCTION_WORDS,
    HONORIFICS,
    MONTHS_THAT_NAME,
    NOT_NAMES,
    OFFICES,
    ORGANISATIONS,
    POLICIES,
    PORTFOLIOS,
    TIMES,
    UPPER,
    demonyms,
    is_common,
    is_given_name,
)

Kind = Literal["state", "organisation", "firm", "person", "policy", "unknown"]

_U = f"[{UPPER}]"
# Initials, or a word with capital first: O'Brien, Rolls-Royce, AT&T, Jong-un; a possessive 's stays outside.
_TOKEN = re.compile(
    rf"(?<![\w&])(?:(?:{_U}\.){{2,}}|{_U}\.(?=\s)|{_U}\w*(?:['’](?!s(?!\w))\w+)*(?:[-&]{_U}\w*(?:['’](?!s(?!\w))\w+)*|"
    r"-(?!(?:led|era|made|wide|run|like|born|free|type|style|only|owned|ban|size|term|mail|year|long|old|based|up|off|out)\b)"
    r"[a-z]{2,5}(?![\w-]))*|\d{1,2}(?![GDKMB]\b)[A-Z]\w*|3M\b)"
)
_PARTICLES = re.compile(
    r" (?:de|la|del|della|da|do|dos|du|des|di|van|von|ter|ten|bin|bint|ibn|al|el|y|zu|le)(?: (?:la|los|las|der|den|het))? $|"
    r" (?:al|el|d['’])-?$"
)
_SERIES = re.compile(rf"(?:, {_U}\w+)+,? and {_U}")
_OPENED = " \t\n“”\"'‘’([{"
_CONTRACTED = re.compile(r"['’](?:m|re|ve|ll|d|t|s)$")
_DATELINE = re.compile(
    rf"(?:[{UPPER}.'’/-]{{2,}}[, ]+){{1,4}}(?:[A-Z][\w.]+(?: \d+)?,? )?(?:\([^)]{{2,40}}\) ?)?(?:--|[-–—]) ?|"
    rf"(?:{_U}[\w.]+,? ){{1,4}}(?:\d+ )?\([^)]{{2,40}}\) ?(?:--|[-–—]) ?"
)
_SPEAKS = re.compile(
    r"(?:['’]s)? (?:said|says|told|tells|added|adds|argued|insisted|warned|tweeted|wrote|claimed|denied|announced)\b"
)
_GOVERNS = re.compile(r" (?:[Aa]dministration|[Gg]overnment|party|campaign)(?!\w)")
_NEVER_LAST = (TIMES - MONTHS_THAT_NAME) | {"No", "Nos", "I"}
_SURNAMES = frozenset({"He", "An", "You", "So", "Do", "To"})  # Chinese, Korean or Vietnamese, and English words
_ALSO_SURNAMES = frozenset({"Sen", "Tan", "Tun", "Don", "Sub"})
_ADDRESSES = frozenset({"Mr", "Mrs", "Ms", "Miss", "Dr", "Sir", "Dame", "Lord", "Lady", "Prof", "Professor"})
PARTIES = frozenset(
    "Republican Democrat Democratic Libertarian Conservative Tory Labour Liberal Unionist Socialist".split()  # noqa: SIM905
)
_MONEY = re.compile(r"(?:K?Shs?|Rs|RM|Rp|Tk|Rmb|RMB|NT|HK|US|Naira)\.?[\d.,]+(?:bn|m|k)?", re.IGNORECASE)
_POSSESSIVE = frozenset({"People", "King", "Queen", "Women", "Children", "Workers", "Farmers", "Xi'an", "Christie", "Sotheby"})
_OF_OFFICES = PORTFOLIOS | OFFICES | HONORIFICS
_NUMBERED = re.compile(r" (?:\d|[IVX]+\b)[\w.-]*(?:\(\w+\))*(?<![.-])")
_OF_A_PERSON = re.compile(
    r", (?:\d\d,|who\b|(?:an? |the |its |his |her )?(?:[\w-]+ ){0,3}(?:spokes\w+|director|head|chief|chair\w*|president|minister|premier|"
    r"professor|analyst|economist|expert|researcher|fellow|manager|secretary|ambassador|editor|lawyer|leader|senator|lawmaker|advis[eo]r|"
    r"officer|executive|founder|owner|author|member|partner|lecturer|historian|scientist|farmer|general|delegate)\b)"
)


class Stretch(Protocol):
    """Where something stands."""

    @property
    def start(self) -> int: ...  # noqa: D102

    @property
    def end(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class _Word:
    """A capitalised word; ``gap`` is what stands between it and the capitalised word before."""

    text: str
    start: int
    end: int
    gap: str
    initial: bool
    key: str
    """The form that the lexicon has: ``MINISTER`` as ``Minister``, ``UN`` as it is."""

    @property
    def is_head(self) -> bool:
        """Whether it makes the name around it one of an organisation, a firm or a policy."""
        return self.key in ORGANISATIONS or self.key in FIRMS or self.key in POLICIES


Words = list[_Word]


def _has_head(words: Words) -> bool:
    """Whether a word tells an organisation, a firm or a policy; a given name that begins a name does not ("Bill Ruiz")."""
    return any(w.is_head for w in (words[1:] if len(words) > 1 and is_given_name(words[0].key) else words))


def kind_of(words: Sequence[str]) -> Kind:
    """The kind that the words of a name show: its last telling word decides."""
    keys = [w.capitalize() if len(w) > 4 and w.isupper() else w.rstrip(".") for w in words]
    for word in reversed(keys[1:] if len(keys) > 1 and is_given_name(keys[0]) else keys):  # "Bill Ruiz" is no policy
        if word in POLICIES:
            return "policy"
        if word in FIRMS:
            return "firm"
        if word in ORGANISATIONS:
            return "organisation"
    if len(words) == 1 and 1 < len(words[0]) <= 6 and words[0].isupper():
        return "organisation"
    return "unknown"


def after_dateline(text: str) -> int:
    """Where the sentence itself begins: after ``LONDON (Reuters) -``, or at 0."""
    dateline = _DATELINE.match(text)
    return dateline.end() if dateline else 0


def proper_names(text: str, states: Sequence[Stretch] = ()) -> Iterator[tuple[int, int, Kind]]:
    """Names of persons, organisations, firms and policies: runs of capitalised words, cut where a name ends.

    Offices and honorifics are no part of a name, nor is a common word that only begins a sentence or stands in a headline.

    Args:
        text: a sentence, in any style of capitals.
        states: where states and their demonyms were found: they part from the person after them ("U.S. President Ann Lee") and stay
            in the name of an organisation ("Bank of China"). A state alone is not yielded.

    Yields:
        ``(start, end, kind)`` in the order of the text.
    """
    ends = {state.start: state.end for state in states}
    for part in _parts(text):
        if isinstance(part, _Word):
            yield part.start, part.end, "person"
            continue
        for piece, kind in _pieces(part, ends):
            yield _extended(text, piece, kind)


@lru_cache(maxsize=2048)  # an article's sentences are looked through for targets and again for sources
def _parts(text: str) -> tuple[Words | _Word, ...]:
    """Stretches of words that may hold names, and the months that are somebody's name: what does not depend on states."""
    found: list[Words | _Word] = []
    words = list(_words(text, after_dateline(text)))
    everywhere = bool(words) and _is_headline(text)
    for group in _groups(text, words):
        if len(group) == 1 and group[0].key in TIMES:
            if group[0].key in MONTHS_THAT_NAME and _SPEAKS.match(text, group[0].end):
                found.append(group[0])
        else:
            found += _without_common(group, everywhere)
    return tuple(found)


def _extended(text: str, piece: Words, kind: Kind) -> tuple[int, int, Kind]:
    """Take in what follows a name in small letters or figures and belongs to it, and let what follows tell a person."""
    start, end = piece[0].start, piece[-1].end
    if kind == "policy" and (number := _NUMBERED.match(text, end)):
        return start, number.end(), kind
    if kind != "unknown":
        return start, end, kind
    if governs := _GOVERNS.match(text, end):
        return start, governs.end(), "organisation"
    if len(piece) > 1 and (_OF_A_PERSON.match(text, end) or _SPEAKS.match(text, end) or text.endswith(" said ", 0, start)):
        kind = "person"
    return start, end, kind


def _words(text: str, at: int) -> Iterator[_Word]:
    previous, abbreviated = -1, False
    for match in _TOKEN.finditer(text, at):
        start, end = match.span()
        word = match.group()
        before = text[at:start].rstrip(_OPENED)[-1:]
        gap = text[previous:start] if previous >= 0 else "|"
        if abbreviated and gap == ". ":
            gap = " "
        initial = not before or (before in ".!?:;…•" and gap != " ")  # what follows "Ms." or "J." begins no sentence
        previous, abbreviated = end, word in HONORIFICS or word in ("St", "Mt", "Ft")
        if _CONTRACTED.search(word) or word == "I" or _MONEY.fullmatch(word):
            continue
        key = word.capitalize() if len(word) > 3 and word.isupper() else word.rstrip(".")
        yield _Word(word, start, end, gap, initial, key)


def _is_headline(text: str) -> bool:
    """Whether common words are capitalised too: nearly all words of more than three letters, in a line without a full stop."""
    if text.isupper():
        return True
    long = [w for w in text.split() if len(w) > 3 and w[0].isalpha()]
    capital = sum(w[0].isupper() for w in long)
    if text.endswith((".", ".”", '."')):
        return len(long) > 5 and capital == len(long)
    return len(long) > 2 and capital > 0.8 * len(long)


def _groups(text: str, words: Words) -> Iterator[Words]:
    """Words that may make one name: side by side, or joined as names are."""
    group: Words = []
    listing = False  # after "Department of ..." an "and" goes on with the name
    for index, word in enumerate(words):
        gap = word.gap
        if not group:
            pass
        elif word.key in TIMES or group[-1].key in TIMES:
            if gap == " " and word.key in MONTHS_THAT_NAME and group[-1].key not in TIMES:
                group.append(word)
                continue
            yield group
            group = []
        elif gap in (" ", "\u00a0", " & ") or _PARTICLES.match(gap) or _is_within(words, index):
            pass
        elif (gap in (" of ", " of the ") and (is_common(group[-1].text) or any(w.is_head for w in group))) or (
            gap in (" for ", " on ", " for the ", " on the ") and any(w.is_head for w in group)
        ):
            listing = any(w.key in ORGANISATIONS and w.key not in ("Bank", "House") for w in group)
        elif gap == " and " and (listing or _joined_before_head(words, index, group)):
            listing = False
        elif not (gap == ", " and listing and is_common(word.text) and _SERIES.match(text, group[-1].end)):
            yield group
            group, listing = [], False
        group.append(word)
    if group:
        yield group


def _is_within(words: Words, index: int) -> bool:
    """Whether what stands before a word belongs to the name: "Telecommunications (Security) Bill", "People's Daily"."""
    gap = words[index].gap
    if gap == " (":
        return index + 1 < len(words) and words[index + 1].gap == ") " and words[index + 1].key in POLICIES
    if gap == ") ":
        return words[index - 1].gap == " (" and words[index].key in POLICIES
    return gap in ("'s ", "’s ") and words[index - 1].key in _POSSESSIVE and words[index].is_head


def _joined_before_head(words: Words, index: int, group: Words) -> bool:
    """Whether "and" stands within a name such as "National Security and Investment Bill"."""
    if not is_common(group[-1].text):
        return False
    for following in words[index + 1 : index + 4]:
        if following.gap != " ":
            return False
        if following.key in POLICIES or following.key in ORGANISATIONS:
            return True
    return False


def _without_common(group: Words, everywhere: bool) -> Iterator[Words]:
    """Cut a group at words that are capitalised for another reason than being a name's."""
    part: Words = []
    for index, word in enumerate(group):
        if word.initial and (part or index):  # a full stop or colon in between
            yield part
            part = []
        following = group[index + 1 : index + 4]
        named = bool(following) and following[0].gap == " " and not is_common(following[0].text)
        drop = word.key in FUNCTION_WORDS and (word.initial or everywhere or not part)
        drop = drop and not (named and _is_surname(word, following[0], everywhere))
        if named and word.is_head and is_given_name(word.key):
            drop = False  # "Bill Ruiz"
        elif everywhere and word.is_head:
            drop = not part and bool(following) and following[0].gap == " "  # "Press", "Order": a verb here
        elif not drop and (word.initial or everywhere) and word.key not in _OF_OFFICES and not word.is_head:
            given = is_given_name(word.key)
            named = (given and bool(following)) or (not everywhere and any(w.is_head or w.key in OFFICES for w in following))
            drop = is_common(word.text) and not named
        if not drop:
            part.append(word)
        elif part:
            yield part
            part = []
    if part:
        yield part


def _is_surname(word: _Word, following: _Word, everywhere: bool) -> bool:
    """Whether a word such as "He" before a name is a surname; where any word has a capital, only "He" can be one."""
    return not everywhere and word.text in _SURNAMES and (word.text == "He" or not word.initial) and not following.is_head


def _pieces(part: Words, states: dict[int, int]) -> Iterator[tuple[Words, Kind]]:
    """Part persons from their offices and from states; leave out what is no name."""
    while part and part[-1].key in _NEVER_LAST:
        part = part[:-1]
    for index in range(len(part) - 1, -1, -1):
        word = part[index]
        if word.key not in HONORIFICS and word.key not in OFFICES:
            continue
        rest = part[index + 1 :]
        if not rest and index and _names_a_person(part[index - 1], word):
            continue
        if rest and rest[0].gap.startswith((" of", " for")):
            keep = 0
            while keep < len(rest) and (keep == 0 or rest[keep].gap != " " or rest[keep].key in PORTFOLIOS):
                keep += 1
            last = max((i for i, w in enumerate(rest) if w.is_head), default=-1)
            keep = max(keep, last + 1)
            head, person = rest[:keep], rest[keep:]
            if not all(w.key in PORTFOLIOS for w in head):
                yield from _plain(head, states)
            if person:
                yield person, "person"
        elif rest and not _has_head(rest):
            yield rest[: next((i for i, w in enumerate(rest) if w.gap.startswith(" of")), len(rest))], "person"
        elif rest:
            continue  # "General Assembly", "Justice Department"
        left = part[:index]
        while left and (left[-1].key in _OF_OFFICES or (is_common(left[-1].text) and not _names_more(left[-1], word))):
            left = left[:-1]
        yield from _plain(left, states)
        return
    yield from _plain(part, states)


def _names_a_person(before: _Word, title: _Word) -> bool:
    """Whether what may be a title is a surname: "Ms. Sen", "Piyali Sen", "Mary King", but not "Saudi King"."""
    if title.gap != " " or title.text not in HONORIFICS or before.is_head or before.text in demonyms():
        return False
    return (
        is_given_name(before.key)
        or before.key in _ADDRESSES
        or (title.text in _ALSO_SURNAMES and before.key not in _OF_OFFICES and not is_common(before.text))
    )


def _names_more(before: _Word, office: _Word) -> bool:
    """Whether a common word before an office belongs to a name: "Commission President", but not "Shipping Minister"."""
    of_a_cabinet = office.key in ("Minister", "Secretary", "Commissioner")
    return before.is_head and not (of_a_cabinet and (before.key in FIRMS or before.key in ("Union", "Cabinet")))


def _plain(part: Words, states: dict[int, int]) -> Iterator[tuple[Words, Kind]]:
    """A name without an office: what it is, and what is left of it after a state."""
    if not part:
        return
    after = 0
    if part[0].start in states:
        after = sum(w.start < states[part[0].start] for w in part)
    rest = part[after:]
    if not rest:
        return
    while len(part) > 2 and part[0].key in PARTIES and part[1].gap == " " and not _has_head(part[1:]):
        part = part[1:]  # "Democrat Ana Ruiz"
    if after and not _has_head(rest):
        first = part[0].text
        if rest[0].gap != " " or first.isupper() or "." in first or first in demonyms():
            yield from _plain(rest, states)
            return
    if all(w.key in NOT_NAMES or (w.key in PORTFOLIOS and w.key not in ORGANISATIONS) for w in part):
        return
    only = part[0]
    if len(part) == 1 and (len(only.text) < 2 or (only.initial and (only.is_head or is_common(only.text)))):
        return
    until = next((i for i, w in enumerate(part) if i and w.gap.startswith((" of", " for", " on"))), len(part))
    yield part, kind_of([w.text for w in part[:until]])
