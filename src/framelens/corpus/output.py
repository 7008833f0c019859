"""The output folder of a run: one run at a time, one configuration, and files that appear only when they are whole.

::

    data/               part-<unit>-<shard>.parquet, below folders column=value if the output is partitioned
    shards.jsonl        the ledger: one line per finished shard
    quarantine.jsonl    file, row and reason of every row that is no article (absent if there is none)
    corpus.json         the configuration; a run that goes on must have the same
    inputs.jsonl        the input files with size and time of change
    summary.json        the counts, once every shard is finished

Temporary files are in ``.tmp`` inside the folder, so that renaming never crosses file systems.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from framelens.checkpoint import write_json
from framelens.corpus.ledger import Finished, Ledger
from framelens.corpus.sources import SETTINGS, InputFile
from framelens.errors import CorpusError

DATA, LEDGER, QUARANTINE = "data", "shards.jsonl", "quarantine.jsonl"
INPUTS, SUMMARY = "inputs.jsonl", "summary.json"
TEMPORARY, _LOCK, _HOLDER = ".tmp", ".lock", ".holder"
FORMAT = 1
# In the order in which --overwrite removes them: the configuration last, so that a folder half removed is still known as ours.
_OURS = (DATA, LEDGER, QUARANTINE, SUMMARY, INPUTS, TEMPORARY, SETTINGS)


class Output:
    """An output folder that this process holds. Made by :func:`open_output`."""

    def __init__(self, folder: Path, total_bytes: int) -> None:
        self.folder = folder
        self.total_bytes = total_bytes
        shutil.rmtree(folder / TEMPORARY, ignore_errors=True)
        for name in (DATA, TEMPORARY):
            (folder / name).mkdir(exist_ok=True)
        self.ledger = Ledger(folder / LEDGER, folder / DATA)

    def commit(self, finished: Finished) -> None:
        """Count a shard whose files are in place."""
        self.ledger.add(finished)

    def write_quarantine(self) -> None:
        """Write what the ledger knows of rows that are no article."""
        path = self.folder / QUARANTINE
        if not self.ledger.totals.unusable:
            path.unlink(missing_ok=True)
            return
        _write_lines(path, (asdict(row) for row in self.ledger.unusable()))

    def finish(self) -> None:
        """Write the summary, which says that every shard is done."""
        write_json(self.folder / SUMMARY, asdict(self.ledger.totals))


@contextmanager
def open_output(
    folder: Path, settings: Mapping[str, Any], files: Sequence[InputFile], overwrite: bool = False
) -> Iterator[Output]:
    """Hold an output folder: a new one, or one of an earlier run with the same settings and input, to go on with.

    Raises:
        CorpusError: another run holds it, it belongs to a run with other settings or input, it holds files that are not of a
            run, or it cannot be written to (a full disk, no permission).
    """
    with ExitStack() as stack:
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
            _check_ours(folder)
            stack.enter_context(_held(folder))
            if overwrite:
                for name in _OURS:
                    shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink(missing_ok=True)
            if (folder / SETTINGS).exists():
                _compare(folder, settings, files)
            else:
                _write_lines(folder / INPUTS, (asdict(file) for file in files))
                write_json(folder / SETTINGS, {"format": FORMAT, **settings})
            output = Output(folder, sum(file.size for file in files))
        try:
            with explained(folder):
                yield output
        finally:
            with suppress(OSError):  # a full disk has been reported already, and the next run writes it
                output.write_quarantine()


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn an error of the file system into one that says what to do."""
    try:
        yield
    except OSError as error:
        advice = "what is finished is kept: run the same command again to go on"
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise CorpusError(f"{folder}: no space left to write to ({error}); free some, and {advice}") from error
        raise CorpusError(f"{folder}: {error}; {advice}") from error


def fsync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_ours(folder: Path) -> None:
    foreign = sorted(path.name for path in folder.iterdir() if path.name not in _OURS and path.name[0] != ".")
    if foreign and not (folder / SETTINGS).exists():
        raise CorpusError(f"{folder} holds files that are not of a corpus run, such as {foreign[0]}; name a new folder")


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """The lock, which the system releases however the process ends."""
    lock, holder = FileLock(folder / _LOCK), folder / _HOLDER
    try:
        lock.acquire(timeout=0)
    except Timeout:
        by = holder.read_text(encoding="utf-8") if holder.exists() else "an unknown process"
        raise CorpusError(f"{folder} is in use by another run ({by}); wait for it or name another folder") from None
    try:
        holder.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield
    finally:
        lock.release()


def _compare(folder: Path, settings: Mapping[str, Any], files: Sequence[InputFile]) -> None:
    """Refuse to go on with a run of other settings or input."""
    way_out = "go on with the same, name another folder, or replace the run with --overwrite"
    try:
        before = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        with (folder / INPUTS).open(encoding="utf-8") as lines:
            known = {entry["path"]: InputFile(**entry) for entry in map(json.loads, lines)}
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{folder}: {SETTINGS} or {INPUTS} is damaged ({error}); {way_out}") from error
    now = json.loads(json.dumps({"format": FORMAT, **settings}))
    for key in {**before, **now}:
        if before.get(key) != now.get(key):
            raise CorpusError(f"{folder} holds a run with {key} {before.get(key)!r}, not {now.get(key)!r}; {way_out}")
    for file in files:
        if known.get(file.path) != file:
            what = "has changed since the run began" if file.path in known else "was not there when the run began"
            raise CorpusError(f"{folder}: input {file.path} {what}; {way_out}")
    if len(known) != len(files):
        gone = next(iter(known.keys() - {file.path for file in files}))
        raise CorpusError(f"{folder}: input {gone} was there when the run began and is not now; {way_out}")
    if list(known.values()) != list(files):
        raise CorpusError(f"{folder}: the input files come in another order than when the run began; {way_out}")


def _write_lines(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    """JSON lines, in place only when whole."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row) + "\n" for row in rows)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
