"""What names in the news are made of: states, honorifics, offices, words that make an organisation, a firm or a policy.

Data, not rules: :mod:`framelens.targets` and :mod:`framelens.sources` say what follows from a word's being here. English only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

UPPER = "A-Z" + "".join(chr(c) for c in (*range(0xC0, 0x250), *range(0x1E00, 0x1F00)) if chr(c).isupper())


def _table(name: str) -> list[list[str]]:
    """The rows of a packaged table without its header."""
    lines = files("framelens").joinpath(name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines[1:]]


_WORDS = dict(_table("lexicon.tsv"))
HONORIFICS = frozenset(_WORDS["honorifics"].split())
OFFICES = frozenset(_WORDS["offices"].split())
# Words that make the name around them one of an organisation, a firm or a policy.
ORGANISATIONS = frozenset(_WORDS["organisations"].split())
FIRMS = frozenset(_WORDS["firms"].split())
POLICIES = frozenset(_WORDS["policies"].split())
# Fields that offices and ministries are for: "Commerce Secretary", "Secretary of State".
PORTFOLIOS = frozenset(_WORDS["portfolios"].split())
TIMES = frozenset(_WORDS["times"].split())
MONTHS_THAT_NAME = frozenset(_WORDS["months_that_name"].split())
NOT_NAMES = TIMES | frozenset(_WORDS["not_names"].split())
FUNCTION_WORDS = frozenset(_WORDS["function_words"].split())
# Nouns and titles, in small letters, that tell a woman or a man.
WOMEN = frozenset(_WORDS["women"].split())
MEN = frozenset(_WORDS["men"].split())
WOMENS_NAMES = frozenset(_WORDS["women_names"].split())
MENS_NAMES = frozenset(_WORDS["men_names"].split())
# What a person may be, what a firm may be called, and who may be called a lawmaker; in small letters.
ROLES = frozenset(_WORDS["roles"].split())
FIRM_NOUNS = frozenset(_WORDS["firm_nouns"].split())
LAWMAKERS = frozenset(_WORDS["lawmakers"].split())
# What holds a state's name and means none; states' names that are given names too; names that small letters make a word.
NOT_STATES = tuple(_WORDS["not_states"].split(";"))
GIVEN_NAMES = frozenset(_WORDS["given_names"].split())
ALSO_WORDS = frozenset(_WORDS["also_words"].split())


@dataclass(frozen=True, slots=True)
class Country:
    """A state or a body of states: its name, other names, demonyms, and the seats that stand for its government."""

    name: str
    aliases: tuple[str, ...]
    demonyms: tuple[str, ...]
    seats: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Its name and its other names."""
        return (self.name, *self.aliases)

    @property
    def people(self) -> tuple[str, ...]:
        """Demonyms with their plurals: American, Americans."""
        endings = ("s", "sh", "ch", "ese", "x", "z", "ic", "shman", "chman", "woman")
        return (*self.demonyms, *(f"{d}s" for d in self.demonyms if not d.endswith(endings)))


@lru_cache(maxsize=1)
def countries() -> tuple[Country, ...]:
    """Every member of the United Nations, and Hong Kong, Kosovo, Macau, Palestine, Taiwan, the Vatican and the European Union."""
    rows = _table("countries.tsv")
    return tuple(Country(name, *(tuple(filter(None, cell.split(";"))) for cell in cells)) for name, *cells in rows)


@lru_cache(maxsize=1)
def demonyms() -> frozenset[str]:
    """Words for the people of a state or what is theirs."""
    return frozenset(d for country in countries() for d in country.people) - {n for c in countries() for n in c.names}


@lru_cache(maxsize=1)
def _common_words() -> frozenset[str]:
    return frozenset(files("framelens").joinpath("common_words.txt").read_text(encoding="utf-8").split())


@lru_cache(maxsize=8192)
def is_given_name(word: str) -> bool:
    """Whether a word is one of the given names of women or men."""
    return word in MENS_NAMES or word in WOMENS_NAMES


@lru_cache(maxsize=8192)
def is_common(word: str) -> bool:
    """Whether a word (in any case) is an English word rather than a name: itself, or what is left without its ending."""
    word = word.lower()
    known = _common_words()
    if word in known:
        return True
    for ending, instead in (
        ("s", ""),
        ("es", ""),
        ("ed", ""),
        ("ed", "e"),
        ("ing", ""),
        ("ing", "e"),
        ("ies", "y"),
        ("ly", ""),
    ):
        if word.endswith(ending) and len(word) > len(ending) + 2 and word[: -len(ending)] + instead in known:
            return True
    return False
