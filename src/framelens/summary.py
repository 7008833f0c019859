"""An evaluation as tables and lines, for every format that shows one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from framelens.schema import NO_FRAME
from framelens.tables import Table, percent

if TYPE_CHECKING:
    from framelens.evaluation import Evaluation

_RATIOS = {"precision": "precision", "recall": "recall", "f1": "F1", "average_precision": "average precision"}


def evaluation_tables(e: Evaluation) -> list[Table]:
    """Frames, means over frames, primary frames, and results by column."""
    return [
        label_table(e),
        _headline(e),
        *([_mean_table(e)] if e.macro else []),
        _confusion_table(e),
        *(_group_table(column, rows) for column, rows in e.groups.items()),
    ]


def label_table(e: Evaluation) -> Table:
    """A row per frame."""
    rows = []
    for name, m in e.per_label.items():
        known = e.intervals.get("per_label", {}).get(name, {})
        cells = [percent(m[key], known.get(key)) for key in _RATIOS if key in m]
        rows.append([name, *cells, str(m["support"]), f"{m['ece']:.3f}"])
    shown = [title for key, title in _RATIOS.items() if all(key in m for m in e.per_label.values())]
    return Table("Frames", ["frame", *shown, "sentences", "ECE"], rows)


def _headline(e: Evaluation) -> Table:
    known, primary = e.intervals, e.intervals.get("primary", {})
    rows = [
        ["macro-F1", percent(e.macro_f1, known.get("macro", {}).get("f1"))],
        ["micro-F1", percent(e.micro_f1, known.get("micro", {}).get("f1"))],
        ["exact match (whole set of frames)", percent(e.exact_match, known.get("exact_match"))],
        [f"primary frame, macro-F1 (with {NO_FRAME})", percent(e.primary["macro_f1"], primary.get("macro_f1"))],
        ["primary frame, accuracy", percent(e.primary["accuracy"], primary.get("accuracy"))],
    ]
    return Table("Over all frames", ["measure", "per cent"], rows)


def _mean_table(e: Evaluation) -> Table:
    rows = []
    for mean, values in (("macro", e.macro), ("micro", e.micro)):
        known = e.intervals.get(mean, {})
        rows.append([mean, *(percent(values[key], known.get(key)) for key in _RATIOS)])
    return Table("Means over frames", ["mean", *_RATIOS.values()], rows)


def _confusion_table(e: Evaluation) -> Table:
    names, matrix = e.primary["confusion"]["labels"], e.primary["confusion"]["matrix"]
    rows = [[name, *map(str, row)] for name, row in zip(names, matrix, strict=True)]
    return Table("Primary frames", ["labelled \\ predicted", *names], rows)


def _group_table(column: str, groups: Sequence[Mapping[str, Any]]) -> Table:
    names = list(groups[0]["f1"])
    rows = [
        [
            row["value"],
            str(row["sentences"]),
            str(row["articles"]),
            percent(row["micro_f1"], row["intervals"]["micro_f1"]),
            percent(row["exact_match"], row["intervals"]["exact_match"]),
            *("-" if row["f1"][name] is None else f"{percent(row['f1'][name])} [{row['support'][name]}]" for name in names),
        ]
        for row in groups
    ]
    header = [column, "sentences", "articles", "micro-F1", "exact match", *(f"F1 {name} [sentences]" for name in names)]
    return Table(f"By {column}", header, rows)
