from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest

pytest.importorskip("matplotlib")
import matplotlib as mpl

mpl.use("agg")
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from framelens import Document, InputError, Sentence
from framelens.display import COLOURS
from framelens.plots import grouped_shares, plot_by_outlet, plot_over_time

LABELS = ("wall", "door")


def article(*frames: str) -> Document:
    """A document with a sentence for each letter pair: w wall, d door, b both, - none."""
    chosen = {"w": ("wall",), "d": ("door",), "b": ("wall", "door"), "-": ()}
    sentences = [Sentence("x", i, i + 1, (chosen[f] or (None,))[0], chosen[f]) for i, f in enumerate(frames)]
    return Document("x" * len(frames), tuple(sentences), LABELS)


ARTICLES = [article(*"ww--"), article(*"d"), article(*"wd-"), article(*"bb")]
OUTLETS = ["Mail", "Mail", "Post", "Mail"]
DATES = [date(2024, 1, 9), "2024-02-28", datetime(2024, 5, 1, 12), "2024-01-31T08:00:00+02:00"]


def test_sentences_are_pooled_and_articles_resampled():
    shares = grouped_shares(ARTICLES, OUTLETS)
    assert list(shares) == ["Mail", "Post"]
    assert shares["Mail"]["wall"].value == pytest.approx(4 / 7)
    assert shares["Mail"]["door"].value == pytest.approx(3 / 7)
    assert 0 <= shares["Mail"]["wall"].low < 4 / 7 < shares["Mail"]["wall"].high <= 1
    assert np.isnan(shares["Post"]["wall"].low)  # one article says nothing about the spread
    assert shares == grouped_shares(ARTICLES, OUTLETS) or np.isnan(shares["Post"]["wall"].low)
    primary = grouped_shares(ARTICLES, OUTLETS, primary=True)["Post"]
    assert [primary[name].value for name in ("wall", "door", "none")] == pytest.approx([1 / 3] * 3)


def test_the_interval_covers_at_its_rate():
    """Of samples of 40 articles from a population with a known share, about 95% of the intervals hold it."""
    generator = np.random.default_rng(0)
    held = 0
    for draw in range(120):
        rates = generator.beta(2, 2, size=40)  # articles differ; the mean is 0.5
        sample = [article(*np.where(generator.random(10) < rate, "w", "-")) for rate in rates]
        share = grouped_shares(sample, [0] * 40, seed=draw)[0]["wall"]
        held += share.low <= 0.5 <= share.high
    assert 105 <= held <= 120


def test_bars_by_outlet():
    ax = plot_by_outlet(ARTICLES, OUTLETS)
    assert isinstance(ax, Axes)
    heights = [[bar.get_height() for bar in container] for container in ax.containers if hasattr(container, "patches")]
    assert np.allclose(heights, [[4 / 7, 1 / 3], [3 / 7, 1 / 3]])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["Mail\n(3 articles)", "Post\n(1 article)"]
    assert to_hex(ax.patches[0].get_facecolor()).upper() == COLOURS[0]
    ax.set_title("mine")  # the caller's to change
    assert ax.figure.axes == [ax]


@pytest.mark.parametrize(
    ("period", "days"),
    [
        ("month", ["2024-01-01", "2024-02-01", "2024-05-01"]),
        ("quarter", ["2024-01-01", "2024-04-01"]),
        ("year", ["2024-01-01"]),
        ("week", ["2024-01-08", "2024-01-29", "2024-02-26", "2024-04-29"]),
        ("day", ["2024-01-09", "2024-01-31", "2024-02-28", "2024-05-01"]),
    ],
)
def test_lines_over_time(period, days):
    ax = plot_over_time(ARTICLES, DATES, period=period)
    assert [str(day) for day in ax.lines[0].get_xdata()] == days
    assert [line.get_label() for line in ax.lines] == list(LABELS)
    if period == "month":
        assert ax.lines[0].get_ydata() == pytest.approx([4 / 6, 0, 1 / 3])


def test_it_draws_where_it_is_told():
    figure, (left, right) = mpl.pyplot.subplots(1, 2)
    assert plot_over_time(ARTICLES, DATES, ax=left, primary=True) is left
    assert plot_by_outlet(ARTICLES, OUTLETS, ax=right) is right
    assert len(left.lines) == 3
    mpl.pyplot.close(figure)


def test_wrong_input():
    with pytest.raises(InputError, match="4 documents and 3 groups"):
        plot_by_outlet(ARTICLES, OUTLETS[:3])
    with pytest.raises(InputError, match="0 documents"):
        plot_over_time([], [])
    with pytest.raises(InputError, match="date 1 is 'spring'; accepted"):
        plot_over_time(ARTICLES, ["2024-01-01", "spring", None, None])
    with pytest.raises(InputError, match="period 'decade' is unknown; accepted: year"):
        plot_over_time(ARTICLES, DATES, period="decade")
    with pytest.raises(InputError, match="different labels"):
        grouped_shares([ARTICLES[0], Document("", (), ("other",))], ["a", "b"])
    assert np.isfinite(grouped_shares([Document("", (), LABELS)] * 2, ["a", "a"])["a"]["wall"].high)
