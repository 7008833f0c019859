"""Rows from files: CSV, TSV, JSONL and Parquet, each row with its place, each unusable one reported and none dropped.

Files are streamed: what is held in memory at a time is a row, or a few hundred rows of Parquet. Text formats may be
compressed with gzip (.gz) or Zstandard (.zst).
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TextIO, cast

from framelens.errors import DataError, MissingExtraError

FORMATS = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
COMPRESSIONS = (".gz", ".zst")
_SHOWN = 20
_LONGEST_ROW = 2**26  # characters; what is longer is no row but a file without line breaks, or a quote that is never closed
_PARQUET_ROWS = 256  # read at a time
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


def file_format(path: str | Path) -> str | None:
    """Format of a file of rows by its ending, a compression aside; None if it is none of ``FORMATS``."""
    inner, compressed = split_compression(path)
    kind = FORMATS.get(inner.suffix.lower())
    return None if compressed and kind == "parquet" else kind


def split_compression(path: str | Path) -> tuple[Path, str | None]:
    """A path without its .gz or .zst, and that ending or None."""
    path = Path(path)
    ending = path.suffix.lower()
    return (path.with_suffix(""), ending) if ending in COMPRESSIONS else (path, None)


def read_rows(path: str | Path, encoding: str = "utf-8") -> Iterator[Row | BadRow]:
    """Read a file row by row.

    Args:
        path: its ending tells the format: .csv, .tsv, .jsonl (or .ndjson), each with .gz or .zst after it or not; .parquet.
        encoding: of the text formats.

    Raises:
        DataError: the file is missing, its ending is unknown, it cannot be read to its end, or it has no header.
    """
    path = Path(path)
    if file_format(path) is None:
        raise DataError(f"{path}: the ending {path.suffix!r} is unknown; accepted: {', '.join(FORMATS)}")
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    return _rows_of_file(path, encoding)


def _rows_of_file(path: Path, encoding: str) -> Iterator[Row | BadRow]:
    with path.open("rb") as handle:
        yield from read_stream(handle, path, encoding)


def read_stream(
    handle: IO[bytes], path: Path, encoding: str = "utf-8", columns: Collection[str] | None = None
) -> Iterator[Row | BadRow]:
    """:func:`read_rows` of an open file, whose ``tell()`` shows how far the reading is.

    Args:
        handle: the file at its start, as it lies on disk (compressed, if its name says so).
        path: its name.
        encoding: of the text formats.
        columns: of Parquet, the columns to read; None reads all.

    Raises:
        DataError: as :func:`read_rows` does; rows before the place of the error have been given by then.
    """
    kind = file_format(path)
    try:
        if kind == "parquet":
            yield from _read_parquet(path, handle, columns)
            return
        name = "utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding
        newline = "\n" if kind == "jsonl" else ""
        text = io.TextIOWrapper(decompressed(handle, path), name, errors="surrogateescape", newline=newline)
        rows = _read_jsonl(path, text) if kind == "jsonl" else _read_delimited(path, text, "," if kind == "csv" else "\t")
        for row in rows:
            yield _decoded(row, encoding)
    except LookupError:
        raise DataError(f"{path}: encoding {encoding!r} is unknown to Python") from None
    except UnicodeError as error:  # an encoding such as UTF-16, where one bad byte spoils the rest
        raise DataError(f"{path} is not {encoding}: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path} cannot be read to its end: {error}") from error


def decompressed(handle: IO[bytes], path: Path) -> IO[bytes]:
    """The bytes inside a file whose name ends in .gz or .zst; the file itself for any other name."""
    compression = split_compression(path)[1]
    if compression == ".gz":
        return cast(IO[bytes], gzip.GzipFile(fileobj=handle))
    if compression == ".zst":
        try:
            import pyarrow as pa
        except ImportError as error:
            raise MissingExtraError.for_extra("reading Zstandard", "corpus") from error
        return io.BufferedReader(pa.CompressedInputStream(handle, "zstd"))
    return handle


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


def _decoded(row: Row | BadRow, encoding: str) -> Row | BadRow:
    """The row, or what to say of it if one of its bytes is not in ``encoding``."""
    for column, value in row.values.items() if isinstance(row, Row) else ():
        try:
            f"{column}{value}".encode()
        except UnicodeEncodeError as error:
            byte = ord(error.object[error.start]) - 0xDC00  # as errors="surrogateescape" writes it
            if 0x80 <= byte <= 0xFF:
                return BadRow(
                    row.where,
                    f"byte 0x{byte:02x} in column {column.encode('utf-8', 'replace').decode()!r} is not {encoding}; "
                    "save the file as UTF-8 or name its encoding, such as encoding='cp1252'",
                )
    return row


def _read_delimited(path: Path, text: TextIO, delimiter: str) -> Iterator[Row | BadRow]:
    left = _LONGEST_ROW

    def lines() -> Iterator[str]:
        nonlocal left
        while line := text.readline(_LONGEST_ROW):
            left -= len(line)
            if left < 0:
                raise DataError(f"{path}:{first_line}: a row of over {_LONGEST_ROW} characters: is a quote never closed?")
            yield line

    first_line = 1
    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
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
        first_line, left = reader.line_num + 1, _LONGEST_ROW
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


def _read_jsonl(path: Path, text: TextIO) -> Iterator[Row | BadRow]:
    number = 0
    while line := text.readline(_LONGEST_ROW):
        number += 1
        where = f"{path}:{number}"
        if len(line) == _LONGEST_ROW and not line.endswith("\n"):
            yield BadRow(where, f"a line of over {_LONGEST_ROW} characters")
            while (rest := text.readline(_LONGEST_ROW)) and not rest.endswith("\n"):
                pass
            continue
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:  # ValueError: also a number of too many digits
            yield BadRow(where, f"broken JSON: {error}")
            continue
        if isinstance(values, dict):
            yield Row(values, where)
        else:
            yield BadRow(where, f"expected a JSON object, received {type(values).__name__}")


def _read_parquet(path: Path, handle: IO[bytes], columns: Collection[str] | None) -> Iterator[Row | BadRow]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError.for_extra("reading Parquet", "corpus") from error
    try:
        # A buffer makes pyarrow read a column of a row group piece by piece instead of whole.
        table = pq.ParquetFile(handle, buffer_size=2**20)
        wanted = None if columns is None else [name for name in table.schema_arrow.names if name in columns]
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} is not readable as Parquet: {error}") from error
    end = 0
    for group in range(table.num_row_groups):
        number, end = end, end + table.metadata.row_group(group).num_rows
        try:
            for batch in table.iter_batches(_PARQUET_ROWS, row_groups=[group], columns=wanted, use_threads=False):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(values, f"{path}:{number}")
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            yield BadRow(f"{path}:{number + 1}", f"rows {number + 1} to {end} are not readable as Parquet: {error}")
