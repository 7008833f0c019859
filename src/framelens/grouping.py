"""Results by outlet, year or any other column of the data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from framelens.data import LabelledSentences
from framelens.errors import DataError

_PERIODS = {"year": 4, "month": 7, "day": 10}  # characters of an ISO date that name it
_ISO_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?(?=$|[ T])")
_NAMED_MONTH = ("%B %d, %Y", "%d %B %Y", "%b %d, %Y", "%d %b %Y")  # 05/04/2020 is not read: it may be April or May
_EMPTY = ("", "nan", "nat", "none", "null")  # what tables with gaps turn into when they are written and read


def group_of(values: Mapping[str, Any], column: str, where: str) -> str:
    """The value of a column, or of ``column:year``, ``column:month``, ``column:day`` of a date; ``"(no column)"`` where it is empty.

    Raises:
        DataError: the date is neither ISO 8601 (``2024-05-31``) nor has its month as a name (``May 31, 2024``), is too short
            for the period, or the period is unknown.
    """
    name, _, period = column.partition(":")
    value = values.get(name)
    if value is None or value != value or str(value).strip().lower() in _EMPTY:
        return f"(no {name})"
    if not period:
        return str(value)
    if period not in _PERIODS:
        raise DataError(f"unknown period {period!r} in {column!r}; accepted: {', '.join(_PERIODS)}")
    date = _iso(str(value).strip())
    if len(date) < _PERIODS[period]:
        raise DataError(f"{where}: {name} is {value!r}; for {column!r} it must be like 2024-05-31 or May 31, 2024")
    return date[: _PERIODS[period]]


def columns_of(data: LabelledSentences) -> list[dict[str, Any]]:
    """The columns of each sentence that it can be grouped by."""
    return [{"article_id": s.article_id, "split": s.split, "primary": s.primary, **s.meta} for s in data]


def group_positions(rows: Sequence[Mapping[str, Any]], wheres: Sequence[str], column: str) -> dict[str, list[int]]:
    """Positions of the rows per value of ``column``, values in order.

    Raises:
        DataError: no row has the column, or a date cannot be read.
    """
    name = column.partition(":")[0]
    if not any(name in row for row in rows):
        known = sorted({str(key) for row in rows for key in row})
        raise DataError(f"no column {name!r} to group by; the columns are {', '.join(known)}")
    groups: dict[str, list[int]] = {}
    for index, (row, where) in enumerate(zip(rows, wheres, strict=True)):
        groups.setdefault(group_of(row, column, where), []).append(index)
    return dict(sorted(groups.items()))


def _iso(text: str) -> str:
    """The date at the start of ``text`` as ISO 8601, or ``""``."""
    match = _ISO_DATE.match(text)
    if match:
        return match[0]
    for form in _NAMED_MONTH:
        try:
            return datetime.strptime(text, form).date().isoformat()
        except ValueError:
            continue
    return ""
