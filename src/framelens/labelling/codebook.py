"""A codebook as people write it: labels and their definitions, from Markdown or from a training configuration."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from framelens.errors import DataError
from framelens.readers import decode

_CODE = re.compile(r"^`([^`]+)`$")
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
_RULE = re.compile(r"^:?-+:?$")
_MARKS = re.compile(r"\*\*|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)|`")


@dataclass(frozen=True)
class Definition:
    """A label and what its codebook says: pairs of heading (may be empty) and text."""

    label: str
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Codebook:
    """Definitions in the codebook's order, and the whole text, to be looked up."""

    definitions: tuple[Definition, ...]
    text: str

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in order."""
        return tuple(d.label for d in self.definitions)


def read_codebook(path: str | Path, labels: Sequence[str] | None = None) -> Codebook:
    """Read the labels and their definitions.

    Args:
        path: Markdown, in which a label is the first cell of a table's row or a whole heading, written as code (`` `label` ``), and
            defined by the row's other cells or by what stands under the heading; or YAML: a mapping of label -> definition,
            such as a training configuration holds under ``labels``.
        labels: those to use, in this order. None takes all that are found.

    Raises:
        DataError: no such file, no label found in it, or one of ``labels`` is not defined.
    """
    path = Path(path)
    try:
        text = decode(path.read_bytes(), str(path))
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    found = _from_yaml(path, text) if path.suffix.lower() in (".yaml", ".yml") else _from_markdown(text)
    if not found:
        raise DataError(
            f"{path} defines no label; in Markdown a label is the first cell of a table's row or a heading, written as `label`; "
            "in YAML a key under 'labels'"
        )
    missing = [name for name in labels or () if name not in found]
    if missing:
        raise DataError(f"{path} does not define {', '.join(missing)}; it defines {', '.join(found)}")
    return Codebook(tuple(Definition(name, tuple(found[name])) for name in labels or found), text)


def _from_yaml(path: Path, text: str) -> dict[str, list[tuple[str, str]]]:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise DataError(f"{path} is not readable as YAML: {error}") from error
    content = content.get("labels", content) if isinstance(content, dict) else {}
    if isinstance(content, list):
        content = dict.fromkeys(content, "")
    return {str(name): [("", str(said or ""))] for name, said in content.items()}


def _from_markdown(text: str) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    header: list[str] = []
    under: str | None = None
    for line in text.splitlines():
        heading = _HEADING.match(line)
        if heading:
            code = _CODE.match(heading[1])
            under = code[1] if code else None
            if under is not None:
                found.setdefault(under, [])
        elif line.lstrip().startswith("|"):
            cells = [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
            code = _CODE.match(cells[0])
            if code:
                named = zip(header[1:] or [""] * len(cells), cells[1:], strict=False)
                found.setdefault(code[1], []).extend((_plain(head), _plain(cell)) for head, cell in named if cell)
            elif not header and not all(_RULE.match(cell) for cell in cells):
                header = cells
            continue
        elif under is not None and line.strip():
            found[under].append(("", _plain(line)))
        header = []
    return {name: _joined(parts) for name, parts in found.items()}


def _joined(parts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Lines without a heading of their own as one paragraph."""
    joined: list[tuple[str, str]] = []
    for head, said in parts:
        if joined and not head and not joined[-1][0]:
            joined[-1] = ("", f"{joined[-1][1]} {said}")
        else:
            joined.append((head, said))
    return joined


def _plain(markdown: str) -> str:
    return _MARKS.sub("", markdown).strip()
