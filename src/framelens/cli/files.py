"""What the verbs share: articles from files, and output that appears only when it is whole."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from framelens.errors import InputError


def articles(file: str, text_column: str, encoding: str) -> Iterator[tuple[str, str]]:
    """Name and text of each article in ``file``."""
    from framelens.readers import BadRow, decode, file_format, raise_bad_rows, read_rows

    if file == "-":
        data = sys.stdin.buffer.read()
        yield "stdin", decode(data, "standard input", encoding)
        return
    path = Path(file)
    if file_format(path) is None:
        try:
            yield file, decode(path.read_bytes(), file, encoding)
        except OSError as error:
            raise InputError(f"{file}: {error.strerror}") from error
        return
    bad = []
    for row in read_rows(path, encoding):
        if isinstance(row, BadRow):
            bad.append(row)
        elif isinstance(row.values.get(text_column), str):
            yield str(row.values.get("id") or row.where), row.values[text_column]
        else:
            bad.append(
                BadRow(row.where, f"no text in column {text_column!r}; the columns are {', '.join(map(str, row.values))}")
            )
    raise_bad_rows(bad)


def write_output(output: Path | None, write: Callable[[TextIO], Any]) -> None:
    """Write to stdout, or to a file that appears only when it is whole."""
    if output is None:
        write(sys.stdout)
        return
    temporary = output.with_name(f".{output.name}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            write(stream)
        temporary.replace(output)
    except OSError as error:
        raise InputError(f"{output}: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
