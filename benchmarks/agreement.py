"""Agreement of the two annotators: frames as `framelens agreement` has them, and Krippendorff's alpha of source and stance.

    python benchmarks/agreement.py

Source: alpha of "is a source named", and, where either annotator
names one, the share of identical and of overlapping spans. Stance: alpha of the label on targets that both annotators name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import krippendorff

from framelens.agreement import annotator_agreement
from framelens.tables import text_table

FOLDER = Path(__file__).parents[1] / "seeds" / "annotations"
# What was read as one round; sentences of the last two that the readers differed on are in files of their own.
ROUNDS = {
    "round 1": ["round1.jsonl"],
    "round 2": ["round2.jsonl", "round2b.jsonl"],
    "round 3": ["round3.jsonl", "round3_contested.jsonl", "round3_contested_b.jsonl"],
    "round 4": ["round4_polnear.jsonl", "round4_newsmtsc.jsonl", "round4_unresolved.jsonl"],
}


def alpha(first: list[Any], second: list[Any]) -> str:
    """Nominal alpha of two annotators' codes; undefined where there is one code only."""
    codes = {code: number for number, code in enumerate(sorted({*first, *second}, key=str))}
    if len(codes) < 2:
        return "-"
    data = [[codes[code] for code in first], [codes[code] for code in second]]
    return f"{krippendorff.alpha(data, level_of_measurement='nominal'):.3f}"


def overlap(one: list[int] | None, other: list[int] | None) -> bool:
    """Whether two spans share a character."""
    return bool(one and other) and max(one[0], other[0]) < min(one[1], other[1])


def rows_of(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Measure, value and number of cases."""
    pairs = [(row["annotators"]["A"], row["annotators"]["B"]) for row in rows]
    table = []
    named = [(a["source"], b["source"]) for a, b in pairs]
    table.append(
        ["alpha source named or not", alpha([a is None for a, _ in named], [b is None for _, b in named]), str(len(pairs))]
    )
    either = [(a, b) for a, b in named if a or b]
    table.append(["source spans identical", f"{sum(a == b for a, b in either) / len(either):.3f}", str(len(either))])
    table.append(["source spans overlap", f"{sum(overlap(a, b) for a, b in either) / len(either):.3f}", str(len(either))])
    both = []
    for a, b in pairs:
        for stance in a["stances"]:
            match = next((x for x in b["stances"] if overlap(stance["target"], x["target"])), None)
            if match:
                both.append((stance["label"], match["label"]))
    table.append(["alpha stance on shared targets", alpha([a for a, _ in both], [b for _, b in both]), str(len(both))])
    return table


def main() -> None:
    """One table per round."""
    for title, files in ROUNDS.items():
        lines = [line for name in files for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]
        rows = [row for row in map(json.loads, lines) if len(row["annotators"]) > 1]
        print(f"\n{title}: {len(rows)} sentences of {len({r['article_id'] for r in rows})} articles read twice")
        frames = annotator_agreement(rows).tables()[0]
        print(text_table(frames.header, frames.rows))
        if "source" in rows[0]:
            print()
            print(text_table(["measure", "value", "cases"], rows_of(rows)))


if __name__ == "__main__":
    main()
