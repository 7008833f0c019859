"""Tables as plain text, Markdown and LaTeX, and how numbers stand in them."""

from __future__ import annotations

import json
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """A titled table whose cells are text."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]


class Tabular(ABC):
    """A result that can be shown as text, Markdown, LaTeX and JSON."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is a result of, in a line."""

    @abstractmethod
    def tables(self) -> list[Table]:
        """Its tables."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``json`` can write."""

    def notes(self) -> list[str]:
        """Lines to be read with the tables."""
        return []

    def to_text(self) -> str:
        """Tables for a terminal."""
        tables = [f"{t.title}\n{text_table(t.header, t.rows)}" for t in self.tables()]
        return "\n\n".join([self.title, *tables, *(["\n".join(self.notes())] if self.notes() else [])])

    def to_markdown(self) -> str:
        """Tables in Markdown."""
        tables = [f"## {t.title}\n\n{markdown_table(t.header, t.rows)}" for t in self.tables()]
        notes = ["\n".join(f"- {note}" for note in self.notes())] if self.notes() else []
        return "\n\n".join([f"# {self.title}", *tables, *notes]) + "\n"

    def to_latex(self) -> str:
        r"""Tables in LaTeX, for a document with ``\usepackage{booktabs}``."""
        return "\n\n".join(latex_table(t.header, t.rows, f"{t.title}. {self.title}.") for t in self.tables()) + "\n"

    def show(self, form: str) -> str:
        """As ``text``, ``markdown``, ``latex`` or ``json``."""
        if form == "json":
            return json.dumps(self.to_dict(), ensure_ascii=False)
        shown: str = {"text": self.to_text, "markdown": self.to_markdown, "latex": self.to_latex}[form]()
        return shown


def joined(results: Sequence[Tabular]) -> Tabular:
    """Several results shown one after the other; as JSON the first, with the others under ``others``."""
    return results[0] if len(results) == 1 else _Joined(results)


class _Joined(Tabular):
    def __init__(self, results: Sequence[Tabular]) -> None:
        self._results = results

    @property
    def title(self) -> str:
        return self._results[0].title

    def tables(self) -> list[Table]:
        return [table for result in self._results for table in result.tables()]

    def notes(self) -> list[str]:
        return [*self._results[0].notes(), *(line for other in self._results[1:] for line in (other.title, *other.notes()))]

    def to_dict(self) -> dict[str, Any]:
        return {**self._results[0].to_dict(), "others": [other.to_dict() for other in self._results[1:]]}


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns padded to their widest cell; a column of numbers is aligned to the right."""
    columns = list(zip(header, *rows, strict=True))
    widths = [max(map(_width, column)) for column in columns]
    numeric = [bool(rows) and all(cell.replace(".", "", 1).lstrip("-").isdigit() for cell in column[1:]) for column in columns]
    lines = [_line(cells, widths, numeric) for cells in (header, *rows)]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A GitHub-flavoured Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |" for cells in lines)


def latex_table(header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """A LaTeX table in the style of ``booktabs`` (``\\usepackage{booktabs}``); special characters are escaped."""
    body = [" & ".join(map(_latex, cells)) + r" \\" for cells in (header, *rows)]
    lines = [r"\begin{table}", r"\centering", *([rf"\caption{{{_latex(caption)}}}"] if caption else [])]
    lines += [rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}", r"\toprule", body[0], r"\midrule", *body[1:], r"\bottomrule"]
    return "\n".join([*lines, r"\end{tabular}", r"\end{table}"])


def percent(value: float, interval: Sequence[float | None] | None = None) -> str:
    """A ratio in per cent, with its interval where there is one: ``72.1 (65.0 to 78.2)``."""
    text = f"{100 * value:.1f}"
    if interval is None or interval[0] is None or interval[1] is None:
        return text
    return f"{text} ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})"


def shorten(text: str, width: int) -> str:
    """One line of at most ``width`` columns, with an ellipsis where it was cut."""
    flat = "".join(c if c.isprintable() else " " for c in " ".join(text.split()))
    if _width(flat) <= width:
        return flat
    used = 0
    for index, char in enumerate(flat):
        used += _width(char)
        if used > width - 1:
            return flat[:index] + "…"
    return flat


_LATEX = str.maketrans(
    {c: "\\" + c for c in "&%$#_{}"} | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"<": r"\textless{}", ">": r"\textgreater{}", "→": r"$\rightarrow$", "≥": r"$\geq$", "−": "$-$", "κ": r"$\kappa$", "α": r"$\alpha$"}
)  # fmt: skip


def _latex(text: str) -> str:
    return text.translate(_LATEX)


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    padded = []
    for cell, width, right in zip(cells, widths, numeric, strict=True):
        gap = " " * (width - _width(cell))
        padded.append(gap + cell if right else cell + gap)
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """Columns on a terminal: wide East Asian characters and emoji take two, combining marks none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
