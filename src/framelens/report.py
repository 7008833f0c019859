"""The report of an evaluation: a page that needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from framelens import svg
from framelens.schema import NO_FRAME
from framelens.tables import Table, Tabular

if TYPE_CHECKING:  # the base install shows documents; evaluations need an extra
    from framelens.evaluation import Evaluation

ERRORS_SHOWN = 100
# Colours of lines and dots on white and on black, of Okabe and Ito's where they have contrast enough.
_LIGHT = ("#0072B2", "#B34700", "#00785A", "#A3457A", "#6B5B00", "#4B4B4B")
_DARK = ("#56B4E9", "#F0A04B", "#3FC79A", "#E39BC2", "#F0E442", "#BBBBBB")
_STYLE = """
:root{color-scheme:light dark;--fg:#1b1b1b;--bg:#fff;--muted:#595959;--edge:#d0d0d0;--soft:#f4f4f2;--warn:#8a3b00;LIGHT}
@media (prefers-color-scheme:dark){:root{--fg:#e8e8e6;--bg:#161616;--muted:#ababab;--edge:#444;--soft:#222;--warn:#ffb37a;DARK}}
*{box-sizing:border-box} body{margin:0 auto;max-width:70rem;padding:1rem;color:var(--fg);background:var(--bg);
font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.4rem;line-height:1.25} h2{font-size:1.15rem;margin-top:2.2rem} h3{font-size:1rem;margin:.2rem 0;font-weight:600}
p.note,figcaption,small{color:var(--muted);font-size:.875rem}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1rem;font-size:.9rem} a{color:inherit} nav a{padding:.2rem 0}
.scroll{overflow-x:auto}
mark{background:color-mix(in srgb,var(--c4) 22%,transparent);color:inherit}
.scroll:focus-visible,a:focus-visible,summary:focus-visible{outline:2px solid var(--c0);outline-offset:2px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem;overflow-wrap:normal}
th,td{padding:.35rem .7rem;border-bottom:1px solid var(--edge);text-align:left;vertical-align:top}
thead th{border-bottom:2px solid var(--edge)} td.number{text-align:right;white-space:nowrap} thead th+th{text-align:right}
th[scope=row]{font-weight:600;min-width:7rem;position:sticky;left:0;background:var(--bg)} td small{white-space:nowrap}
.confusion td{text-align:right;background:color-mix(in srgb,var(--c1) calc(var(--s)*.6),transparent)}
.confusion td.diagonal{background:color-mix(in srgb,var(--c0) calc(var(--s)*.6),transparent)}
.confusion td small{display:block;color:inherit}
.grid-of-plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(17rem,100%),1fr));gap:1rem} figure{margin:0}
.key{margin-right:1rem;white-space:nowrap;font-size:.9rem} .key i{display:inline-block;width:.9em;height:.9em;margin-right:.35em;
vertical-align:-.1em;border-radius:2px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(9.5rem,100%),1fr));gap:.75rem;padding:0;margin:1rem 0}
.cards div{background:var(--soft);padding:.7rem .9rem;border-radius:.4rem} .cards dd{margin:0;font-size:1.5rem;font-weight:600}
.cards dd small{display:block;font-weight:400} .cards dt{font-size:.9rem}
ul.checks{padding-left:0;list-style:none} ul.checks li{margin:.35rem 0;padding-left:.8rem;border-left:.3rem solid var(--edge)}
ul.checks li.warn{border-color:var(--warn)} ul.checks li.warn b{color:var(--warn)}
.error{border-top:1px solid var(--edge);padding:.6rem 0} .error p{margin:.25rem 0} .context{color:var(--muted)}
details summary{cursor:pointer;padding:.4rem 0}
@media (max-width:56rem){td.number small{display:block} th,td{padding:.35rem .5rem} h1{font-size:1.2rem}
th[scope=row]{min-width:5rem;max-width:11.5rem;overflow-wrap:break-word}}
@media print{details{display:block}}
"""


def evaluation_html(evaluation: Evaluation, others: Sequence[Tabular] = (), learning: Sequence[Mapping[str, Any]] = ()) -> str:
    """A page of its own: plots, tables, checks and errors of an evaluation. It loads nothing and runs no script.

    Args:
        evaluation: from :func:`framelens.evaluate`.
        others: further results to show in full, such as a :class:`framelens.Comparison`.
        learning: points of a :class:`framelens.LearningCurve`.
    """
    e = evaluation
    frames, headline, *rest = e.tables()
    confusion = e.primary["confusion"]
    sections = [
        ("Checks of the test set", _checks(e) if e.guards else ""),
        ("Frames", _table(frames)),
        ("Means over frames", "".join(_table(t) for t in rest if t.title == "Means over frames")),
        (
            "Primary frames",
            _scroll(svg.confusion_plot(confusion["labels"], confusion["matrix"]), "Primary frames")
            + '<p class="note">Sentences by labelled (rows) and predicted (columns) primary frame; per cent of the row.</p>',
        ),
        ("Reliability of probabilities", _reliability(e) if e.curves else ""),
        ("Thresholds", _thresholds(e) if e.curves else ""),
        *((t.title, _table(t)) for t in rest if t.title.startswith("By ")),
        *((other.tables()[0].title, _whole(other)) for other in others),
        ("Learning curve", f"<figure>{svg.learning_plot(learning)}</figure>" if learning else ""),
        ("Errors", _errors(e.errors) if e.errors else ""),
    ]
    shown = [(f"s{i}", title, body) for i, (title, body) in enumerate(sections) if body]
    contents = "".join(f'<a href="#{key}">{escape(title)}</a>' for key, title, _ in shown)
    main = "".join(
        f'<section aria-labelledby="{key}"><h2 id="{key}">{escape(title)}</h2>{body}</section>' for key, title, body in shown
    )
    note = (
        "Figures in per cent; in brackets 95% intervals by bootstrap over whole articles."
        if e.intervals
        else "Figures in per cent."
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(e.title)}</title><style>{_style()}</style></head><body><header><h1>Evaluation of {escape(e.title)}</h1>"
        f'<p class="note">{note} Made by framelens.</p>{_cards(headline)}<nav aria-label="Contents">{contents}</nav></header>'
        f"<main>{main}</main></body></html>\n"
    )


def _style() -> str:
    def variables(colours: Sequence[str]) -> str:
        return ";".join(f"--c{i}:{colour}" for i, colour in enumerate(colours))

    classes = "".join(
        f".s{i}{{stroke:var(--c{i})}}.f{i}{{fill:var(--c{i})}}.b{i}{{background:var(--c{i})}}" for i in range(len(_LIGHT))
    )
    return _STYLE.replace("LIGHT", variables(_LIGHT)).replace("DARK", variables(_DARK)) + svg.STYLE + classes


def _cards(headline: Table) -> str:
    cards = []
    for name, value in headline.rows:
        figure, _, interval = value.partition(" (")
        small = f"<small>{escape(interval.rstrip(')'))}</small>" if interval else ""
        cards.append(f"<div><dt>{escape(name)}</dt><dd>{escape(figure)}{small}</dd></div>")
    return f'<dl class="cards">{"".join(cards)}</dl>'


def _scroll(content: str, name: str) -> str:
    """A box that scrolls sideways on a narrow screen, with the keyboard too."""
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name, quote=True)}">{content}</div>'


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.header)
    rows = [
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f'<td class="number">{_cell(cell)}</td>' for cell in cells)
        + "</tr>"
        for first, *cells in table.rows
    ]
    return _scroll(f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>", table.title)


def _cell(text: str) -> str:
    figure, bracket, interval = text.partition(" (")
    return escape(figure) + (f" <small>({escape(interval)}</small>" if bracket else "")


def _whole(result: Tabular) -> str:
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in (result.title, *result.notes()))
    first, *others = result.tables()
    return _table(first) + "".join(f"<h3>{escape(t.title)}</h3>{_table(t)}" for t in others) + notes


def _checks(e: Evaluation) -> str:
    items = []
    for guard in e.guards:
        cases = ""
        if guard.examples:
            listed = "".join(
                f"<li>{escape(', '.join(f'{key}: {value}' for key, value in case.items()))}</li>"
                for case in guard.examples[:20]
            )
            more = f"<li>and {len(guard.examples) - 20} more</li>" if len(guard.examples) > 20 else ""
            cases = f"<details><summary>{len(guard.examples)} cases</summary><ul>{listed}{more}</ul></details>"
        items.append(
            f'<li class="{guard.status}"><b>{guard.status}</b> {escape(guard.name)}: {escape(guard.message)}{cases}</li>'
        )
    return f'<ul class="checks">{"".join(items)}</ul>'


def _reliability(e: Evaluation) -> str:
    figures = [
        f"<figure><h3>{escape(name)}</h3>{svg.reliability_plot(name, curves['reliability'])}"
        f"<figcaption>expected calibration error {e.per_label[name]['ece']:.3f}</figcaption></figure>"
        for name, curves in e.curves.items()
    ]
    note = (
        '<p class="note">How often a frame is there (95% interval) when the model gives it a probability; '
        "on the dashed line the two are equal.</p>"
    )
    return note + f'<div class="grid-of-plots">{"".join(figures)}</div>'


def _thresholds(e: Evaluation) -> str:
    figures = []
    for name, curves in e.curves.items():
        used = "" if curves["threshold"] is None else f"threshold in use {curves['threshold']:.2f} (dashed)"
        plot = svg.threshold_plot(name, curves["thresholds"], curves["threshold"])
        figures.append(f"<figure><h3>{escape(name)}</h3>{plot}<figcaption>{used}</figcaption></figure>")
    return (
        svg.legend(["precision", "recall", "F1"], ["0", "1", "2"])
        + f'<div class="grid-of-plots">{"".join(figures)}</div>'
        + '<p class="note">A threshold chosen on these sentences would make the figures above too high: choose on others.</p>'
    )


def _errors(errors: Sequence[Mapping[str, Any]]) -> str:
    items = []
    for error in errors[:ERRORS_SHOWN]:
        labelled, predicted = (escape(" + ".join(error[key]) or NO_FRAME) for key in ("labelled", "predicted"))
        scores = ", ".join(f"{escape(name)} {score:.2f}" for name, score in error["scores"].items())
        before, after = (f'<span class="context">{escape(error[side])}</span>' for side in ("before", "after"))
        items.append(
            f'<article class="error"><p>{before} <mark>{escape(error["text"])}</mark> {after}</p>'
            f"<p><b>labelled {labelled}, predicted {predicted}</b> <small>confidence {error['confidence']:.2f}; {scores}; "
            f"{escape(str(error['id'] or error['where']))}</small></p></article>"
        )
    count = f"{len(errors)} sentences with a wrong decision, the most confident first"
    count += f"; the first {ERRORS_SHOWN} are shown." if len(errors) > ERRORS_SHOWN else "."
    return (
        f'<p class="note">{count} Confidence is the probability given to the wrong side. Each stands between the sentences '
        f"before and after it, where the data have them.</p><details open><summary>The errors</summary>{''.join(items)}</details>"
    )
