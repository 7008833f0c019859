"""Pages: a document with its sentences coloured by frame."""

from __future__ import annotations

from html import escape

from framelens.schema import NO_FRAME, Document, Sentence

# Okabe and Ito's colours, told apart with any kind of colour vision (Okabe & Ito 2008).
COLOURS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#0072B2", "#D55E00", "#F0E442", "#999999")


def document_html(document: Document) -> str:
    """A self-contained HTML fragment: a legend with shares, and the text, each framed sentence underlaid in its colour.

    The strength of the colour is the probability of the primary frame; a sentence's title holds all its scores.
    """
    colours = {label: COLOURS[i % len(COLOURS)] for i, label in enumerate(document.labels)}
    shares = document.frame_shares()
    legend = " ".join(
        f'<span style="border-bottom:.25em solid {colours[label]};margin-right:1em">{escape(label)} {shares[label]:.0%}</span>'
        for label in document.labels
    )
    parts, at = [], 0
    for sentence in document.sentences:
        parts += [escape(document.text[at : sentence.start]), _sentence_html(sentence, colours)]
        at = sentence.end
    parts.append(escape(document.text[at:]))
    return (
        f'<div style="line-height:1.7;max-width:48em"><p style="font-size:.9em">{legend}</p>'
        f'<div style="white-space:pre-wrap">{"".join(parts)}</div></div>'
    )


def _sentence_html(sentence: Sentence, colours: dict[str, str]) -> str:
    scores = ", ".join(f"{label} {score:.2f}" for label, score in sentence.scores.items())
    title = f"{' + '.join(sentence.frames) or NO_FRAME} ({scores})"
    if sentence.source:
        title += f"; source: {sentence.source.text}"
    if sentence.stances:
        title += "; " + ", ".join(f"{s.label} {s.target.text}" for s in sentence.stances)
    style = ""
    if sentence.frame:
        alpha = round(255 * (0.15 + 0.45 * sentence.scores.get(sentence.frame, 1.0)))
        colour = colours.get(sentence.frame, COLOURS[-1])
        style = f' style="background:{colour}{alpha:02x};border-bottom:2px solid {colour}"'
    return f'<span title="{escape(title, quote=True)}"{style}>{escape(sentence.text)}</span>'
