"""The work on one shard, the same wherever it runs: classify its articles, write their sentences, say what was done."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from framelens.classifier import Classifier
from framelens.corpus.ledger import Finished
from framelens.corpus.output import DATA, TEMPORARY, fsync
from framelens.corpus.sources import Article, Shard, Unusable
from framelens.corpus.tables import sentence_schema, sentence_table
from framelens.schema import Document

_NULL = "__HIVE_DEFAULT_PARTITION__"  # Hive's name for "no value", which DuckDB, Polars and pyarrow know
_DICTIONARY_BYTES = 2**23  # so that a long value carried through (a headline, a summary) is stored once, not once a sentence


@dataclass(frozen=True)
class Stage:
    """How shards are classified and written.

    Attributes:
        folder: the output folder.
        carried: names of the columns carried through.
        with_text: whether the sentences' text is written.
        partition_by: those of ``carried`` that become folders ``column=value``.
        batch_tokens, targets: as of :meth:`Classifier.classify`.
    """

    folder: Path
    carried: tuple[str, ...]
    with_text: bool
    partition_by: tuple[str, ...]
    batch_tokens: int
    targets: tuple[str, ...] | None

    def __call__(self, shard: Shard, classifier: Classifier) -> Finished:
        """Classify a shard and put its files in place. The same shard gives the same files.

        Raises:
            OSError: a file cannot be written; what was begun is removed.
        """
        options: dict[str, Any] = {} if self.targets is None else {"targets": self.targets}
        texts = [article.text for article in shard.articles]
        documents = classifier.classify(texts, batch_tokens=self.batch_tokens, **options)
        pairs = list(zip(shard.articles, documents, strict=True))
        read = [(article, document) for article, document in pairs if len(document)]
        empty = [Unusable(a.file, a.row, "no sentence in the text") for a, document in pairs if not len(document)]
        return Finished(
            unit=shard.unit,
            shard=shard.number,
            last=shard.last,
            articles=len(read),
            sentences=sum(len(document) for _, document in read),
            size=shard.size,
            files=tuple(self._write(shard.name, read, classifier)),
            unusable=(*shard.unusable, *empty),
        )

    def _write(self, name: str, read: list[tuple[Article, Document]], classifier: Classifier) -> Iterator[tuple[str, int]]:
        columns = [(column, place) for place, column in enumerate(self.carried) if column not in self.partition_by]
        schema = sentence_schema(classifier.labels.labels, [column for column, _ in columns], self.with_text)
        groups: dict[str, list[tuple[Article, Document]]] = {}
        for article, document in read:
            groups.setdefault(self._partition(article), []).append((article, document))
        for partition, members in groups.items():
            table = sentence_table([a for a, _ in members], [d for _, d in members], schema, columns)
            path = f"{partition}{name}.parquet"
            yield path, self._put(table, path)

    def _partition(self, article: Article) -> str:
        """Folders of an article's partition, such as ``outlet=Gazette/``."""
        values = [article.carried[self.carried.index(column)] for column in self.partition_by]
        pairs = zip(self.partition_by, values, strict=True)
        return "".join(f"{quote(column)}={quote(value, safe=' ') if value else _NULL}/" for column, value in pairs)

    def _put(self, table: pa.Table, path: str) -> int:
        """Write a file beside its place, then rename it; its size in bytes."""
        target = self.folder / DATA / path
        temporary = self.folder / TEMPORARY / f"{uuid4().hex}.parquet"
        try:
            # Without Arrow's own schema readers see plain strings where the table in memory holds dictionaries.
            pq.write_table(
                table, temporary, compression="zstd", store_schema=False, dictionary_pagesize_limit=_DICTIONARY_BYTES
            )
            fsync(temporary)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(temporary, target)
            fsync(target.parent)
        finally:
            temporary.unlink(missing_ok=True)
        return target.stat().st_size
