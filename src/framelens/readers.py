"""Rows from files: CSV, TSV, JSONL and Parquet, each row with its place, each unusable one reported and none dropped."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from framelens.errors import DataError, MissingExtraError

FORMATS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_SHOWN = 20
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class Row:
    """One row: its values by column, and where it stands (``file:row``; for text files the line, counted from 1)."""

    values: dict[str, Any]
    where: str


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used: where it stands and why."""

    where: str
    reason: str

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"


def read_rows(path: str | Path, encoding: str = "utf-8") -> Iterator[Row | BadRow]:
    """Read a file row by row.

    Args:
        path: its ending tells the format: .csv, .tsv, .jsonl (or .ndjson), .parquet.
        encoding: of the text formats.

    Raises:
        DataError: the file is missing, its ending is unknown, its bytes are not in ``encoding`` (with line and byte), or
            it has no header.
    """
    path = Path(path)
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise DataError(f"{path}: the ending {path.suffix!r} is unknown; accepted: {', '.join(FORMATS)}")
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    if kind == "parquet":
        return _read_parquet(path)
    text = decode(path.read_bytes(), str(path), encoding)
    return _read_jsonl(path, text) if kind == "jsonl" else _read_delimited(path, text, "," if kind == "csv" else "\t")


def raise_bad_rows(bad: list[BadRow], what: str = "rows") -> None:
    """Raise one DataError that lists the first of the unusable rows; do nothing if there are none."""
    if bad:
        listing = "\n  ".join(str(row) for row in bad[:_SHOWN])
        more = f"\n  ... and {len(bad) - _SHOWN} more" if len(bad) > _SHOWN else ""
        raise DataError(f"{len(bad)} unusable {what}:\n  {listing}{more}")


def decode(data: bytes, name: str, encoding: str = "utf-8") -> str:
    """Bytes of a text file as text; a byte order mark is dropped.

    Raises:
        DataError: a byte is not in ``encoding`` (with line and offset in ``name``), or Python does not know the encoding.
    """
    try:
        return data.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{name}:{line}: byte 0x{data[error.start]:02x} at offset {error.start} is not {encoding}; "
            "save the file as UTF-8 or name its encoding, such as encoding='cp1252'"
        ) from None
    except UnicodeError as error:  # codecs such as idna say no more than this
        raise DataError(f"{name} is not {encoding}: {error}") from None
    except LookupError:
        raise DataError(f"{name}: encoding {encoding!r} is unknown to Python") from None


def _read_delimited(path: Path, text: str, delimiter: str) -> Iterator[Row | BadRow]:
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter, strict=True)
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise DataError(f"{path}:1: the header is not readable as CSV: {error}") from error
    if not header:
        raise DataError(f"{path}: empty; the first line must name the columns")
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise DataError(f"{path}:1: column {repeated[0]!r} is named twice")
    while True:
        first_line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(f"{path}:{first_line}", f"not readable as CSV: {error}")
            continue
        if len(fields) == len(header):
            yield Row(dict(zip(header, fields, strict=True)), f"{path}:{first_line}")
        elif fields:
            yield BadRow(f"{path}:{first_line}", f"{len(fields)} fields, but the header names {len(header)}")


def _read_jsonl(path: Path, text: str) -> Iterator[Row | BadRow]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:  # a number of 5000 digits is a plain ValueError
            yield BadRow(where, f"broken JSON: {error}")
            continue
        if isinstance(values, dict):
            yield Row(values, where)
        else:
            yield BadRow(where, f"expected a JSON object, received {type(values).__name__}")


def _read_parquet(path: Path) -> Iterator[Row | BadRow]:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError.for_extra("reading Parquet", "train") from error
    try:
        table = pq.ParquetFile(path)
    except Exception as error:  # pyarrow raises ArrowInvalid and OSError for a broken file
        raise DataError(f"{path} is not readable as Parquet: {error}") from error
    number = 0
    batches = table.iter_batches()
    while True:
        try:
            rows = next(batches).to_pylist()
        except StopIteration:
            return
        except Exception as error:  # a damaged page shows only when it is read
            raise DataError(f"{path} is not readable as Parquet after row {number}: {error}") from error
        for values in rows:
            number += 1
            yield Row(values, f"{path}:{number}")
