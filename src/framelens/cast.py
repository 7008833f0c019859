"""Everybody whom a document names, and whom its mentions of them mean; see :func:`framelens.sources.resolve_sources`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from framelens.lexicon import (
    FIRM_NOUNS,
    FIRMS,
    MENS_NAMES,
    ORGANISATIONS,
    ROLES,
    WOMENS_NAMES,
    demonyms,
    is_common,
)
from framelens.mentions import (
    ARTICLE,
    BODIES,
    DEFINITE,
    DEMONYMS,
    FUNCTION,
    MAIN_ENDS,
    TITLES,
    WORD,
    acronyms,
    bare,
    beside_of,
    ends_of,
    gender_of,
    head_of,
    is_head_of,
    is_noun,
    is_personal,
    is_plural,
    meets,
    states,
)
from framelens.names import PARTIES, proper_names
from framelens.pronouns import PRONOUNS, SINGULAR, Entity, Pronouns
from framelens.schema import Span

_ORGANISATION_NOUNS = frozenset(w.lower() for w in ORGANISATIONS) - {"times", "post", "news", "daily"}
_SEVERAL = re.compile(
    r"(?:many|some|most|several|(?:a )?few|(?:the )?other|certain|leading|both|all|two|three) ", re.IGNORECASE
)
_JOINED = re.compile(r"(?:, | and (?:the )?|, and | or | & )(?:(?:[A-Z][a-z]{1,3}\.|[MD]rs?|Ms|Sir|Lord|Lady|Dame) )?")
_OFFICE_FIRST = re.compile(r"((?:its|his|her|their|the|an?|[\w’']+['’]s?) [^,]{3,60}), (?-i:(?=[A-Z][^,]+,?$))", re.IGNORECASE)
_FIRST = re.compile(r"[A-Z][\w-]+ ")
_ENDS_HERE = re.compile(r"(?:['’]s?)?(?:[,.]|$| and| or)")
_AMID = re.compile(r"(?:[\w)]|[\w)], |[”\"’'] )\s*$")
_POSSESSED = re.compile(
    r"['’]s (?:shares|products|equipment|customers|sales|profits?|chief executive|headquarters|founder|board)\b"
)


class Cast:
    """Everybody whom a document names, from all of it; then, sentence by sentence, who has spoken."""

    def __init__(self, text: str, sentences: Sequence[Span]) -> None:
        self._text = text
        self._sentences = sentences
        self._entities: dict[str, Entity] = {}
        self._by_part: dict[str, list[str]] = {}  # first or last words of a name -> full names
        self._long = acronyms(text)
        self._states = states()
        self._namesakes: dict[str, Entity] = {}
        self._names = [list(proper_names(sentence.text)) for sentence in sentences]
        self._pronouns = Pronouns(text, sentences, self._names, self._entities, self._bearer)
        for index, places in enumerate(self._names):
            for start, end, kind in places:
                self._note(index, sentences[index], start, end, kind)
        for name in list(self._entities):
            first, _, rest = name.partition(" ")
            if " " in rest and rest in self._entities and is_common(first):  # "Crooked Ana Ruiz"
                del self._entities[name]
            else:
                self._learn(name)
        for name in [n for n in self._entities if n in self._by_part]:  # "Ms Ruiz" tells something of "Ana Ruiz"
            short = self._entities.pop(name)
            full = self._bearer(name, short.gender, short.first) if short.kind == "person" else None
            if full is None and short.gender and self._bearer(name, "", len(sentences)):
                self._entities[name] = self._namesakes[name] = short  # "Mr Ruiz" beside "Ana Ruiz": somebody else
            if full is not None:
                full.gender = full.gender or short.gender
                full.offices += [office for office in short.offices if office not in full.offices]

    # Reading the document

    def _learn(self, name: str) -> None:
        """Let a name be found by its first and its last words."""
        words = name.split()
        for cut in range(1, len(words)):
            for part in {" ".join(words[:cut]), " ".join(words[cut:])}:
                self._by_part.setdefault(part, []).append(name)

    def _note(self, index: int, sentence: Span, start: int, end: int, kind: str) -> None:
        """Take in a name with what stands beside it."""
        words = bare(sentence.text[start:end])
        if words in self._long or words in demonyms():
            return
        before, after = beside_of(sentence.text, start, end)
        described = before | after
        person = kind == "person" or bool(described & TITLES and not described & FIRM_NOUNS) or is_personal(words, kind)
        thing = kind in ("organisation", "firm") or bool(described & FIRM_NOUNS) or bool(after & BODIES and not person)
        if not words or (" " not in words and not before and not after and not thing):
            if words and _POSSESSED.match(sentence.text, end):
                self._entity(words, "thing", index).offices.append(FIRM_NOUNS)
            return
        entity = self._entity(words, "person" if person and not before & FIRM_NOUNS else "thing", index)
        self._describe(entity, before, after)
        if kind == "firm":
            entity.offices.append(FIRM_NOUNS)

    def _entity(self, name: str, kind: str, index: int) -> Entity:
        entity = self._entities.get(name)
        if entity is None:
            entity = self._entities[name] = Entity(name, kind, first=index)
            if kind == "person":
                first = name.split()[0]
                entity.gender = "f" if first in WOMENS_NAMES else "m" if first in MENS_NAMES else ""
        return entity

    def _describe(self, entity: Entity, *descriptions: frozenset[str]) -> None:
        for words in descriptions:
            if not words:
                continue
            if entity.kind == "person":
                entity.gender = gender_of(words) or entity.gender
            if words & FIRM_NOUNS:
                words = words | FIRM_NOUNS
            if words not in entity.offices:
                entity.offices.append(words)

    # Telling whom a mention means

    def resolve(self, index: int, span: Span, paragraph: int) -> Span:
        """The span with the name of whom it means."""
        sentence = self._sentences[index]
        words = span.text.strip().lower()
        pronoun = words in PRONOUNS and not self._is_surname(span, sentence)
        if pronoun:
            entity = self._pronouns.antecedent(words, index, paragraph, span.start)
        else:
            start, end = span.start - sentence.start, span.end - sentence.start
            inside = 0 <= start < end <= len(sentence.text)
            names = [n for n in self._names[index] if n[0] < end and start < n[1]] if inside else []
            before, after = beside_of(sentence.text, start, end) if inside else (frozenset[str](), frozenset[str]())
            entity = self._mention(index, span.text, start, names, before, after)
        if entity is None:
            if not pronoun:
                self._pronouns.stranger(index, span.text, paragraph)
            return span
        entity.seen, entity.paragraph, entity.at = index, paragraph, span.start
        if pronoun and words in SINGULAR and not entity.gender:
            entity.gender = SINGULAR[words]
        return Span(span.text, span.start, span.end, entity.name)

    def heard_again(self, name: str, index: int, paragraph: int) -> None:
        """A quotation goes on: its speaker is still the last one."""
        if name in self._entities:
            self._entities[name].seen, self._entities[name].paragraph = index, paragraph

    def _is_surname(self, span: Span, sentence: Span) -> bool:
        """Whether a word such as "He" is written as a name: with a capital amid a sentence, where somebody is called so."""
        before = self._text[sentence.start : span.start]
        return span.text.strip() in self._by_part and bool(_AMID.search(before))

    def _mention(
        self,
        index: int,
        text: str,
        start: int,
        names: Sequence[tuple[int, int, str]],
        before: frozenset[str],
        after: frozenset[str],
    ) -> Entity | None:
        sentence = self._sentences[index]
        plain = bare(DEFINITE.sub("", text, count=1))
        if plain in self._long:
            return self._entity(self._long[plain], "thing", index)
        if plain in self._states:
            return self._entity(self._states[plain], "thing", index)
        inner = frozenset(w.lower().rstrip(".") for w in WORD.findall(text))
        name = self._named(sentence.text, text, start, names)
        if name:
            entity = self._full(name, index, before | inner | after)
            if entity is None:
                return None
            self._describe(
                entity, frozenset(before), frozenset(inner & TITLES and inner - {w.lower() for w in name.split()}), after
            )
            return entity
        return self._common(index, text, start, inner)

    def _named(self, sentence: str, text: str, start: int, names: Sequence[tuple[int, int, str]]) -> str:
        """The proper name that a mention is about: the one that its main part ends with."""
        if (named := _OFFICE_FIRST.match(text)) and head_of(named[1]) in TITLES | FIRM_NOUNS:  # "its lawyer, Ana Ruiz,"
            start, text = start + named.end(1) + 2, text[named.end(1) + 2 :]
        places = [(max(a - start, 0), b - start) for a, b, _ in names if sentence[a:b] not in demonyms()]
        ends = (m.start() for m in MAIN_ENDS.finditer(text) if not any(a < m.start() < b for a, b in places))
        end = next(ends, len(text))
        if _SEVERAL.match(text) or any(
            _JOINED.fullmatch(text, b, c) and _ENDS_HERE.match(text, d) for (_, b), (c, d) in pairwise(places)
        ):
            return ""
        for a, b in reversed(places):
            if a < end <= b + 2:  # a possessive 's or a comma stays outside the name
                if a and _FIRST.fullmatch(text, 0, a) and text[: a - 1].lower().rstrip(".") not in TITLES | FUNCTION:
                    a = 0  # "Sun Delin": the sentence's first word may be a common one
                name = bare(text[a:b])
                if text.startswith(" and ", b):
                    return ""
                return "" if name in PARTIES or (" " not in name and is_common(name) and not self._knows(name)) else name
        words = bare(ARTICLE.sub("", text[:end])).split()
        capital = all(w[0].isupper() for w in words)
        words = [w for w in words if w.lower().rstrip(".") not in TITLES]
        name = " ".join(words)
        if capital and not places and 0 < len(words) < 4 and not is_noun(words[-1]):
            return name if self._knows(name) or not is_common(words[-1]) else ""
        return ""

    def _knows(self, name: str) -> bool:
        return name in self._by_part or name in self._entities or is_noun(name)

    def _full(self, name: str, index: int, beside: frozenset[str]) -> Entity | None:
        """The entity of the fullest name that a name is a part of; a new one where there is none."""
        if name in self._long:
            return self._entity(self._long[name], "thing", index)
        if name.isupper():  # a speaker's name in a transcript
            name = next((n for n in (*self._entities, *self._by_part) if n != name and n.upper() == name), name)
        gender = gender_of(beside)
        namesake = self._namesakes.get(name)
        if namesake and namesake.fits(gender or namesake.gender):
            return namesake
        bearer = self._bearer(name, gender, index)
        if bearer is not None:
            bearer.gender = gender or bearer.gender
            return bearer
        if longer := self._fuller_organisation(name):
            return longer
        entity = self._entities.get(name)
        if entity is not None:
            same = _same_people([e for e in self._entities.values() if ends_of(e.name) == ends_of(name)])
            return max(same, key=lambda e: len(e.name)) if " " in name and same else entity
        self._learn(name)
        personal = bool(beside & TITLES) or is_personal(name, "unknown")
        return self._entity(name, "thing" if is_noun(name.split()[-1]) else "person" if personal else "name", index)

    def _bearer(self, part: str, gender: str, index: int) -> Entity | None:
        """The only person whose name begins or ends with a part; of several the only one named so far."""
        known = [self._entities[n] for n in dict.fromkeys(self._by_part.get(part, ())) if n in self._entities]
        known = _same_people([e for e in known if e.kind == "person" and (not gender or e.fits(gender))])
        if len(known) > 1:
            known = [e for e in known if e.first <= index]
        return known[0] if len(known) == 1 else None

    def _fuller_organisation(self, name: str) -> Entity | None:
        """The only organisation with a noun in its name ("the Commission"), or the only firm called so ("Acme" of "Acme Ltd")."""

        def fits(words: list[str]) -> bool:
            if name.removesuffix("s") in PARTIES:
                return False
            if " " not in name and is_noun(name):
                return name in words
            own = name.split()
            return words[: len(own)] == own and all(w.rstrip(".") in FIRMS for w in words[len(own) :])

        fitting = [e for e in self._entities.values() if e.kind == "thing" and e.name != name and fits(e.name.split())]
        return fitting[0] if len(fitting) == 1 else None

    def _common(self, index: int, text: str, start: int, words: frozenset[str]) -> Entity | None:
        """Whom a description without a name means: the only entity so far that it fits."""
        before = self._sentences[index].text[max(start - 5, 0) : max(start, 0)].lower()
        definite = bool(DEFINITE.match(text)) or before.endswith("the ")
        phrase = DEFINITE.sub("", text, count=1) if definite else ARTICLE.sub("", text, count=1)
        head = head_of(phrase)
        joined = MAIN_ENDS.search(text)
        if not head or (joined and joined.group() == " and"):
            return None
        told = words - FUNCTION
        if definite and told <= {"people", "men", "women"}:
            return None  # whoever
        if definite:
            so_far = [e for e in self._entities.values() if e.first <= index and (e.kind == "person") == (head in ROLES)]
            fitting = [e for e in so_far if e.head in ("", head) and any(meets(told, head, office) for office in e.offices)]
            fitting += [
                e
                for e in so_far
                if e not in fitting
                and (e.seen >= 0 or head in _ORGANISATION_NOUNS)
                and is_head_of(head, e.name)
                and told - DEMONYMS <= {*e.name.lower().split(), head}
            ]
            fitting = _same_people(fitting)
            if fitting or len(told) < 2 or head not in ROLES | _ORGANISATION_NOUNS:
                return fitting[0] if len(fitting) == 1 else None
        elif not ARTICLE.match(text) and not is_plural(head):
            return None  # "minister says": in a headline
        kind = "person" if head in ROLES else "group" if is_plural(head) and head not in FIRM_NOUNS else "thing"
        entity = self._entity(text, kind, index)
        entity.kind, entity.head = kind, head
        self._describe(entity, told)
        return entity


def _same_people(entities: list[Entity]) -> list[Entity]:
    """One of each: "Ana B. Ruiz" and "Ana Ruiz" are the same; the fullest name stays."""
    best: dict[tuple[str, str], Entity] = {}
    for entity in entities:
        key = ends_of(entity.name)
        if key not in best or len(entity.name) > len(best[key].name):
            best[key] = entity
    return list(best.values())
