"""Quotations that run on: which sentences lie within a quotation, and in which one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from framelens.schema import Span

# A mark that opens and one that closes; a straight or single one is told by what stands beside it. (It looks behind only where there
# is a mark, which is many times faster.)
_MARK = re.compile(
    r"(?P<open>[“„«]|\"(?<![\w.,!?;:…]\")(?=\S)|[‘'](?<![\w.,!?;:…’”].)(?=[\w“\"]))|"
    r"(?P<close>[”»]|\"(?<=\S\")|['’](?<=[.,!?;…—-].)(?!\w))"
)
_BREAK = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_LETTERS = re.compile(r"\w")


@dataclass(frozen=True, slots=True)
class Quoted:
    """How a sentence stands to quotation marks.

    Attributes:
        paragraph: number of its paragraph.
        begins_in: number of the quotation that is open where the sentence begins, or that an opening mark of a new paragraph
            carries on; None outside.
        ends_in: number of the quotation still open after its last word; None outside.
        wholly: whether all its words are quoted.
        speaks: whether any of its words are quoted.
    """

    paragraph: int
    begins_in: int | None
    ends_in: int | None
    wholly: bool
    speaks: bool


def quotations(text: str, sentences: Sequence[Span]) -> list[Quoted]:
    """One :class:`Quoted` per sentence.

    A quotation left open at the end of a paragraph goes on where the next one begins with an opening mark (by convention each
    paragraph of a running quotation opens one and only the last closes it), and has ended where it does not.
    """
    found: list[Quoted] = []
    number, paragraph, at = 0, 0, 0
    inside: int | None = None
    single = False  # whether single marks enclose the open quotation; only its own kind closes it
    for sentence in sentences:
        resumed: int | None = None
        if _BREAK.search(text, at, sentence.start):
            paragraph += 1
            mark = _MARK.match(text, sentence.start)
            resumed = inside if mark and mark["open"] else None
            inside = None
        begins_in = resumed if resumed is not None else inside
        place, outside, speaks = sentence.start, False, inside is not None
        for mark in _MARK.finditer(text, sentence.start, sentence.end):
            if inside is None and _LETTERS.search(text, place, mark.start()):
                outside = True
            if mark["open"] and inside is None:
                single = mark.group() in "‘'"
                if resumed is not None:
                    inside, resumed = resumed, None
                else:
                    number += 1
                    inside = number
                speaks = True
            elif mark["close"] and inside is not None and single == (mark.group() in "’'"):
                inside = None
            place = mark.end()
        if inside is None and _LETTERS.search(text, place, sentence.end):
            outside = True
        found.append(Quoted(paragraph, begins_in, inside, speaks and not outside, speaks))
        at = sentence.end
    return found
