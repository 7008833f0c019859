"""Check the seed corpus and the annotations, and join stand-off annotations to their texts.

    python seeds/build.py check                              every file against the rules below
    python seeds/build.py join ../shared/data/pool.jsonl -o joined.jsonl    annotations with their sentences

Only the first is needed to use the seed corpus; the second makes a file that holds other people's text, so it is not kept here.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from framelens import Columns, DataError, load_dataset
from framelens.data import count_labels, split_by_article
from framelens.readers import BadRow, raise_bad_rows, read_rows

HERE = Path(__file__).parent
SENTENCES = HERE / "sentences.jsonl"
WRITTEN, WRITTEN_TEST = HERE / "written.jsonl", HERE / "written_test.jsonl"
ANNOTATIONS = sorted((HERE / "annotations").glob("*.jsonl"))
# The fourth round: frames alone, of sentences that are not in the pool, some of them without adjudicated labels.
UNRESOLVED = "round4_unresolved"
APART = {"round4_polnear", "round4_newsmtsc", UNRESOLVED}
FRAMES_ALONE = {*APART, WRITTEN.stem, WRITTEN_TEST.stem}
LABELS = ["security_threat", "protectionism", "cooperation_appeal"]
STANCES = {"favor", "against", "neutral"}


def check() -> None:
    """Raise a DataError that lists what is wrong; print what there is."""
    bad: list[BadRow] = []
    seen: dict[str, str] = {}
    for path in (SENTENCES, WRITTEN, WRITTEN_TEST, *ANNOTATIONS):
        for row in read_rows(path):
            if isinstance(row, BadRow):
                bad.append(row)
                continue
            values = row.values
            text, frames_alone = values.get("text"), path.stem in FRAMES_ALONE
            source, stances = (None, []) if frames_alone else (values["source"], values["stances"])
            spans = [span for span in [source, *(s["target"] for s in stances)] if span is not None]
            length = len(text) if text else 10_000  # stand-off rows hold no text to measure
            bad += [BadRow(row.where, f"span {a}:{b} is not inside the sentence") for a, b in spans if not 0 <= a < b <= length]
            if {s["label"] for s in stances} - STANCES or len(stances) > 2:
                bad.append(BadRow(row.where, f"stances {stances}"))
            if text:
                first = seen.setdefault(" ".join(text.lower().split()), row.where)
                if first != row.where:
                    bad.append(BadRow(row.where, f"the same sentence as at {first}"))
    raise_bad_rows(bad)
    data = load_dataset(SENTENCES, Columns(labels="frames"), labels=LABELS)
    parts = {**split_by_article(data)}
    for path in (WRITTEN, WRITTEN_TEST):
        parts[path.stem] = load_dataset(path, Columns(labels="frames"), labels=LABELS)
    for name, part in parts.items():
        print(f"seeds {name}: {len(part)} sentences of {len(set(part.articles))} articles, {count_labels(part)}")
    for path in ANNOTATIONS:
        rows = [row.values for row in read_rows(path)]  # type: ignore[union-attr]
        frames = Counter(frame for row in rows if path.stem != UNRESOLVED for frame in row["frames"] or ["none"])
        print(f"{path.name}: {len(rows)} sentences of {len({r['article_id'] for r in rows})} articles, {dict(frames)}")


def join(pool: Path, output: Path) -> None:
    """Write the annotations with their sentences, as JSONL."""
    with output.open("w", encoding="utf-8") as stream:
        for path in ANNOTATIONS:
            if path.stem in APART:
                continue
            for s in load_dataset(path, Columns(labels="frames"), labels=LABELS, texts=pool):
                row = {"id": s.id, "article_id": s.article_id, "split": s.split, "text": s.text, "frames": list(s.labels)}
                stream.write(json.dumps({**row, "primary": s.primary, **s.meta}, ensure_ascii=False) + "\n")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("check")
    joining = verbs.add_parser("join")
    joining.add_argument("pool", type=Path)
    joining.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        check() if arguments.verb == "check" else join(arguments.pool, arguments.output)
    except DataError as error:
        raise SystemExit(f"seeds: {error}") from None


if __name__ == "__main__":
    main()
