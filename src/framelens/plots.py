"""Plots of frame shares over time and by outlet, on matplotlib.

Each function draws on the Axes it is given, or on a new figure, and returns the Axes: change titles, limits and colours as you like.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, TypeVar

import numpy as np

from framelens.display import colour
from framelens.errors import InputError, MissingExtraError
from framelens.schema import NO_FRAME, Document

try:
    from matplotlib import pyplot as plt
    from matplotlib.axes import Axes
    from matplotlib.ticker import PercentFormatter
except ImportError as error:
    raise MissingExtraError.for_extra("plotting", "plot") from error

Period = Literal["year", "quarter", "month", "week", "day"]
_PERIODS = ("year", "quarter", "month", "week", "day")
_MARKERS = "osD^vP*X"  # a second sign beside the colour
_DRAWS = 1000
Group = TypeVar("Group", bound=Hashable)


@dataclass(frozen=True)
class Share:
    """A share of sentences (0 to 1) and its 95% interval, which is NaN where there is only one article."""

    value: float
    low: float
    high: float


def grouped_shares(
    documents: Sequence[Document], groups: Sequence[Group], *, primary: bool = False, seed: int = 13
) -> dict[Group, dict[str, Share]]:
    """Frame shares of each group of articles.

    Args:
        documents: articles, read with one model.
        groups: the group of each article, such as its outlet; same length.
        primary: count a sentence once, for its primary frame or ``"none"``, instead of for each of its frames.
        seed: of the bootstrap.

    Returns:
        Group -> label -> :class:`Share`, groups in the order of their first article. Sentences are pooled within a group; the
        intervals are percentiles of 1,000 bootstrap samples of articles (Efron 1979), since sentences of one article are alike.

    Raises:
        InputError: lengths differ, no document, or documents with different labels.
    """
    documents, groups = list(documents), list(groups)
    if len(documents) != len(groups) or not documents:
        raise InputError(f"received {len(documents)} documents and {len(groups)} groups; accepted: one group a document")
    if len({document.labels for document in documents}) > 1:
        raise InputError("the documents have different labels; accepted: documents that were read with one model")
    labels = (*documents[0].labels, NO_FRAME) if primary else documents[0].labels
    generator = np.random.default_rng(seed)
    shares = {}
    for group in dict.fromkeys(groups):
        members = [document for document, its in zip(documents, groups, strict=True) if its == group]
        sentences = np.array([len(document) for document in members])
        parts = [list(document.frame_shares(primary=primary).values()) for document in members]
        counts = np.array(parts) * sentences[:, None]
        weights = generator.multinomial(len(members), np.full(len(members), 1 / len(members)), size=_DRAWS)
        drawn = (weights @ counts) / np.maximum(weights @ sentences, 1)[:, None]
        low, high = np.percentile(drawn, [2.5, 97.5], axis=0) if len(members) > 1 else np.full((2, len(labels)), np.nan)
        value = counts.sum(axis=0) / max(sentences.sum(), 1)
        shares[group] = {
            label: Share(*map(float, row)) for label, row in zip(labels, np.stack([value, low, high], axis=1), strict=True)
        }
    return shares


def plot_by_outlet(
    documents: Sequence[Document], outlets: Sequence[str], *, primary: bool = False, ax: Axes | None = None
) -> Axes:
    """Bars of frame shares, grouped by outlet (or country, author ...), with 95% intervals over articles.

    Args:
        documents: articles, read with one model.
        outlets: the outlet of each article.
        primary: see :func:`grouped_shares`.
        ax: where to draw; a new figure if left out.

    Raises:
        InputError: see :func:`grouped_shares`.
    """
    shares = grouped_shares(documents, outlets, primary=primary)
    names, labels = list(shares), list(next(iter(shares.values())))
    ax = _axes(ax, width=max(5.0, 1.2 + 0.5 * len(names) * len(labels)))
    width = 0.8 / len(labels)
    for number, label in enumerate(labels):
        row = [shares[name][label] for name in names]
        values = np.array([share.value for share in row])
        spread = np.abs(np.array([[share.low for share in row], [share.high for share in row]]) - values)
        ax.bar(
            np.arange(len(names)) + (number - (len(labels) - 1) / 2) * width,
            values,
            width * 0.9,
            label=label,
            color=colour(label, documents[0].labels),
            yerr=spread,
            error_kw={"lw": 1, "capsize": 2, "ecolor": "#555555"},
        )
    counts = [sum(outlet == name for outlet in outlets) for name in names]
    ax.set_xticks(
        range(len(names)), [f"{name}\n({n} article{'' if n == 1 else 's'})" for name, n in zip(names, counts, strict=True)]
    )
    return _finish(ax)


def plot_over_time(
    documents: Sequence[Document],
    dates: Sequence[date | datetime | str],
    *,
    period: Period = "month",
    primary: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Lines of frame shares by period, with a band of 95% intervals over articles. Periods without an article are left out.

    Args:
        documents: articles, read with one model.
        dates: the date of each article: a date, a datetime or text in ISO 8601 such as ``"2024-05-31"``.
        period: year, quarter, month, week or day; a point stands at its first day.
        primary: see :func:`grouped_shares`.
        ax: where to draw; a new figure if left out.

    Raises:
        InputError: see :func:`grouped_shares`; a date that cannot be read, with its position; an unknown period.
    """
    if period not in _PERIODS:
        raise InputError(f"period {period!r} is unknown; accepted: {', '.join(_PERIODS)}")
    starts = [_start(_as_date(day, position), period) for position, day in enumerate(dates)]
    shares: Mapping[date, Mapping[str, Share]] = grouped_shares(documents, starts, primary=primary)
    days = sorted(shares)
    ax = _axes(ax, width=7.0)
    for number, label in enumerate(next(iter(shares.values()))):
        row = [shares[day][label] for day in days]
        shade = colour(label, documents[0].labels)
        ax.plot(days, [share.value for share in row], marker=_MARKERS[number % len(_MARKERS)], color=shade, label=label)  # type: ignore[arg-type]
        ax.fill_between(days, [s.low for s in row], [s.high for s in row], color=shade, alpha=0.15, lw=0)  # type: ignore[arg-type]
    return _finish(ax)


def _axes(ax: Axes | None, width: float) -> Axes:
    return plt.subplots(figsize=(width, 3.6), layout="constrained")[1] if ax is None else ax


def _finish(ax: Axes) -> Axes:
    ax.set_ylabel("share of sentences")
    ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.set_ylim(bottom=0)
    ax.grid(axis="y", alpha=0.3)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    return ax


def _as_date(day: Any, position: int) -> date:
    if isinstance(day, datetime):
        return day.date()
    if isinstance(day, date):
        return day
    try:
        return datetime.fromisoformat(day).date()
    except (TypeError, ValueError):
        raise InputError(
            f"date {position} is {day!r}; accepted: a date, a datetime or ISO 8601 text such as '2024-05-31'"
        ) from None


def _start(day: date, period: Period) -> date:
    if period == "week":
        return day - timedelta(days=day.weekday())
    if period == "day":
        return day
    month = {"year": 1, "quarter": 3 * ((day.month - 1) // 3) + 1, "month": day.month}[period]
    return day.replace(month=month, day=1)
