"""Pages: a document with its sentences coloured by frame."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from framelens.schema import NO_FRAME, Document, Sentence, Span

# Okabe and Ito's colours, told apart with any kind of colour vision (Okabe & Ito 2008).
COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#0072B2", "#D55E00", "#F0E442", "#999999")
_LINES = ("solid", "dashed", "dotted", "double")  # a second sign beside the colour
_STANCE_SIGNS = {"favor": "▲", "against": "▼", "neutral": "◆"}


def colour(label: str, labels: tuple[str, ...]) -> str:
    """The colour of a label in pages and plots: that of its place among the document's labels."""
    return COLOURS[labels.index(label) % len(COLOURS)] if label in labels else COLOURS[-1]


def document_html(document: Document) -> str:
    """A self-contained HTML fragment: a legend with shares, and the text, each framed sentence underlaid in its colour.

    Text keeps the colour of the page and the tints are translucent, so that it reads on light and on dark pages. The stronger a
    tint, the more probable the primary frame; the kind of the line under a sentence tells frames apart without colour. Pointing at
    a sentence shows its scores. Sources are in bold, targets of a stance are framed and signed with ▲ favor, ▼ against or
    ◆ neutral.
    """
    shares = document.frame_shares()
    legend = [
        f"<span {_style(label, document, 1.0)}>{escape(label)}</span>&nbsp;{shares[label]:.0%}" for label in document.labels
    ]
    if any(s.source for s in document.sentences):
        legend.append("<b>source</b>")
    if any(s.stances for s in document.sentences):
        legend.append(" ".join(f"{sign}&nbsp;{label}" for label, sign in _STANCE_SIGNS.items()))
    parts, at = [], 0
    for sentence in document.sentences:
        parts += [escape(document.text[at : sentence.start]), _sentence_html(sentence, document)]
        at = sentence.end
    parts.append(escape(document.text[at:]))
    legend.append(f"{len(document)} sentence{'' if len(document) == 1 else 's'}")
    legend_html = " &ensp; ".join(f'<span style="white-space:nowrap">{item}</span>' for item in legend)
    return (
        '<div class="framelens" style="line-height:1.8;max-width:48em;color:inherit">'
        f'<p style="font-size:.9em;margin:0 0 .8em">{legend_html}</p>'
        f'<div style="white-space:pre-wrap;overflow-wrap:anywhere">{"".join(parts)}</div></div>'
    )


def _style(label: str, document: Document, probability: float) -> str:
    shade = colour(label, document.labels)
    alpha = round(255 * (0.1 + 0.35 * probability))
    line = _LINES[document.labels.index(label) % len(_LINES)] if label in document.labels else _LINES[0]
    return f'style="background:{shade}{alpha:02x};border-bottom:.18em {line} {shade}"'


def _sentence_html(sentence: Sentence, document: Document) -> str:
    lines = [" + ".join(sentence.frames) or NO_FRAME]
    lines += [f"{label} {score:.2f}" for label, score in sentence.scores.items()]
    if sentence.source:
        lines.append(f"source: {sentence.source.name}")
    lines += [f"{s.label} toward {s.target.name} ({s.score:.2f})" for s in sentence.stances]
    title = "&#10;".join(escape(line, quote=True) for line in lines)
    style = f" {_style(sentence.frame, document, sentence.scores.get(sentence.frame, 1.0))}" if sentence.frame else ""
    return f'<span title="{title}"{style}>{"".join(_marked(sentence))}</span>'


def _marked(sentence: Sentence) -> Iterator[str]:
    """The sentence's text with its source and the targets of its stances marked; where two overlap, the first one is."""
    marks: list[tuple[Span, str]] = [(stance.target, stance.label) for stance in sentence.stances]
    if sentence.source:
        marks.append((sentence.source, ""))
    at = sentence.start
    for span, stance in sorted(marks, key=lambda mark: (mark[0].start, mark[0].end)):
        if span.start < at or span.end > sentence.end:
            continue
        yield escape(sentence.text[at - sentence.start : span.start - sentence.start])
        if stance:
            yield (
                '<span style="border:1px solid currentColor;border-radius:.3em;padding:0 .15em">'
                f"{escape(span.text)}<sup>{_STANCE_SIGNS[stance]}</sup></span>"
            )
        else:
            yield f"<b>{escape(span.text)}</b>"
        at = span.end
    yield escape(sentence.text[at - sentence.start :])
