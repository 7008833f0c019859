"""What a mention of somebody says: its main noun, its office, its gender, what stands beside it. Rules for English."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from framelens.lexicon import (
    FIRM_NOUNS,
    FIRMS,
    FUNCTION_WORDS,
    HONORIFICS,
    LAWMAKERS,
    MEN,
    OFFICES,
    ORGANISATIONS,
    POLICIES,
    ROLES,
    WOMEN,
    countries,
    demonyms,
    is_given_name,
)

_BEFORE_A_NAME = HONORIFICS | OFFICES
TITLES = {w.lower() for w in _BEFORE_A_NAME} | ROLES
# What an organisation may be called in an apposition: "Ofcom, the regulator".
BODIES = (
    frozenset({w.lower() for w in ORGANISATIONS} | {"watchdog", "charity", "think-tank", "broadcaster", "newspaper", "body"})
    - TITLES
)
BODIES -= {"times", "post", "news", "daily", "house"}
_DESCRIBING = TITLES | FIRM_NOUNS
FUNCTION = {w.lower() for w in FUNCTION_WORDS} - {"vice"}
WORD = re.compile(r"[\w&]+(?:[-'’.]\w+)*\.?")
_APPOSITION = re.compile(r",\s+((?:an?|the|its|his|her|their)?\s?[^,;:.“”\"()]{3,90})")
_ACRONYM = re.compile(r"\((?:the )?([A-Z][A-Za-z&]*[A-Z]|[A-Z]{2,})\)")
_PEOPLE = frozenset({"people", "police", "men", "women", "staff", "clergy"})  # plurals without an s
_PLACES = frozenset(
    {"County", "City", "Valley", "Island", "Islands", "Street", "Square", "Bay", "Province", "Airport", "Harbour", "Harbor"}
)
_QUANTITY = re.compile(
    r"(?:a |the )?(?:growing |small |large )?(?:number|handful|couple|majority|range|host|dozens|scores|hundreds|thousands) of "
)
_QUOTE_ENDS = re.compile(r"[,.!?…]['’]$")
_SAY = {"said", "says", "say", "told", "tells", "added", "asked", "met", "called", "by", "with"}
DEFINITE = re.compile(r"^(?:the|this|that)\s+", re.IGNORECASE)
ARTICLE = re.compile(r"^(?:the|this|that|an?|one|another)\s+", re.IGNORECASE)
MAIN_ENDS = re.compile(r"\s*[,(]| (?:of|for|from|at|in|who|which|that|and|with|on|to|about|by)\b")
_SUFFIX = re.compile(r",? (?:Jr|Sr|II|III|IV)\.?$|['’]s?$")
_NOT_THE_SAME = {"vice", "deputy", "prime", "assistant", "under", "former", "shadow", "foreign", "general", "press"}


@lru_cache(maxsize=1)
def states() -> dict[str, str]:
    """Names, other names and capitals of states; institutions such as the White House keep their own name."""
    return {word: c.name for c in countries() for word in (*c.names, *c.seats[:1])}


def acronyms(text: str) -> dict[str, str]:
    """Acronyms with the name that they stand behind: "the Cyberspace Administration of China (CAC)"."""
    found: dict[str, str] = {}
    for match in _ACRONYM.finditer(text):
        letters = match[1]
        before = text[max(match.start() - 120, 0) : match.start()].rstrip().split(" ")
        wanted = [c for c in letters if c.isupper()]
        for size in range(2, min(len(before), 12) + 1):
            words = before[-size:]
            initials = [w[0] for w in words if w[:1].isupper()]
            if words[0][:1].isupper() and (initials == wanted or "".join(w[:1] for w in words).upper() == letters.upper()):
                found.setdefault(letters, " ".join(words))
                break
    return found


def bare(name: str) -> str:
    """A name without honorifics and offices before it, or a possessive and Jr after it."""
    words = _SUFFIX.sub("", name.strip()).split(" ")
    while len(words) > 1 and words[0].rstrip(".") in _BEFORE_A_NAME and not is_noun(words[-1]):
        words = words[1:]
    return " ".join(words).strip(" ,")


def beside_of(sentence: str, start: int, end: int) -> tuple[frozenset[str], frozenset[str]]:
    """The words of the office or description right before a name and of the apposition right after it."""
    before: list[str] = []
    chunk = sentence[max(start - 90, 0) : start]
    if chunk.endswith(", ") and sentence.startswith(",", end):  # "a spokeswoman, Ana Ruiz, said"
        chunk = chunk[:-2] + " "
    for word in reversed(chunk.split(" ")[-9:-1] if chunk.endswith(" ") else ()):
        low = word.lower().rstrip(".")
        if (
            not low
            or not (low[-1].isalnum() or low[-1] in "'’")
            or _QUOTE_ENDS.search(low)
            or low in _SAY
            or (low in FUNCTION and not (low == "of" and before))
        ):
            break
        before.insert(0, low.strip('“"‘([').removesuffix("'s").removesuffix("’s"))
    if not (before and (before[-1] in _DESCRIBING or (len(before) > 2 and before[-2] == "of" and before[-3] in TITLES))):
        before = []
    after: list[str] = []
    if match := _APPOSITION.match(sentence, end):
        phrase = match[1].lower()
        noun = head_of(phrase)
        if noun in _DESCRIBING or noun in BODIES:
            after = phrase.split()
    return frozenset(before), frozenset(after) - FUNCTION


def head_of(phrase: str) -> str:
    """The noun that a phrase is about, in small letters: "spokeswoman" of "spokeswoman for the ministry"."""
    phrase = _QUANTITY.sub("", phrase.strip(), count=1)
    front = re.split(
        r",|\(| (?:of|for|from|at|in|who|which|that|with|on|to|about|near|and|under|is|was|said|familiar|close|briefed|"
        r"involved|aware|loyal|based|by|conducted|released|published|posted|issued) ",
        phrase,
        maxsplit=1,
    )[0]
    words = WORD.findall(front)
    return words[-1].lower().rstrip(".") if words else ""


def is_head_of(head: str, name: str) -> bool:
    """Whether a noun is one of a name's telling words: "ministry" of "Ministry of Commerce" or "Foreign Ministry"."""
    words = name.lower().split()
    until = next((i for i, w in enumerate(words) if w in ("of", "for", "on")), len(words))
    return until > 0 and words[until - 1] == head


def meets(told: frozenset[str], head: str, office: frozenset[str]) -> bool:
    """Whether what a mention tells fits an office, and the office is no other one ("vice president" for "the president")."""
    heads = (
        {"spokesman", "spokeswoman", "spokesperson"} if head == "spokesperson" else LAWMAKERS if head == "lawmaker" else {head}
    )
    others = told - {head} - DEMONYMS
    return (
        bool(heads & office)
        and others <= office
        and not ((_NOT_THE_SAME - {"former"}) & office - told - {"press", "foreign", "general"})
    )


DEMONYMS = frozenset(d.lower() for d in demonyms())


def gender_of(words: Iterable[str]) -> str:
    """``"f"`` or ``"m"`` where the words tell one of them, else ``""``."""
    told = {word.rstrip(".") for word in words}
    women, men = bool(told & WOMEN), bool(told & MEN)
    return "" if women == men else "f" if women else "m"


def is_noun(word: str) -> bool:
    """Whether a capitalised word makes the name of an organisation, a firm or a policy."""
    return word in ORGANISATIONS or word in FIRMS or word in POLICIES


def is_personal(name: str, kind: str) -> bool:
    """Whether an unknown name may be a person's: two to four words, none a common noun of organisations."""
    words = name.split()
    if kind != "unknown" or not 2 <= len(words) <= 4:
        return False
    given = is_given_name(words[0])  # "Bill Ruiz" is no policy
    if not given and (words[-1] in states() or words[-1] in _PLACES):
        return False  # "Acme America"
    return not any(is_noun(w) or w.lower() in FUNCTION for w in words[given:])


def ends_of(name: str) -> tuple[str, str]:
    """The first and the last word of a name."""
    words = name.split() or [""]
    return words[0], words[-1]


def is_plural(head: str) -> bool:
    """Whether a noun means more than one."""
    return head.endswith("s") or head in _PEOPLE
