"""Sentences that wait for labels: read from a file with their article and their neighbours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from framelens.errors import DataError
from framelens.readers import BadRow, Row, raise_bad_rows, read_rows


@dataclass(frozen=True)
class PoolSentence:
    """A sentence without labels.

    Attributes:
        text, article_id: of the row.
        id: of the row, or, where rows have none, the first 12 digits of the text's SHA-1.
        where: file and row.
        before, after: the sentences beside it in its article: columns of these names, or the rows beside it.
    """

    text: str
    id: str
    article_id: str | None = None
    where: str = ""
    before: str = ""
    after: str = ""

    @property
    def group(self) -> str:
        """The article, or, where the data name none, the sentence itself."""
        return self.article_id if self.article_id is not None else f"sentence {self.id}"


def read_sentences(
    source: str | Path | Iterable[Mapping[str, Any]],
    *,
    text: str = "text",
    id: str = "id",
    article_id: str = "article_id",
    encoding: str = "utf-8",
) -> list[PoolSentence]:
    """Read sentences in order; labels are left aside. Where rows have no id, a text that comes again is read once.

    Args:
        source: a CSV, TSV, JSONL or Parquet file, or any iterable of dictionaries.
        text, id, article_id: the columns; only the first is needed.
        encoding: of text files.

    Raises:
        DataError: an unreadable file, rows without text or with an id that came before, or nothing at all.
    """
    found: dict[str, PoolSentence] = {}
    order: list[tuple[str, bool]] = []
    bad: list[BadRow] = []
    for row in _rows(source, encoding):
        if isinstance(row, BadRow):
            bad.append(row)
            continue
        values = row.values
        content = values.get(text)
        if not isinstance(content, str) or not content.strip():
            columns = ", ".join(map(str, values))
            bad.append(BadRow(row.where, f"no text in column {text!r}: {content!r}; the columns are {columns}"))
            continue
        given = values.get(id)
        named = given not in (None, "")
        key = str(given) if named else hashlib.sha1(content.encode()).hexdigest()[:12]
        if key in found:
            if named:
                bad.append(BadRow(row.where, f"id {key!r} again; it stands first at {found[key].where}"))
            continue
        article = values.get(article_id)
        before, after = values.get("before"), values.get("after")
        order.append((key, isinstance(before, str) or isinstance(after, str)))
        found[key] = PoolSentence(
            content, key, None if article in (None, "") else str(article), row.where, str(before or ""), str(after or "")
        )
    raise_bad_rows(bad)
    if not found:
        raise DataError(f"{source if isinstance(source, (str, Path)) else type(source).__name__}: no sentence")
    sentences = list(found.values())
    return [s if order[i][1] else _beside(sentences, i) for i, s in enumerate(sentences)]


def _beside(sentences: list[PoolSentence], index: int) -> PoolSentence:
    """The sentence with its neighbours of the same article."""
    sentence = sentences[index]
    if sentence.article_id is None:
        return sentence
    near = [sentences[i].text if 0 <= i < len(sentences) and sentences[i].article_id == sentence.article_id else ""
            for i in (index - 1, index + 1)]  # fmt: skip
    return replace(sentence, before=near[0], after=near[1])


def _rows(source: str | Path | Iterable[Mapping[str, Any]], encoding: str) -> Iterable[Row | BadRow]:
    if isinstance(source, (str, Path)):
        return read_rows(source, encoding)
    name = type(source).__name__
    return (Row(dict(values), f"{name}:{number}") for number, values in enumerate(source, start=1))
