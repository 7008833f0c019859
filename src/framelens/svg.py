"""Plots as inline SVG: no library, no script, readable in dark mode, each with a title and a description for screen readers.

Colours are classes (``c0``, ``c1``, ...) that the page's style sheet gives values, so that one drawing serves light and dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_WIDTH, _HEIGHT = 320, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 12, 40
STYLE = """
svg{width:100%;height:auto;max-width:30rem;font:11px system-ui,sans-serif;fill:currentColor}
svg .grid{stroke:currentColor;stroke-opacity:.15} svg .axis{stroke:currentColor;stroke-opacity:.6}
svg .line{fill:none;stroke-width:2} svg .faint{stroke-dasharray:4 3;stroke:currentColor;stroke-opacity:.55;fill:none}
"""


class Axes:
    """A plot between two ranges; every method draws, :meth:`svg` gives the drawing.

    Args:
        title: what it shows, for screen readers and the figure's caption.
        x_label, y_label: under and beside the axes.
        x_range, y_range: lowest and highest value.
    """

    def __init__(
        self,
        title: str,
        x_label: str,
        y_label: str,
        x_range: tuple[float, float] = (0, 1),
        y_range: tuple[float, float] = (0, 1),
    ) -> None:
        self.title, self._x, self._y = title, x_range, y_range
        self._parts: list[str] = []
        for tick in _ticks(*y_range):
            y = self.y(tick)
            self._parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>')
            self._parts.append(f'<text x="{_LEFT - 5}" y="{y + 4}" text-anchor="end">{tick:g}</text>')
        for tick in _ticks(*x_range):
            self._parts.append(f'<text x="{self.x(tick)}" y="{_HEIGHT - _BOTTOM + 15}" text-anchor="middle">{tick:g}</text>')
        base = _HEIGHT - _BOTTOM
        self._parts.append(f'<path class="axis" fill="none" d="M{_LEFT} {_TOP}V{base}H{_WIDTH - _RIGHT}"/>')
        middle = (_LEFT + _WIDTH - _RIGHT) / 2
        self._parts.append(f'<text x="{middle}" y="{_HEIGHT - 7}" text-anchor="middle">{escape(x_label)}</text>')
        half = (_TOP + base) / 2
        self._parts.append(
            f'<text x="11" y="{half}" text-anchor="middle" transform="rotate(-90 11 {half})">{escape(y_label)}</text>'
        )

    def x(self, value: float) -> float:
        """Where a value stands from the left."""
        low, high = self._x
        return round(_LEFT + (value - low) / (high - low) * (_WIDTH - _RIGHT - _LEFT), 1)

    def y(self, value: float) -> float:
        """Where a value stands from the top."""
        low, high = self._y
        return round(_TOP + (high - value) / (high - low) * (_HEIGHT - _BOTTOM - _TOP), 1)

    def line(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """A line through points; ``kind`` is a class of colour, or ``"faint"`` for a dashed one."""
        path = " ".join(f"{self.x(a)},{self.y(b)}" for a, b in points)
        self._parts.append(f'<polyline class="{"faint" if kind == "faint" else f"line s{kind}"}" points="{path}"/>')

    def point(
        self, x: float, y: float, kind: str, *, low: float | None = None, high: float | None = None, note: str = ""
    ) -> None:
        """A dot, with an upright interval if it has one and ``note`` to be shown by the pointer."""
        if low is not None and high is not None:
            self._parts.append(
                f'<line class="s{kind}" x1="{self.x(x)}" x2="{self.x(x)}" y1="{self.y(low)}" y2="{self.y(high)}"/>'
            )
        title = f"<title>{escape(note)}</title>" if note else ""
        self._parts.append(f'<circle class="f{kind}" cx="{self.x(x)}" cy="{self.y(y)}" r="3.5">{title}</circle>')

    def svg(self, description: str) -> str:
        """The drawing; ``description`` says in words what it shows."""
        return (
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(f"{self.title}. {description}", quote=True)}">'
            f"{''.join(self._parts)}</svg>"
        )


def legend(names: Sequence[str], kinds: Sequence[str]) -> str:
    """A line of names with their colours."""
    marks = [f'<span class="key"><i class="b{kind}"></i>{escape(name)}</span>' for name, kind in zip(names, kinds, strict=True)]
    return f'<div class="legend">{"".join(marks)}</div>'


def reliability_plot(name: str, points: Sequence[Mapping[str, float]]) -> str:
    """A reliability diagram: share of positives by mean probability, with 95% intervals; on the dashed line both are equal."""
    axes = Axes(f"Reliability of {name}", "probability given", "share of sentences")
    axes.line([(0, 0), (1, 1)], "faint")
    for p in points:
        note = f"{p['sentences']} sentences, probability {p['score']:.2f}, share {p['share']:.2f}"
        axes.point(p["score"], p["share"], "0", low=p["share_low"], high=p["share_high"], note=note)
    axes.line([(p["score"], p["share"]) for p in points], "0")
    described = "; ".join(f"at {p['score']:.2f} {p['share']:.2f} of {p['sentences']}" for p in points)
    return axes.svg(f"Share of sentences that carry it by probability given: {described}.")


def threshold_plot(name: str, points: Sequence[Mapping[str, float]], threshold: float | None) -> str:
    """Precision, recall and F1 by threshold; the dashed line is the threshold in use."""
    axes = Axes(f"Threshold of {name}", "threshold", "ratio")
    for kind, key in (("0", "precision"), ("1", "recall"), ("2", "f1")):
        axes.line([(p["threshold"], p[key]) for p in points], kind)
    if threshold is not None:
        axes.line([(threshold, 0), (threshold, 1)], "faint")
    best = max(points, key=lambda p: p["f1"])
    used = "" if threshold is None else f" Threshold in use: {threshold:.2f}."
    return axes.svg(f"Best F1 on these sentences {best['f1']:.2f} at {best['threshold']:.2f}.{used}")


def learning_plot(points: Sequence[Mapping[str, Any]]) -> str:
    """Macro-F1 by number of training articles, with 95% intervals."""
    most = max(p["articles"] for p in points)
    axes = Axes("Learning curve", "training articles", "macro-F1", (0, most * 1.05))
    axes.line([(p["articles"], p["macro_f1"]) for p in points], "0")
    for p in points:
        low, high = p["interval"] or (None, None)
        axes.point(p["articles"], p["macro_f1"], "0", low=low, high=high, note=f"{p['articles']} articles: {p['macro_f1']:.3f}")
    return axes.svg("; ".join(f"{p['articles']} articles {p['macro_f1']:.2f}" for p in points) + ".")


def confusion_plot(names: Sequence[str], matrix: Sequence[Sequence[int]]) -> str:
    """A table whose cells are shaded by the share of their row."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    rows = []
    for i, (name, counts) in enumerate(zip(names, matrix, strict=True)):
        total = max(sum(counts), 1)
        cells = "".join(
            f'<td class="{"diagonal" if i == j else ""}" style="--s:{round(100 * count / total)}%">{count}'
            f"<small>{100 * count / total:.0f}%</small></td>"
            for j, count in enumerate(counts)
        )
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    corner = '<th scope="col">labelled \\ predicted</th>'
    return f'<table class="confusion"><thead><tr>{corner}{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _ticks(low: float, high: float) -> list[float]:
    """Four to six round numbers from ``low`` to ``high``."""
    from math import ceil, floor, log10

    rough = (high - low) / 5
    size = 10 ** floor(log10(rough))
    step = next(size * m for m in (1, 2, 5, 10) if size * m >= rough * 0.999)
    return [round(step * i, 10) for i in range(ceil(low / step), floor(high / step) + 1)]
