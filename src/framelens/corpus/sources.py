"""Articles from files, streamed: what the files are, how they are cut into shards, and which rows are no article.

The cut is a function of the files alone, so that a run that goes on, or one on other machines, makes the same shards:
consecutive files up to 64 MiB (or one larger file) are a *unit*, read by one process from its start to its end, and every
``size`` rows of a unit are a *shard*, classified and written as one.
"""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import IO, Any

from framelens.errors import DataError, InputError
from framelens.readers import FORMATS, BadRow, Row, decode, decompressed, file_format, read_stream, split_compression

UNIT_BYTES = 2**26
TEXT = ".txt"
SETTINGS = "corpus.json"  # a folder that holds it is the output of a run, and no input of another
_SNIFFED = 100  # rows that tell which columns there are
_LONGEST_TEXT = 2**28  # bytes of a text file, which is one article


@dataclass(frozen=True, slots=True)
class InputFile:
    """A file of articles as it was when the run began."""

    path: str
    size: int
    modified: int  # ns


@dataclass(frozen=True, slots=True)
class Article:
    """One article; ``carried`` are the values of the columns carried through, in their order."""

    id: str
    text: str
    file: str
    row: int
    carried: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Unusable:
    """What goes to quarantine: a row, or (from ``row`` on; None: all of it) the rest of a file."""

    file: str
    row: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class Shard:
    """Consecutive rows of a unit. ``size`` bytes of the input were read for it; ``last`` ends its unit."""

    unit: int
    number: int
    last: bool
    articles: tuple[Article, ...]
    unusable: tuple[Unusable, ...]
    size: int

    @property
    def name(self) -> str:
        """What its files are called; in the order of the input."""
        return f"part-{self.unit:06d}-{self.number:06d}"


@dataclass(frozen=True, slots=True)
class Fields:
    """What is read from a row.

    Attributes:
        text: column of the text.
        id: column of the article's id; where it is missing or empty the id is ``file:row``.
        carried: pairs of a column of the output and the column of the input that fills it.
        encoding: of text formats.
    """

    text: str = "text"
    id: str = "id"
    carried: tuple[tuple[str, str], ...] = ()
    encoding: str = "utf-8"


def find_files(inputs: Iterable[str | os.PathLike[str]], without: Path) -> tuple[list[InputFile], list[str]]:
    """The files that ``inputs`` (files, folders, glob patterns) stand for, each once, in a fixed order.

    Returns:
        The files, and those of folders and patterns whose ending is none that is read. Nothing below ``without`` (the
        output folder) is in either, nor what is hidden; folders that hold the output of a run are passed over.

    Raises:
        InputError: something that is not there, a file of an unknown ending, or no file at all.
    """
    accepted = f"accepted: {', '.join(FORMATS)}, {TEXT} (text formats also with .gz or .zst), folders and patterns of these"
    found: dict[str, InputFile] = {}  # by real path
    left_out: list[str] = []
    names = [os.fspath(name) for name in inputs]
    for name in names:
        if Path(name).is_dir():
            paths = _walk(name)
        elif Path(name).is_file():
            if not _readable(name):
                raise InputError(f"{name}: the ending {Path(name).suffix!r} is unknown; {accepted}")
            paths = iter([name])
        elif glob.has_magic(name):
            matches = sorted(glob.glob(name, recursive=True))  # noqa: PTH207  # Path.glob takes no absolute patterns
            paths = (path for path in matches if not Path(path).is_dir())
        else:
            raise InputError(f"{name}: no such file or folder; {accepted}")
        for path in paths:
            real = os.path.realpath(path)
            if Path(real).is_relative_to(without.resolve()):
                continue
            if _readable(path):
                found.setdefault(real, _described(path))
            else:
                left_out.append(path)
    if not found:
        raise InputError(f"no file to read in {', '.join(names) or 'nothing'}; {accepted}")
    return list(found.values()), left_out


def units(files: Sequence[InputFile]) -> list[tuple[InputFile, ...]]:
    """Consecutive files up to ``UNIT_BYTES``, at least one."""
    groups: list[list[InputFile]] = []
    room = -1
    for file in files:
        if file.size > room:
            groups.append([])
            room = UNIT_BYTES
        groups[-1].append(file)
        room -= file.size
    return [tuple(group) for group in groups]


def columns_of(files: Iterable[InputFile], encoding: str) -> list[str] | None:
    """Columns in the first rows of the first readable table among ``files``; None if all are texts."""
    for file in files:
        if file_format(file.path) is None:
            continue
        try:
            with Path(file.path).open("rb") as handle:
                first = islice(read_stream(handle, Path(file.path), encoding), _SNIFFED)
                names = dict.fromkeys(str(name) for row in first if isinstance(row, Row) for name in row.values)
        except (OSError, DataError):
            continue
        if names:
            return list(names)
    return None


def shards(unit: int, files: Sequence[InputFile], fields: Fields, size: int, done: Collection[int] = ()) -> Iterator[Shard]:
    """Cut a unit into shards of ``size`` rows; those numbered in ``done`` are read past.

    A unit has one shard at least, if an empty one.
    """
    records = _records(files, fields)
    upcoming = next(records, None)
    number, start = 0, 0
    while True:
        batch: list[Article | Unusable] = []
        position = start
        while upcoming is not None and len(batch) < size:
            batch.append(upcoming[0])
            position = upcoming[1]
            upcoming = next(records, None)
        last = upcoming is None
        position = sum(file.size for file in files) if last else position
        if number not in done:
            articles = tuple(record for record in batch if isinstance(record, Article))
            unusable = tuple(record for record in batch if isinstance(record, Unusable))
            yield Shard(unit, number, last, articles, unusable, position - start)
        if last:
            return
        number, start = number + 1, position


def _records(files: Sequence[InputFile], fields: Fields) -> Iterator[tuple[Article | Unusable, int]]:
    """Every row of every file, each with the number of bytes read so far."""
    before = 0
    for file in files:
        row = 0
        try:
            with Path(file.path).open("rb") as handle:
                for record in _articles(handle, file, fields):
                    row = record.row or 0
                    yield record, before + min(handle.tell(), file.size)
        except (OSError, DataError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            yield Unusable(file.path, row + 1 if row else None, f"the file, from here on: {reason}"), before + file.size
        before += file.size


def _articles(handle: IO[bytes], file: InputFile, fields: Fields) -> Iterator[Article | Unusable]:
    if file_format(file.path) is None:
        data = decompressed(handle, Path(file.path)).read(_LONGEST_TEXT + 1)
        if len(data) > _LONGEST_TEXT:
            raise DataError(f"a text of over {_LONGEST_TEXT} bytes")
        yield _article(
            Row({fields.text: decode(data, file.path, fields.encoding), fields.id: file.path}, f"{file.path}:1"), fields
        )
        return
    wanted = {fields.text, fields.id, *(source for _, source in fields.carried)}
    for row in read_stream(handle, Path(file.path), fields.encoding, wanted):
        yield _article(row, fields)


def _article(row: Row | BadRow, fields: Fields) -> Article | Unusable:
    file, _, number = row.where.rpartition(":")
    if isinstance(row, BadRow):
        return Unusable(file, int(number), row.reason)
    values = row.values
    text = values.get(fields.text)
    if not isinstance(text, str):
        had = f"it holds {text!r:.60}" if fields.text in values else f"the columns are {', '.join(map(str, values))}"
        return Unusable(file, int(number), f"no text in column {fields.text!r}; {had}")
    if not text.strip():
        return Unusable(file, int(number), "the text is empty")
    name = values.get(fields.id)
    article = Article(
        row.where if name is None or name == "" else _written(name),
        text,
        file,
        int(number),
        tuple(None if values.get(source) is None else _written(values[source]) for _, source in fields.carried),
    )
    try:
        "".join((article.id, text, *(value for value in article.carried if value))).encode()
    except UnicodeEncodeError as error:
        return Unusable(file, int(number), f"half a surrogate pair ({error.object[error.start]!r}): not to be written as UTF-8")
    return article


def _written(value: Any) -> str:
    """A value as text: dates as ISO 8601, what is neither text nor date as JSON."""
    if isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, date) else json.dumps(value, ensure_ascii=False, default=str)


def _walk(folder: str) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        if SETTINGS in names:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (str(Path(parent, name)) for name in sorted(names) if not name.startswith("."))


def _readable(path: str) -> bool:
    return file_format(path) is not None or split_compression(path)[0].suffix.lower() == TEXT


def _described(path: str) -> InputFile:
    try:
        status = Path(path).stat()
    except OSError:  # a link to nothing: its reading will fail, and be reported in its place
        return InputFile(path, 0, 0)
    return InputFile(path, status.st_size, status.st_mtime_ns)
