"""Decisions on disk: a row is appended and synced for each, so that a kill loses nothing, and an annotator has one row a sentence.

Labels are in the file that was asked for, one JSON object a row, as :func:`framelens.load_dataset` and agreement read them;
sentences that were skipped are beside it, in ``NAME.skipped.jsonl``, since to skip is not to find no frame.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from framelens.errors import DataError
from framelens.readers import BadRow, raise_bad_rows, read_rows

if sys.platform != "win32":  # there, each annotator needs a file of their own
    import fcntl

Decision = dict[str, Any]


class DecisionFile:
    """The decisions of one annotator in a file that several may share.

    Args:
        path: a ``.jsonl`` file; made when the first decision is saved.
        annotator: whose decisions these are.

    Raises:
        DataError: the ending is another, the folder does not exist, or a row is unreadable.
    """

    def __init__(self, path: str | Path, annotator: str) -> None:
        self.path, self.annotator = Path(path), annotator
        self.skipped = self.path.with_name(f"{self.path.stem}.skipped.jsonl")
        if self.path.suffix.lower() != ".jsonl":
            raise DataError(f"{path}: labels are saved as .jsonl; received the ending {self.path.suffix!r}")
        if not self.path.parent.is_dir():
            raise DataError(f"{self.path.parent}: no such folder")
        for file in (self.path, self.skipped):
            with self._locked():
                _drop_unfinished(file)

    def read(self) -> list[Decision]:
        """This annotator's decisions, in the order they were made."""
        rows = [*_rows(self.path), *_rows(self.skipped)]
        return sorted((row for row in rows if row["annotator"] == self.annotator), key=lambda row: str(row.get("at", "")))

    def append(self, decision: Mapping[str, Any]) -> None:
        """Write a decision and wait until it is on the disk."""
        file = self.skipped if decision.get("skip") else self.path
        line = json.dumps({**decision, "annotator": self.annotator}, ensure_ascii=False).encode() + b"\n"
        with self._locked():
            new = not file.exists()
            handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(handle, line)
                os.fsync(handle)
            finally:
                os.close(handle)
            if new:
                _sync_folder(file.parent)

    def remove(self, identifier: str) -> None:
        """Take this annotator's decision on a sentence back; the file is replaced at once by one without it."""
        with self._locked():
            for file in (self.path, self.skipped):
                lines = file.read_bytes().splitlines(keepends=True) if file.exists() else []
                kept = [line for line in lines if not self._is_mine(line, identifier)]
                if len(kept) == len(lines):
                    continue
                temporary = file.with_name(f".{file.name}.tmp")
                with temporary.open("wb") as stream:
                    stream.writelines(kept)
                    stream.flush()
                    os.fsync(stream.fileno())
                temporary.replace(file)
                _sync_folder(file.parent)

    def _is_mine(self, line: bytes, identifier: str) -> bool:
        row = json.loads(line) if line.strip() else {}
        return row.get("annotator") == self.annotator and row.get("id") == identifier

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody else writes meanwhile. The lock is a file of its own, since the others are replaced."""
        with self.path.with_name(f".{self.path.name}.lock").open("w") as lock:
            if sys.platform != "win32":
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _rows(file: Path) -> list[Decision]:
    if not file.exists():
        return []
    found, bad = [], []
    for row in read_rows(file):
        if isinstance(row, BadRow):
            bad.append(row)
        elif not isinstance(row.values.get("id"), str) or not isinstance(row.values.get("annotator"), str):
            bad.append(BadRow(row.where, "'id' and 'annotator' are needed, as 'framelens label' writes them"))
        else:
            found.append(row.values)
    raise_bad_rows(bad, "decisions")
    return found


def _drop_unfinished(file: Path) -> None:
    """End a last line that a kill cut short: kept if it is whole but for its line break, dropped if it never was a decision."""
    data = file.read_bytes() if file.exists() else b""
    if not data or data.endswith(b"\n"):
        return
    start = data.rfind(b"\n") + 1
    try:
        json.loads(data[start:])
    except ValueError:
        os.truncate(file, start)
    else:
        with file.open("ab") as stream:
            stream.write(b"\n")


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
