"""The ledger of a run: which shards are finished, one line of JSON each, appended when the shard's files are in place.

A shard counts from the moment its line is whole on disk. What a kill or a full disk leaves behind (half a line, files without a
line) is removed when the ledger is opened again, and the shard is done again.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from framelens.corpus.sources import Unusable


@dataclass(frozen=True, slots=True)
class Finished:
    """A shard that is done.

    Attributes:
        unit, shard, last: which one, and whether it ends its unit.
        articles, sentences: in its files.
        size: of the input that was read for it, in bytes.
        files: path below the data folder, and size in bytes.
        unusable: its rows that are no article.
    """

    unit: int
    shard: int
    last: bool
    articles: int
    sentences: int
    size: int
    files: tuple[tuple[str, int], ...]
    unusable: tuple[Unusable, ...]

    def to_json(self) -> str:
        """One line; :meth:`from_json` reads it back."""
        return json.dumps({**asdict(self), "unusable": [asdict(row) for row in self.unusable]})

    @classmethod
    def from_json(cls, line: str) -> Finished:
        """The inverse of :meth:`to_json`. Raises ValueError, KeyError or TypeError on anything else."""
        data: dict[str, Any] = json.loads(line)
        data["files"] = tuple((str(name), int(size)) for name, size in data["files"])
        data["unusable"] = tuple(Unusable(**row) for row in data["unusable"])
        return cls(**data)


@dataclass
class Totals:
    """Sums over finished shards; ``size`` is that of the input read, in bytes."""

    shards: int = 0
    articles: int = 0
    sentences: int = 0
    unusable: int = 0
    size: int = 0

    def add(self, finished: Finished) -> None:
        """Count one more shard."""
        self.shards += 1
        self.articles += finished.articles
        self.sentences += finished.sentences
        self.unusable += len(finished.unusable)
        self.size += finished.size


@dataclass
class Ledger:
    """The ledger at ``path`` for the files in ``data``; one process at a time may hold it.

    Attributes:
        totals: sums over the finished shards.
        lost: shards whose files were gone or cut short when the ledger was opened; they are done again.
    """

    path: Path
    data: Path
    totals: Totals = field(default_factory=Totals)
    lost: int = 0

    def __post_init__(self) -> None:
        self._done: dict[int, dict[int, int]] = defaultdict(dict)  # unit -> shard -> place of its line
        self._shards_in: dict[int, int] = {}  # of units whose last shard is done
        self._load()

    def done(self, unit: int) -> set[int]:
        """Numbers of the finished shards of a unit."""
        return set(self._done.get(unit, ()))

    def complete(self, unit: int) -> bool:
        """Whether every shard of a unit is finished."""
        return self._shards_in.get(unit) == len(self._done.get(unit, ()))

    def add(self, finished: Finished) -> None:
        """Write a shard's line to disk. Raises OSError if the disk is full; the shard then does not count."""
        with self.path.open("ab") as stream:
            place = stream.tell()
            stream.write(finished.to_json().encode() + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        self._count(finished, place)

    def unusable(self) -> Iterator[Unusable]:
        """The rows that are no article, in the order of the input."""
        if not self.path.exists():
            return
        with self.path.open("rb") as stream:
            for _, shards in sorted(self._done.items()):
                for _, place in sorted(shards.items()):
                    stream.seek(place)
                    yield from Finished.from_json(stream.readline().decode()).unusable

    def _count(self, finished: Finished, place: int) -> None:
        self._done[finished.unit][finished.shard] = place
        if finished.last:
            self._shards_in[finished.unit] = finished.shard + 1
        self.totals.add(finished)

    def _load(self) -> None:
        """Read the whole lines whose files are there, drop the others, and remove data files that no line lists."""
        listed: set[str] = set()
        if self.path.exists():
            kept = self.path.with_name(f".{self.path.name}.tmp")
            with self.path.open("rb") as lines, kept.open("wb") as stream:
                for line in lines:
                    try:
                        finished = Finished.from_json(line.decode())
                    except (ValueError, KeyError, TypeError):
                        break
                    if not line.endswith(b"\n"):
                        break
                    if not self._whole(finished.files):
                        self.lost += 1
                        continue
                    self._count(finished, stream.tell())
                    listed.update(name for name, _ in finished.files)
                    stream.write(line)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(kept, self.path)
        for path in self.data.rglob("*.parquet"):
            if path.relative_to(self.data).as_posix() not in listed:
                path.unlink()

    def _whole(self, files: Sequence[tuple[str, int]]) -> bool:
        try:
            return all((self.data / name).stat().st_size == size for name, size in files)
        except OSError:
            return False
