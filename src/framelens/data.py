"""Labelled sentences from files or ``datasets``, and splits that keep every article whole."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from framelens.annotations import parse_source, parse_stances
from framelens.errors import DataError, MissingExtraError
from framelens.labelled import Columns, LabelledSentence, LabelledSentences, count_labels, sha1
from framelens.readers import BadRow, Row, raise_bad_rows, read_rows
from framelens.schema import NO_FRAME

__all__ = [
    "SPLITS",
    "Columns",
    "LabelledSentence",
    "LabelledSentences",
    "count_labels",
    "label_names",
    "load_dataset",
    "rows_of",
    "sha1",
    "split_by_article",
]
SPLITS = ("train", "dev", "test")


def load_dataset(
    source: str | Path | Iterable[Mapping[str, Any]],
    columns: Columns,
    *,
    labels: Sequence[str] | None = None,
    texts: str | Path | None = None,
    encoding: str = "utf-8",
    strict: bool = True,
) -> LabelledSentences:
    """Read labelled sentences.

    Args:
        source: a CSV, TSV, JSONL or Parquet file, a ``datasets.Dataset``, or any iterable of dictionaries.
        columns: which column holds what.
        labels: the labels that may occur; any other is an error. None takes those found, sorted.
        texts: a file with ``id`` and text for a stand-off ``source``, whose rows hold ``id``, ``sha1`` of the text and labels.
        encoding: of text files.
        strict: raise on unusable rows. If False they are left out, listed in ``bad_rows``, and warned of.

    Raises:
        DataError: an unreadable file, a missing column, or (with ``strict``) unusable rows, each with file, row and reason:
            no text, an unknown label, broken JSON, a repeated id, a stand-off row whose text is missing or has changed.

    Examples:
        >>> rows = [{"text": "Tariffs rose.", "frame": "economy"}, {"text": "It rained.", "frame": "other"}]
        >>> load_dataset(rows, Columns(label="frame")).labels
        ('economy', 'other')
    """
    standoff = None if texts is None else _texts_by_id(texts, columns, encoding)
    parser = _RowParser(columns, labels, standoff)
    rows = rows_of(source, encoding)
    sentences: list[LabelledSentence] = []
    bad: list[BadRow] = []
    for row in rows:
        parsed = row if isinstance(row, BadRow) else parser.parse(row)
        if isinstance(parsed, BadRow):
            bad.append(parsed)
        else:
            sentences.append(parsed)
    name = str(source) if isinstance(source, (str, Path)) else type(source).__name__
    if strict:
        raise_bad_rows(bad)
    elif bad:
        warnings.warn(f"{name}: {len(bad)} unusable rows left out, the first: {bad[0]}", stacklevel=2)
    if not sentences:
        raise DataError(f"{name}: no usable row")
    found = tuple(labels) if labels is not None else tuple(sorted({label for s in sentences for label in s.labels}))
    if not found and columns.framed:
        raise DataError(f"{name}: no sentence carries a label")
    if standoff is None:
        beside = _neighbours([(s.article_id, s.text) for s in sentences])
        sentences = [replace(s, context=pair) for s, pair in zip(sentences, beside, strict=True)]
    else:
        beside = _neighbours([(row.get(columns.article_id), row[columns.text]) for row in standoff.values()])
        pairs = dict(zip(standoff, beside, strict=True))
        sentences = [replace(s, context=pairs[str(s.id)]) for s in sentences]
    return LabelledSentences(tuple(sentences), found if columns.framed else (), columns.label is None, tuple(bad))


def split_by_article(
    data: LabelledSentences, *, dev: float = 0.15, test: float = 0.15, seed: int = 13, use_column: bool = True
) -> dict[str, LabelledSentences]:
    """Part a data set into train, dev and test so that no article is in two of them.

    Rows whose ``split`` column says train, dev or test go there if ``use_column`` and every row says so. Otherwise articles
    are drawn by scikit-learn's ``StratifiedGroupKFold`` over primary labels.

    Raises:
        DataError: an article in two splits, an unknown split, only some rows with a split, or too few articles to part.
    """
    given = {s.split for s in data}
    if use_column and given != {None}:
        return _split_by_column(data)
    try:
        from sklearn.model_selection import StratifiedGroupKFold
    except ImportError as error:
        raise MissingExtraError.for_extra("splitting a data set", "train") from error
    remaining = list(range(len(data)))
    groups, strata = data.articles, [s.primary or NO_FRAME for s in data]
    parts: dict[str, list[int]] = {}
    for name, share in (("test", test), ("dev", dev / (1 - test))):
        folds = max(2, round(1 / share)) if share else 0
        if folds and len({groups[i] for i in remaining}) < folds:
            raise DataError(
                f"{len(set(groups))} articles are too few for a {name} split of {share:.0%}; at least {folds} are needed"
            )
        if not folds:
            parts[name] = []
            continue
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        with warnings.catch_warnings():  # a label with fewer sentences than folds is no reason to stop
            warnings.simplefilter("ignore", UserWarning)
            _, chosen = next(splitter.split(remaining, [strata[i] for i in remaining], [groups[i] for i in remaining]))
        parts[name] = [remaining[i] for i in chosen]
        taken = set(parts[name])
        remaining = [i for i in remaining if i not in taken]
    return {"train": data.select(remaining), "dev": data.select(parts["dev"]), "test": data.select(parts["test"])}


def _split_by_column(data: LabelledSentences) -> dict[str, LabelledSentences]:
    parts: dict[str, list[int]] = {name: [] for name in SPLITS}
    home: dict[str, tuple[str, str]] = {}
    bad = []
    for index, (sentence, article) in enumerate(zip(data, data.articles, strict=True)):
        if sentence.split not in parts:
            bad.append(BadRow(sentence.where, f"split is {sentence.split!r}; accepted: {', '.join(SPLITS)}"))
            continue
        first, where = home.setdefault(article, (sentence.split, sentence.where))
        if first != sentence.split:
            bad.append(BadRow(sentence.where, f"article {article!r} is in {sentence.split} here but in {first} at {where}"))
        parts[sentence.split].append(index)
    raise_bad_rows(bad, "splits")
    return {name: data.select(indices) for name, indices in parts.items()}


class _RowParser:
    """Turns rows into sentences; remembers ids to find repeated ones."""

    def __init__(self, columns: Columns, labels: Sequence[str] | None, texts: Mapping[str, dict[str, Any]] | None) -> None:
        self.columns, self.accepted, self.texts = columns, labels, texts
        self.seen: dict[str, str] = {}
        needed = [] if texts is not None else [columns.text]
        for named in (columns.label, columns.labels, columns.scores, columns.source, columns.stances):
            needed += [named] if isinstance(named, str) else list(named or ())
        self.needed = needed

    def parse(self, row: Row) -> LabelledSentence | BadRow:
        try:
            return self._parse(row)
        except DataError as error:
            return BadRow(row.where, str(error))

    def _parse(self, row: Row) -> LabelledSentence:
        values, c = row.values, self.columns
        for name in self.needed:
            if name not in values:
                raise DataError(f"no column {name!r}; the columns are {', '.join(map(str, values))}")
        identifier = None if _empty(values.get(c.id)) else str(values[c.id])
        beside = {} if self.texts is None else self._standoff_row(self.texts, identifier, values, c.text)
        text = {**values, **beside}.get(c.text)
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"no text in column {c.text!r}: {text!r}")
        if identifier is not None:
            first = self.seen.setdefault(identifier, row.where)
            if first != row.where:
                raise DataError(f"id {identifier!r} again; it stands first at {first}")
        scores = self._scores(values)
        labels = self._labels(values) if scores is None else tuple(name for name, p in scores.items() if p >= 0.5)
        primary = self._primary(values, labels) if c.framed else None
        known = {c.text, c.label, c.id, c.article_id, c.split, c.primary}
        return LabelledSentence(
            text=text,
            labels=labels,
            primary=primary,
            id=identifier,
            article_id=None if _empty(values.get(c.article_id)) else str(values[c.article_id]),
            split=None if _empty(values.get(c.split)) else str(values[c.split]),
            meta={k: v for k, v in {**beside, **values}.items() if k not in known and k not in self.needed},
            where=row.where,
            framed=c.framed,
            scores=scores,
            source=None if c.source is None else parse_source(values[c.source], text),
            stances=None if c.stances is None else parse_stances(values[c.stances], text),
        )

    def _scores(self, values: Mapping[str, Any]) -> Mapping[str, float] | None:
        if self.columns.scores is None:
            return None
        value = values[self.columns.scores]
        if not isinstance(value, Mapping) or not all(isinstance(p, (int, float)) and 0 <= p <= 1 for p in value.values()):
            raise DataError(f"scores are {value!r:.80}; accepted: an object of label -> probability")
        for name in value:
            self._check(name)
        return {name: float(p) for name, p in value.items()}

    def _check(self, name: str) -> None:
        if self.accepted is not None and name not in self.accepted:
            raise DataError(f"unknown label {name!r}; accepted: {', '.join(self.accepted)}")

    def _labels(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        c = self.columns
        if c.label is not None:
            value = values[c.label]
            if _empty(value):
                raise DataError(f"no label in column {c.label!r}")
            names = [str(value).strip()]
        elif isinstance(c.labels, str):
            names = label_names(values[c.labels], c.separator)
        else:
            names = [name for name in c.labels or () if _truth(values[name], name)]
        for name in names:
            self._check(name)
        return tuple(dict.fromkeys(names))

    def _primary(self, values: Mapping[str, Any], labels: tuple[str, ...]) -> str | None:
        value = values.get(self.columns.primary)
        if _empty(value) or value == NO_FRAME or self.columns.scores is not None:
            return labels[0] if labels else None
        if value not in labels:
            raise DataError(f"primary label {value!r} is not among the row's labels ({', '.join(labels) or 'none'})")
        return str(value)

    @staticmethod
    def _standoff_row(
        texts: Mapping[str, dict[str, Any]], identifier: str | None, values: Mapping[str, Any], column: str
    ) -> dict[str, Any]:
        row = texts.get(identifier) if identifier is not None else None
        if row is None:
            raise DataError(f"id {identifier!r} is not in the file of texts")
        digest = sha1(row[column])
        if values.get("sha1") != digest:
            raise DataError(
                f"the text of {identifier!r} has SHA-1 {digest}, but it was labelled when it had {values.get('sha1')}"
            )
        return row


def _texts_by_id(path: str | Path, columns: Columns, encoding: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    bad = []
    for row in read_rows(path, encoding):
        if isinstance(row, BadRow):
            bad.append(row)
        elif not isinstance(row.values.get(columns.text), str):
            bad.append(BadRow(row.where, f"no text in column {columns.text!r}"))
        else:
            found[str(row.values.get(columns.id) or sha1(row.values[columns.text]))] = row.values
    raise_bad_rows(bad, "rows in the file of texts")
    return found


def _neighbours(sentences: Sequence[tuple[str | None, str]]) -> list[tuple[str, str]]:
    """The text before and after each ``(article, text)``, where the row beside it is of the same article."""

    def text(at: int, article: str | None) -> str:
        inside = article is not None and 0 <= at < len(sentences) and sentences[at][0] == article
        return sentences[at][1] if inside else ""

    return [(text(i - 1, article), text(i + 1, article)) for i, (article, _) in enumerate(sentences)]


def rows_of(source: str | Path | Iterable[Any], encoding: str = "utf-8") -> Iterator[Row | BadRow]:
    """Rows of a file, of a ``datasets.Dataset`` (class numbers turned into names) or of any iterable of dictionaries."""
    if isinstance(source, (str, Path)):
        yield from read_rows(source, encoding)
        return
    features = getattr(source, "features", None) or {}
    decoders = {name: feature.int2str for name, feature in features.items() if hasattr(feature, "int2str")}
    name = type(source).__name__
    for number, values in enumerate(source, start=1):
        where = f"{name}:{number}"
        if not isinstance(values, Mapping):
            yield BadRow(where, f"expected a mapping of columns, received {type(values).__name__}")
        else:
            yield Row({k: decoders[k](v) if k in decoders and isinstance(v, int) else v for k, v in values.items()}, where)


def _empty(value: Any) -> bool:
    return value is None or value == "" or (isinstance(value, float) and value != value)


def label_names(value: Any, separator: str = ";") -> list[str]:
    """Label names from a list, a JSON list, or names joined by ``separator``; empty, or ``"none"``, for no label."""
    if _empty(value):
        return []
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except json.JSONDecodeError as error:
            raise DataError(f"labels {value!r} look like a JSON list but are not: {error}") from None
    if isinstance(value, str):
        names = [name.strip() for name in value.split(separator)]
        return [name for name in names if name and name != NO_FRAME]
    if isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value):
        return [name for name in value if name != NO_FRAME]
    raise DataError(f"labels must be a list of names or names joined by {separator!r}; received {value!r}")


def _truth(value: Any, name: str) -> bool:
    text = str(value).strip().lower()
    if text in ("1", "true", "yes", "1.0"):
        return True
    if text in ("0", "false", "no", "0.0", ""):
        return False
    raise DataError(f"column {name!r} holds {value!r}; accepted: 0, 1, true, false")
