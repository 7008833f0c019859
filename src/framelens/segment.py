"""Text to sentences with character offsets.

The boundaries come from ``sentencex`` (Wikimedia's rule-based segmenter: no download, no dependency, in Rust), the best of
the libraries compared in ``benchmarks/segmentation.py`` once quotation marks are made plain to it. Around it this
module decides what news needs: where paragraphs and headlines end, and that a quote left open (by convention each
paragraph of a running quote opens one and only the last closes it) does not swallow the sentences after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import sentencex

from framelens.schema import Span

_LINE = re.compile(r"[^\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_BREAK = re.compile(r"\r\n|[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")
_OPENING = re.compile(r'"(?<![^\s(\[{—–-]")(?=\S)')  # looks behind only where there is a mark, which is many times faster
_MARK = re.compile("[“”]")
_NO_PLAIN_SPACE = re.compile(r"[\x00-\x1f\x7f]|[^\S ]")
_ENDS = tuple(".!?:;…”\"'’)")
_WRAP_AT = 40  # a wrapped line is at least this long; a shorter one that stops early is a headline, a byline or a list
# A book pasted as one line is handed over in parts, so that no single call holds all of it.
_MAX_BLOCK = 100_000
_TAIL = 60  # characters beside a cut that tell whether the sentence goes on
# What sentencex cuts and should not: after a title, a numbered item's number, the hour of a day, a number's abbreviation.
_TITLE = re.compile(r"\b(?:Mr|Mrs|Ms|Mx|Messrs|Dr|Prof|Gen|Sen|Rep|Gov|Lt|Col|Sgt|Capt|Cpl|Maj|Adm|Rev|Hon|St|vs)\.$")
_ITEM = re.compile(r"\(?(?:\d{1,3}|[IVX]+|[A-Za-z])[.)]")
_BEFORE_NUMBER = re.compile(r"\b(?:No|Nos|no|nos|vol|Vol|pp|p|Fig|fig|Art|art|Sec|sec|para|c|ca|approx)\.$")
_HOUR = re.compile(r"\b[ap]\.m\.$")
_DAY = re.compile(r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|(?:GMT|UTC|BST|CET|EST|EDT|ET|PST|PT)\b|[a-z]")
# What it leaves whole and should not: a sentence in brackets before the next one.
_AFTER_BRACKET = re.compile(r"[.!?][)\]]\s+(?=[A-Z“\"(\[])")
_TAIL = 12  # characters at the end of a piece that hold the longest of these abbreviations and what stands before it
_INNER_END = re.compile(r"[.!?…]['’)\]]*\s+['‘“(\[]?[A-Z0-9]")


def split_sentences(text: str, language: str = "en") -> list[Span]:
    """Split ``text`` into sentences.

    A line break ends a sentence wherever it ends a paragraph, a headline or a byline. Only inside a block of hard-wrapped
    lines (an e-mail, a text file with 72 columns) is a line break treated as a space.

    Args:
        text: any string; may be empty.
        language: ISO 639-1 code handed to ``sentencex``.

    Returns:
        Spans in order, without overlap, none empty, none with white space or control characters at its ends,
        with ``text[s.start:s.end] == s.text``.

    Examples:
        >>> [s.text for s in split_sentences("U.S. officials met. Talks failed.")]
        ['U.S. officials met.', 'Talks failed.']
    """
    return [
        span
        for start, end in _blocks(text)
        for piece in _pieces(text, start, end)
        for span in _sentences(text, *piece, language)
    ]


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Stretches of ``text`` that no sentence crosses: lines, joined where they are only wrapped."""
    lines = [(m.start(), m.end()) for m in _LINE.finditer(text) if not m.group().isspace()]
    group: list[tuple[int, int]] = []
    for line in lines:
        if group and len(_BREAK.findall(text, group[-1][1], line[0])) > 1:
            yield from _unwrap(text, group)
            group = []
        group.append(line)
    if group:
        yield from _unwrap(text, group)


def _unwrap(text: str, lines: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Join the lines of one block where the text was wrapped at a column, keep them apart where each is a paragraph."""
    widths = [end - start for start, end in lines]
    finished = sum(text[start:end].rstrip().endswith(_ENDS) for start, end in lines[:-1])
    wrapped = (
        len(lines) > 2
        and max(widths) <= 100
        and min(widths[:-1]) >= max(_WRAP_AT, max(widths) - 25)
        and finished <= (len(lines) - 1) / 2
    )
    start, end = lines[0]
    for following in lines[1:]:
        runs_on = end - start >= _WRAP_AT and text[end - 1] not in _ENDS and text[following[0]].islower()
        if not (wrapped or runs_on):
            yield start, end
            start = following[0]
        end = following[1]
    yield start, end


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a block beyond ``_MAX_BLOCK`` at white space, after a full stop where there is one."""
    while end - start > _MAX_BLOCK:
        window = text[start : start + _MAX_BLOCK]
        cut = max(window.rfind(mark) + 1 for mark in (". ", "? ", "! ", "。"))
        if cut < _MAX_BLOCK // 2:
            cut = window.rfind(" ") + 1 or _MAX_BLOCK
        yield start, start + cut
        start += cut
    yield start, end


def _sentences(text: str, start: int, end: int, language: str) -> Iterator[Span]:
    block = text[start:end]
    cuts = [found["end_index"] for found in sentencex.get_sentence_boundaries(language, _plain_quotes(block))]
    # A blanked opening mark looks like the space after the sentence before; it belongs to the one it opens.
    cuts = [cut - 1 if block[cut - 1] in '“"' and block[cut - 2 : cut - 1].isspace() else cut for cut in cuts]
    cuts = sorted({*cuts, *(m.end() for m in _AFTER_BRACKET.finditer(block)), len(block)})
    left = 0
    for cut in cuts:
        if cut < len(block) and _goes_on(_tail(block, left, cut), block[cut : cut + _TAIL].lstrip()[:12]):
            continue
        span = _trimmed(text, start + left, start + cut)
        left = cut
        if span is not None:
            yield span


def _tail(block: str, left: int, cut: int) -> str:
    """The last characters before a cut; all of the piece where it is short. Looking at the whole of a long piece again for
    each of its cuts would take time in the square of its length."""
    if cut - left <= _TAIL:
        return block[left:cut].strip()
    return "…" + block[cut - _TAIL : cut].rstrip()  # what stands there is not the beginning of the piece


def _goes_on(piece: str, following: str) -> bool:
    """Whether a cut after ``piece`` would part what belongs together."""
    tail = piece[-_TAIL:]
    if _TITLE.search(tail) or _ITEM.fullmatch(piece):
        return True
    if _BEFORE_NUMBER.search(tail):
        return following[:1].isdigit()
    return bool(_HOUR.search(tail) and _DAY.match(following))


def _trimmed(text: str, left: int, right: int) -> Span | None:
    while left < right and _is_blank(text[left]):
        left += 1
    while right > left and _is_blank(text[right - 1]):
        right -= 1
    return Span(text[left:right], left, right) if left < right else None


def _is_blank(char: str) -> bool:
    return char.isspace() or (ord(char) < 32) or char in "\x7f\ufeff\u200b"


def _plain_quotes(block: str) -> str:
    """The same text, character for character, with quotation marks that mean what sentencex takes them to mean.

    Straight marks become opening and closing ones, since it would pair a closing mark with the next opening one. It never cuts
    inside a quote; so an opening mark is blanked where nothing closes it before the next, and where the quote holds several
    sentences and no attribution follows it. Control characters, line breaks and any other white space turn into spaces (before
    a number after a full stop, sentencex breaks down at a space of more than one byte).
    """
    plain = _NO_PLAIN_SPACE.sub(" ", _OPENING.sub("“", block).replace('"', "”"))
    blanked = []
    still_open: int | None = None
    for mark in _MARK.finditer(plain):
        index = mark.start()
        if mark.group() == "“":
            if still_open is not None:
                blanked.append(still_open)
            still_open = index
        else:
            if still_open is not None and _stands_alone(block, still_open, index):
                blanked.append(still_open)
            still_open = None
    if still_open is not None:
        blanked.append(still_open)
    if not blanked:
        return plain
    chars = list(plain)
    for index in blanked:
        chars[index] = " "
    return "".join(chars)


def _stands_alone(block: str, opened: int, closed: int) -> bool:
    """Whether the quote between two marks holds several sentences and ends its own last one."""
    after = block[closed + 1 : closed + 40].lstrip()
    ends_here = block[closed - 1] in ".!?…’'" and not after[:1].islower()
    return ends_here and _INNER_END.search(block, opened, closed) is not None
