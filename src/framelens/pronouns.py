"""Whom "he", "she", "it" and "they" mean in a document; see :class:`framelens.cast.Cast`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from framelens.lexicon import FIRM_NOUNS, ROLES, demonyms
from framelens.mentions import BODIES, DEFINITE, TITLES, bare, ends_of, gender_of, head_of, is_plural, states
from framelens.schema import Span

_NEAR = 3  # sentences that a pronoun looks back
SINGULAR = {"he": "m", "him": "m", "his": "m", "himself": "m", "she": "f", "her": "f", "hers": "f", "herself": "f"}
_OTHERS = {
    "it": "thing",
    "itself": "thing",
    "its": "thing",
    "they": "group",
    "them": "group",
    "their": "group",
    "both": "group",
}
PRONOUNS = {
    *SINGULAR, *_OTHERS, "i", "we", "you", "me", "us", "one", "who", "which", "this", "that", "these", "those", "some", "others",
}  # fmt: skip
_DETERMINERS = frozenset({"the", "a", "an", "its", "his", "her", "their"})
_OFFICES = TITLES | FIRM_NOUNS
_QUOTE = re.compile(r"“[^”]*(?:”|$)|\"[^\"]*(?:\"|$)|(?<!\w)['‘][^'’]{8,}[,.!?]['’]")
_FULL_STOPS = (".", "!", "?", "…", "”", '"', "’", "'")
_SHOWS = re.compile(r" (?:also |then )?(?:show|depict|read|contain|include|feature|list|mention|reveal)(?:s|ed)?\b")
_APPOSED = re.compile(r",[^,]*,")
_GOES_ON = re.compile(r"\b(?:also|added|adds|adding|continued|continues|went on|further)\b")


@dataclass(slots=True, eq=False)
class Entity:
    """Somebody or something that a document names or introduces."""

    name: str
    kind: str  # person, thing (an organisation, firm, state, report) or group (more than one)
    gender: str = ""
    head: str = ""  # of who has only a description: its main noun
    offices: list[frozenset[str]] = field(default_factory=list)  # the words of each office, small letters
    first: int = 0
    at: int = -1  # where it was last named as a source
    seen: int = -1  # the sentence that last had it as its source
    paragraph: int = -1

    def fits(self, gender: str) -> bool:
        """Whether a pronoun of that gender may mean this person."""
        return self.kind == "person" and self.gender in ("", gender)


class Pronouns:
    """Tells whom a pronoun means, sentence by sentence, from who spoke and who was named before it.

    Args:
        text, sentences: the document.
        names: per sentence where its proper names stand, with their kinds.
        entities: everybody so far, by name; the caller adds to them.
        bearer: tells the one who has a name, a gender ("" for either) and a sentence by which he was named; or None.
    """

    def __init__(
        self,
        text: str,
        sentences: Sequence[Span],
        names: Sequence[Sequence[tuple[int, int, str]]],
        entities: dict[str, Entity],
        bearer: Callable[[str, str, int], Entity | None],
    ) -> None:
        self._text = text
        self._sentences = sentences
        self._names = names
        self._entities = entities
        self._bearer = bearer
        self._states = states()
        self._strangers: list[Entity] = []  # the last sources that nobody in particular could be told to be

    def stranger(self, index: int, words: str, paragraph: int) -> None:
        """Take in a source that could not be told; a headline's "minister" is left out, being somebody whom the text names."""
        if not self._sentences[index].text.endswith(_FULL_STOPS):
            return
        head = head_of(words)
        body = head not in ROLES and (DEFINITE.match(words) is not None or head in BODIES | FIRM_NOUNS)
        kind = "group" if is_plural(head) else "thing" if body else "person"
        self._strangers = [e for e in self._strangers if e.seen >= index - _NEAR]
        self._strangers.append(Entity(words, kind, gender_of(words.lower().split()), seen=index, paragraph=paragraph))

    def antecedent(self, word: str, index: int, paragraph: int, start: int) -> Entity | None:
        """The only one who fits: in the paragraph so far, otherwise among the last sources."""
        gender, kind = SINGULAR.get(word), _OTHERS.get(word)
        if gender is None and kind is None:
            return None

        def fits(entity: Entity) -> bool:
            if gender:
                return entity.fits(gender)
            return entity.kind == kind or (kind == "group" and entity.kind == "thing")

        heard = [e for e in self._entities.values() if max(index - _NEAR, 0) <= e.seen < index]
        candidates = [e for e in heard if fits(e)]
        since = max(min(max((e.seen for e in candidates), default=index), index - 1), 0)
        spoken = [e for e in self._spoken_of(gender, index, start, since) if e not in heard] if gender else []
        candidates = [e for e in candidates if e.kind == kind] or candidates  # "they" are analysts rather than a firm
        here = [e for e in candidates if e.paragraph == paragraph]
        last = [e for e in candidates if e.seen == index - 1]
        if len(last) == 1 and not spoken and _GOES_ON.search(self._sentences[index].text):
            return last[0]
        chosen = here or candidates
        subject = self._subject(index - 1, gender) if gender and not chosen else None
        if subject and all(e is subject for e in spoken):
            chosen, spoken = [subject], []
        latest = max((e.seen for e in chosen), default=-1)
        strangers = [
            e for e in self._strangers if max(index - _NEAR, latest, 0) <= e.seen and (e.paragraph == paragraph or not here)
        ]
        if any(e.fits(gender) if gender else e.kind != ("person" if kind == "thing" else "") for e in strangers):
            return None
        if kind == "group" and any(e.kind == "person" for e in heard) and all(e.kind != kind for e in chosen):
            return None  # "they" may be persons together
        if len(chosen) != 1 or (spoken and not self._quotes_on(chosen[0], spoken, index, start)):
            return None
        shown = kind == "thing" and not chosen[0].head and _SHOWS.match(self._text, start + len(word))
        return None if shown else chosen[0]  # what "shows" is rather a picture or a paper

    def _subject(self, index: int, gender: str) -> Entity | None:
        """The person whom a sentence of the same paragraph begins with, if it names nobody else whom the pronoun may mean."""
        if index < 0 or "\n" in self._text[self._sentences[index].end : self._sentences[index + 1].start]:
            return None
        sentence = self._sentences[index].text
        found: list[Entity] = []
        others = ""
        for start, end, _ in self._names[index]:
            name = bare(sentence[start:end])
            entity = self._entities.get(name) or self._bearer(name, "", index)
            if found and entity is None and name not in self._states and name not in demonyms():
                return None  # "Ruth": may be somebody
            if entity is not None and entity.fits(gender) and entity not in found:
                if not found and not _is_office(sentence[:start]):
                    return None
                found.append(entity)
                others = _QUOTE.sub(" ", _APPOSED.sub("", sentence[end:], count=1))
        if len(found) != 1 or not (found[0].gender or found[0].offices) or ROLES & set(others.lower().split()):
            return None
        return found[0]

    def _spoken_of(self, gender: str, index: int, start: int, since: int) -> list[Entity]:
        """Whom else a pronoun may mean: those named before it in its own sentence, outside quotation marks, or named in a sentence
        from ``since`` on and known to be of its gender or named there before anybody else."""
        before = _QUOTE.sub(" ", self._text[self._sentences[index].start : start])
        found: list[Entity] = []
        for i in range(since, index + 1):
            first = True
            for a, b, _ in self._names[i]:
                name = self._sentences[i].text[a:b]
                bearer = self._entities.get(name) or self._bearer(name, gender, index)
                if bearer is None or not bearer.fits(gender):
                    continue
                known, first = bearer.gender == gender or first, False
                if bearer not in found and (name in before if i == index else known):
                    found.append(bearer)
        return found

    def _quotes_on(self, speaker: Entity, others: Sequence[Entity], index: int, start: int) -> bool:
        """Whether a pronoun beside a quotation is who spoke in the sentence before, where the others came up only in what he said."""
        sentence, previous = self._sentences[index], self._sentences[index - 1]
        if speaker.seen != index - 1 or not _QUOTE.search(sentence.text):
            return False
        before = self._text[previous.start : speaker.at] + _QUOTE.sub(" ", self._text[sentence.start : start])
        return not any(ends_of(other.name)[1] in before for other in others)


def _is_office(opening: str) -> bool:
    """Whether a sentence has nothing but an office before the name: "Its new leader, ", "Trade Minister ", ""."""
    words = [word.strip("“\"‘',") for word in opening.split()]
    for index, word in enumerate(words):
        low = word.lower()
        described = index and words[index - 1].lower() in _DETERMINERS and words[index + 1 : index + 2]
        if described and words[index + 1] in _OFFICES:
            continue  # one adjective
        known = low in _DETERMINERS or low in _OFFICES or low in ("of", "for", "and", "former")
        if not (known or word[:1].isupper() or word.endswith(("'s", "’s", "s'", "s’"))):
            return False
    return True
