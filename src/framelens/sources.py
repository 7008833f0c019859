"""Who the sources of a document are: "Hua", "she" and "the spokeswoman" joined with "Hua Chunying" where the text allows it.

Rules over what the document itself says: full names, offices and appositions beside them, honorifics, and quotation marks. A
mention that fits nobody, or more than one, keeps the words of the text: no guess is shown as a fact.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from framelens.lexicon import (
    FIRM_NOUNS,
    FIRMS,
    FUNCTION_WORDS,
    HONORIFICS,
    LAWMAKERS,
    MEN,
    MENS_NAMES,
    OFFICES,
    ORGANISATIONS,
    POLICIES,
    ROLES,
    WOMEN,
    WOMENS_NAMES,
    countries,
    demonyms,
    is_common,
)
from framelens.names import proper_names
from framelens.quotations import Quoted, quotations
from framelens.schema import Span

_NEAR = 3  # sentences that a pronoun looks back
_SINGULAR = {"he": "m", "him": "m", "his": "m", "himself": "m", "she": "f", "her": "f", "hers": "f", "herself": "f"}
_OTHERS = {
    "it": "thing",
    "itself": "thing",
    "its": "thing",
    "they": "group",
    "them": "group",
    "their": "group",
    "both": "group",
}
_PRONOUNS = {
    *_SINGULAR,
    *_OTHERS,
    "i",
    "we",
    "you",
    "me",
    "us",
    "one",
    "who",
    "this",
    "that",
    "these",
    "those",
    "some",
    "others",
}
_ORGANISATION_NOUNS = frozenset(w.lower() for w in ORGANISATIONS) - {"times", "post", "news", "daily"}
_TITLES = {w.lower() for w in HONORIFICS | OFFICES} | ROLES
_FUNCTION = {w.lower() for w in FUNCTION_WORDS} - {"vice"}
_WORD = re.compile(r"[\w&]+(?:[-'’.]\w+)*\.?")
_BEFORE = re.compile(r"(?:[\w&'’-]+\.? ){1,8}$|(?:[\w&'’-]+\.? ){0,7}[\w&'’-]+, $")
_AFTER = re.compile(r",? \(|, ")
_APPOSITION = re.compile(r",\s+((?:an?|the|its|his|her|their)?\s?[^,;:.“”\"()]{3,90})")
_ACRONYM = re.compile(r"\((?:the )?([A-Z][A-Za-z&]*[A-Z]|[A-Z]{2,})\)")
_SAY = {"said", "says", "say", "told", "tells", "added", "asked", "met", "called", "by", "with"}
_DEFINITE = re.compile(r"(?:the|this|that)\s+", re.IGNORECASE)
_ARTICLE = re.compile(r"(?:the|this|that|an?|one|another)\s+", re.IGNORECASE)
_MAIN_ENDS = re.compile(r"\s*[,(]| (?:of|for|from|at|in|who|which|that|and|with|on|to|about)\b")
_SUFFIX = re.compile(r",? (?:Jr|Sr|II|III|IV)\.?$|['’]s?$")
_GOES_ON = re.compile(r"\b(?:also|added|adds|adding|continued|continues|went on|further)\b")
_POSSESSED = re.compile(
    r"['’]s (?:shares|products|equipment|customers|sales|profits?|chief executive|headquarters|founder|board)\b"
)
_NOT_THE_SAME = {"vice", "deputy", "prime", "assistant", "under", "former", "shadow", "foreign", "general", "press"}


@dataclass(slots=True)
class _Entity:
    """Somebody or something that a document names or introduces."""

    name: str
    kind: str  # person, thing (an organisation, firm, state, report) or group (more than one)
    gender: str = ""
    offices: list[frozenset[str]] = field(default_factory=list)  # the words of each office, small letters
    first: int = 0
    seen: int = -1  # the sentence that last had it as its source
    paragraph: int = -1

    def fits(self, gender: str) -> bool:
        return self.kind == "person" and self.gender in ("", gender)


def resolve_sources(text: str, sentences: Sequence[Span], found: Sequence[tuple[int, int] | None]) -> list[Span | None]:
    """Tell whom the sources of a document's sentences mean.

    Args:
        text: the document.
        sentences: its sentences in order.
        found: per sentence the characters (of the document) of the source named in it, or None.

    Returns:
        Per sentence the source, or None where the author speaks. The span is what the text says, ``name`` whom it means: the
        fullest name in the document for a surname; whoever alone fits a pronoun or an office; otherwise the span's own words. A
        sentence that only carries on a quotation has the span of the mention that the quotation was attributed to, which lies
        outside the sentence. Offsets that point nowhere count as None.

    Example:
        >>> from framelens.segment import split_sentences
        >>> text = "Ana Ruiz, a minister, spoke. Ruiz said no."
        >>> [s and s.name for s in resolve_sources(text, split_sentences(text), [None, (29, 33)])]
        [None, 'Ana Ruiz']
    """
    spans = [_span(text, place) for place in [*found, *[None] * len(sentences)][: len(sentences)]]
    quoted = quotations(text, sentences)
    cast = _Cast(text, sentences)
    resolved: list[Span | None] = []
    speakers: dict[int, int] = {}  # quotation -> the sentence that says whose it is
    for index, (span, how) in enumerate(zip(spans, quoted, strict=True)):
        source = None if span is None else cast.resolve(index, span, how.paragraph)
        if span is None:
            earlier = _speaker(index, quoted, resolved, speakers)
            source = None if earlier is None else resolved[earlier]
            if source is not None:
                cast.heard_again(source.name, index, how.paragraph)
        resolved.append(source)
        if source is not None:
            for quotation in (how.begins_in, how.ends_in):
                if quotation is not None:
                    speakers.setdefault(quotation, index)
    for index, how in enumerate(quoted):  # a quotation whose attribution comes only in its last sentence
        if resolved[index] is None and how.wholly and how.ends_in in speakers:
            resolved[index] = resolved[speakers[how.ends_in]]
    return resolved


def _span(text: str, place: object) -> Span | None:
    """A span of the document, or None for anything else."""
    if not isinstance(place, Sequence) or len(place) != 2 or not all(isinstance(x, int) for x in place):
        return None
    start, end = place
    return Span(text[start:end], start, end) if 0 <= start < end <= len(text) and text[start:end].strip() else None


def _speaker(index: int, quoted: Sequence[Quoted], resolved: Sequence[Span | None], speakers: dict[int, int]) -> int | None:
    """The earlier sentence that says whose words a sentence without a source of its own quotes."""
    how = quoted[index]
    if how.begins_in is not None:
        return speakers.get(how.begins_in)
    if how.wholly and index and resolved[index - 1] is not None and quoted[index - 1].paragraph == how.paragraph:
        return index - 1
    return None


class _Cast:
    """Everybody whom a document names, from all of it; then, sentence by sentence, who has spoken."""

    def __init__(self, text: str, sentences: Sequence[Span]) -> None:
        self._text = text
        self._sentences = sentences
        self._entities: dict[str, _Entity] = {}
        self._by_part: dict[str, list[str]] = {}  # first or last words of a name -> full names
        self._long = _acronyms(text)
        self._states = _states()
        for index, sentence in enumerate(sentences):
            for start, end, kind in proper_names(sentence.text):
                self._note(index, sentence, start, end, kind)
        for name in list(self._entities):
            words = name.split()
            for cut in range(1, len(words)):
                for part in {" ".join(words[:cut]), " ".join(words[cut:])}:
                    self._by_part.setdefault(part, []).append(name)
        for name in [n for n in self._entities if n in self._by_part]:  # "Ms Ruiz" tells something of "Ana Ruiz"
            short = self._entities.pop(name)
            if short.kind == "person" and (full := self._bearer(name, short.gender, short.first)):
                full.gender = full.gender or short.gender
                full.offices += [office for office in short.offices if office not in full.offices]

    # Reading the document

    def _note(self, index: int, sentence: Span, start: int, end: int, kind: str) -> None:
        """Take in a name with what stands beside it."""
        words = _bare(sentence.text[start:end])
        before, after = _beside(sentence.text, start, end)
        person = kind == "person" or bool(before & _TITLES) or _is_personal(words, kind)
        thing = kind in ("organisation", "firm") or bool(before & FIRM_NOUNS) or bool(after & FIRM_NOUNS)
        if not words or (" " not in words and not before and not after and not thing):
            if words and _POSSESSED.match(sentence.text, end):
                self._entity(words, "thing", index).offices.append(FIRM_NOUNS)
            return
        entity = self._entity(words, "person" if person and not before & FIRM_NOUNS else "thing", index)
        self._describe(entity, before, after)
        if kind == "firm":
            entity.offices.append(FIRM_NOUNS)

    def _entity(self, name: str, kind: str, index: int) -> _Entity:
        entity = self._entities.get(name)
        if entity is None:
            entity = self._entities[name] = _Entity(name, kind, first=index)
            if kind == "person":
                first = name.split()[0]
                entity.gender = "f" if first in WOMENS_NAMES else "m" if first in MENS_NAMES else ""
        return entity

    def _describe(self, entity: _Entity, *descriptions: frozenset[str]) -> None:
        for words in descriptions:
            if not words:
                continue
            if entity.kind == "person":
                entity.gender = _gender(words) or entity.gender
            if words & FIRM_NOUNS:
                words = words | FIRM_NOUNS
            if words not in entity.offices:
                entity.offices.append(words)

    # Telling whom a mention means

    def resolve(self, index: int, span: Span, paragraph: int) -> Span:
        """The span with the name of whom it means."""
        sentence = self._sentences[index]
        words = span.text.strip().lower()
        if words in _PRONOUNS:
            entity = self._pronoun(words, index, paragraph)
        else:
            start, end = span.start - sentence.start, span.end - sentence.start
            inside = 0 <= start < end <= len(sentence.text)
            names = [n for n in proper_names(sentence.text) if n[0] < end and start < n[1]] if inside else []
            before, after = _beside(sentence.text, start, end) if inside else (frozenset[str](), frozenset[str]())
            entity = self._mention(index, span.text, start, names, before, after)
        if entity is None:
            return span
        entity.seen, entity.paragraph = index, paragraph
        if words in _SINGULAR and not entity.gender:
            entity.gender = _SINGULAR[words]
        return Span(span.text, span.start, span.end, entity.name)

    def heard_again(self, name: str, index: int, paragraph: int) -> None:
        """A quotation goes on: its speaker is still the last one."""
        if name in self._entities:
            self._entities[name].seen, self._entities[name].paragraph = index, paragraph

    def _pronoun(self, word: str, index: int, paragraph: int) -> _Entity | None:
        """The only one who fits: in the paragraph so far, otherwise among the last sources."""
        gender, kind = _SINGULAR.get(word), _OTHERS.get(word)
        if gender is None and kind is None:
            return None

        def fits(entity: _Entity) -> bool:
            if gender:
                return entity.fits(gender)
            return entity.kind == kind or (kind == "group" and entity.kind == "thing")

        heard = [e for e in self._entities.values() if max(index - _NEAR, 0) <= e.seen < index]
        # Somebody known to be of that gender who is only spoken of may be meant as well.
        near = self._text[self._sentences[max(index - 1, 0)].start : self._sentences[index].start] if index else ""
        spoken = [
            e
            for e in self._entities.values()
            if gender and e.gender == gender and e not in heard and e.name.split()[-1] in near
        ]
        candidates = [e for e in heard if fits(e)]
        candidates = [e for e in candidates if e.kind == kind] or candidates  # "they" are analysts rather than a firm
        here = [e for e in candidates if e.paragraph == paragraph]
        last = [e for e in candidates if e.seen == index - 1]
        if len(last) == 1 and not spoken and _GOES_ON.search(self._sentences[index].text):
            return last[0]
        chosen = here or candidates
        return chosen[0] if len(chosen) == 1 and not spoken else None

    def _mention(
        self,
        index: int,
        text: str,
        start: int,
        names: Sequence[tuple[int, int, str]],
        before: frozenset[str],
        after: frozenset[str],
    ) -> _Entity | None:
        sentence = self._sentences[index]
        plain = _bare(_DEFINITE.sub("", text, count=1))
        if plain in self._long:
            return self._entity(self._long[plain], "thing", index)
        if plain in self._states:
            return self._entity(self._states[plain], "thing", index)
        inner = frozenset(w.lower().rstrip(".") for w in _WORD.findall(text))
        name = self._named(sentence.text, text, start, names)
        if name:
            entity = self._full(name, index, before | inner)
            if entity is None:
                return None
            self._describe(
                entity, frozenset(before), frozenset(inner & _TITLES and inner - {w.lower() for w in name.split()}), after
            )
            return entity
        return self._common(index, text, start, inner)

    def _named(self, sentence: str, text: str, start: int, names: Sequence[tuple[int, int, str]]) -> str:
        """The proper name that a mention is about: the one that its main part ends with."""
        places = [(max(a - start, 0), b - start) for a, b, _ in names if sentence[a:b] not in demonyms()]
        ends = (m.start() for m in _MAIN_ENDS.finditer(text) if not any(a < m.start() < b for a, b in places))
        end = next(ends, len(text))
        for a, b in reversed(places):
            if a < end <= b + 2:  # a possessive 's or a comma stays outside the name
                return _bare(text[a:b])
        words = _bare(_ARTICLE.sub("", text[:end])).split()
        capital = all(w[0].isupper() for w in words)
        words = [w for w in words if w.lower().rstrip(".") not in _TITLES]
        name = " ".join(words)
        if capital and not places and 0 < len(words) < 4 and not _is_noun(words[-1]):
            return name if name in self._by_part or name in self._entities or not is_common(words[-1]) else ""
        return ""

    def _full(self, name: str, index: int, beside: frozenset[str]) -> _Entity | None:
        """The entity of the fullest name that a name is a part of; a new one where there is none."""
        if name in self._long:
            return self._entity(self._long[name], "thing", index)
        if name.isupper():  # a speaker's name in a transcript
            name = next((n for n in (*self._entities, *self._by_part) if n != name and n.upper() == name), name)
        gender = _gender(beside)
        bearer = self._bearer(name, gender, index)
        if bearer is not None:
            bearer.gender = gender or bearer.gender
            return bearer
        if longer := self._fuller_organisation(name):
            return longer
        entity = self._entities.get(name)
        if entity is not None:
            same = _same_people([e for e in self._entities.values() if _ends(e.name) == _ends(name)])
            return max(same, key=lambda e: len(e.name)) if " " in name and same else entity
        return self._entity(name, "thing" if _is_noun(name.split()[-1]) else "person" if beside & _TITLES else "name", index)

    def _bearer(self, part: str, gender: str, index: int) -> _Entity | None:
        """The only person whose name begins or ends with a part; of several the only one named so far."""
        known = [self._entities[n] for n in dict.fromkeys(self._by_part.get(part, ()))]
        known = _same_people([e for e in known if e.kind == "person" and (not gender or e.fits(gender))])
        if len(known) > 1:
            known = [e for e in known if e.first <= index]
        return known[0] if len(known) == 1 else None

    def _fuller_organisation(self, name: str) -> _Entity | None:
        """The only organisation whose name ends with a single capitalised noun: "the Commission"."""
        if " " in name or not _is_noun(name):
            return None
        fitting = [e for e in self._entities.values() if e.kind == "thing" and e.name != name and name in e.name.split()]
        return fitting[0] if len(fitting) == 1 else None

    def _common(self, index: int, text: str, start: int, words: frozenset[str]) -> _Entity | None:
        """Whom a description without a name means: the only entity so far that it fits."""
        before = self._sentences[index].text[max(start - 5, 0) : max(start, 0)].lower()
        definite = bool(_DEFINITE.match(text)) or before.endswith("the ")
        phrase = _DEFINITE.sub("", text, count=1) if definite else _ARTICLE.sub("", text, count=1)
        head = _head(phrase)
        if not head:
            return None
        if definite:
            told = words - _FUNCTION - {"the"}
            fitting = [e for e in self._entities.values() if e.first <= index and any(_meets(told, head, o) for o in e.offices)]
            fitting += [e for e in self._entities.values() if e not in fitting and e.seen >= 0 and _is_head_of(head, e.name)]
            if head in _ORGANISATION_NOUNS:
                fitting += [
                    e
                    for e in self._entities.values()
                    if e not in fitting and e.kind == "thing" and e.first <= index and _is_head_of(head, e.name)
                ]
            fitting = _same_people([e for e in fitting if (e.kind == "person") == (head in ROLES)])
            return fitting[0] if len(fitting) == 1 else None
        kind = "person" if head in ROLES else "group" if head.endswith("s") and head not in FIRM_NOUNS else "thing"
        entity = self._entity(phrase.strip(), kind, index)
        entity.kind = kind
        self._describe(entity, words - _FUNCTION - {"a", "an"})
        return entity


def _states() -> dict[str, str]:
    """Names, other names and capitals of states; institutions such as the White House keep their own name."""
    return {word: c.name for c in countries() for word in (*c.names, *c.seats[:1])}


def _acronyms(text: str) -> dict[str, str]:
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


def _bare(name: str) -> str:
    """A name without honorifics and offices before it, or a possessive and Jr after it."""
    words = _SUFFIX.sub("", name.strip()).split(" ")
    while len(words) > 1 and words[0].rstrip(".") in HONORIFICS | OFFICES:
        words = words[1:]
    return " ".join(words).strip(" ,")


def _beside(sentence: str, start: int, end: int) -> tuple[frozenset[str], frozenset[str]]:
    """The words of the office or description right before a name and of the apposition right after it."""
    before: list[str] = []
    match = _BEFORE.search(sentence[max(start - 90, 0) : start])
    if match and ("," not in match.group() or sentence.startswith(",", end)):  # "a spokeswoman, Ana Ruiz, said"
        for word in reversed(match.group().replace(",", "").split()):
            low = word.lower().rstrip(".")
            if low in _SAY or (low in _FUNCTION and not (low == "of" and before)):
                break
            before.insert(0, low)
        if not (
            before
            and (before[-1] in _TITLES | FIRM_NOUNS or (len(before) > 2 and before[-2] == "of" and before[-3] in _TITLES))
        ):
            before = []
    after: list[str] = []
    if match := _APPOSITION.match(sentence, end):
        phrase = match[1].lower()
        noun = _head(phrase)
        if noun in _TITLES | FIRM_NOUNS:
            after = phrase.split()
    return frozenset(before), frozenset(after) - _FUNCTION


def _head(phrase: str) -> str:
    """The noun that a phrase is about, in small letters: "spokeswoman" of "spokeswoman for the ministry"."""
    front = re.split(
        r",|\(| (?:of|for|from|at|in|who|which|that|with|on|to|about|near|and|under|is|was|said) ", phrase.strip(), maxsplit=1
    )[0]
    words = _WORD.findall(front)
    return words[-1].lower().rstrip(".") if words else ""


def _is_head_of(head: str, name: str) -> bool:
    """Whether a noun is one of a name's telling words: "ministry" of "Ministry of Commerce" or "Foreign Ministry"."""
    words = name.lower().split()
    until = next((i for i, w in enumerate(words) if w in ("of", "for", "on")), len(words))
    return until > 0 and words[until - 1] == head


def _meets(told: frozenset[str], head: str, office: frozenset[str]) -> bool:
    """Whether what a mention tells fits an office, and the office is no other one ("vice president" for "the president")."""
    heads = (
        {"spokesman", "spokeswoman", "spokesperson"} if head == "spokesperson" else LAWMAKERS if head == "lawmaker" else {head}
    )
    others = told - {head} - _DEMONYMS
    return (
        bool(heads & office)
        and others <= office
        and not ((_NOT_THE_SAME - {"former"}) & office - told - {"press", "foreign", "general"})
    )


_DEMONYMS = frozenset(d.lower() for d in demonyms())


def _gender(words: Iterable[str]) -> str:
    told = {word.rstrip(".") for word in words}
    women, men = bool(told & WOMEN), bool(told & MEN)
    return "" if women == men else "f" if women else "m"


def _is_noun(word: str) -> bool:
    return word in ORGANISATIONS or word in FIRMS or word in POLICIES


def _is_personal(name: str, kind: str) -> bool:
    """Whether an unknown name may be a person's: two to four words, none a common noun of organisations."""
    words = name.split()
    return kind == "unknown" and 2 <= len(words) <= 4 and not any(_is_noun(w) or w.lower() in _FUNCTION for w in words)


def _ends(name: str) -> tuple[str, str]:
    words = name.split() or [""]
    return words[0], words[-1]


def _same_people(entities: list[_Entity]) -> list[_Entity]:
    """One of each: "Ana B. Ruiz" and "Ana Ruiz" are the same; the fullest name stays."""
    best: dict[tuple[str, str], _Entity] = {}
    for entity in entities:
        key = _ends(entity.name)
        if key not in best or len(entity.name) > len(best[key].name):
            best[key] = entity
    return list(best.values())
