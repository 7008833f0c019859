"""Plain-text and Markdown tables."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


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


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    padded = []
    for cell, width, right in zip(cells, widths, numeric, strict=True):
        gap = " " * (width - _width(cell))
        padded.append(gap + cell if right else cell + gap)
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """Columns on a terminal: wide East Asian characters and emoji take two, combining marks none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
