"""Who the sources of a document are: "Hua", "she" and "the spokeswoman" joined with "Hua Chunying" where the text allows it.

Rules over what the document itself says: full names, offices and appositions beside them, honorifics, and quotation marks. A
mention that fits nobody, or more than one, keeps the words of the text: no guess is shown as a fact.
"""

from __future__ import annotations

from collections.abc import Sequence

from framelens.cast import Cast
from framelens.quotations import Quoted, quotations
from framelens.schema import Span


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
    cast = Cast(text, sentences)
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
