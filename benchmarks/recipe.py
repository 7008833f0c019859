"""How long the recipe for new labels takes, and how good it is: ``configs/small.yaml`` on a draw of 200 sentences.

    python benchmarks/recipe.py --data ../shared/data/frac/gold.csv --text sentence --label label

Trains on the draw, evaluates on every other sentence of the file, and repeats with other draws. The bar is three minutes on two cores.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import mean

import yaml

from framelens import Columns, LabelledSentences, evaluate, load_dataset
from framelens.checkpoint import write_text
from framelens.runs import CHECKPOINT, write_lines
from framelens.tables import text_table

RECIPE = Path(__file__).parents[1] / "configs" / "small.yaml"


def draw(data: LabelledSentences, number: int, rare: int, seed: int) -> tuple[LabelledSentences, LabelledSentences]:
    """``number`` sentences to train on and the rest, both without labels that fewer than ``rare`` sentences have."""
    counts = Counter(s.labels[0] for s in data)
    order = [i for i, s in enumerate(data) if counts[s.labels[0]] >= rare]
    random.Random(seed).shuffle(order)
    return data.select(order[:number]), data.select(order[number:])


def main() -> None:
    """Print seconds (the whole command, imports included) and macro-F1 of each draw."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/frac/gold.csv"))
    parser.add_argument("--text", default="sentence")
    parser.add_argument("--label", default="label")
    parser.add_argument("--number", type=int, default=200)
    parser.add_argument("--rare", type=int, default=20, help="labels with fewer sentences are left out")
    parser.add_argument("--draws", type=int, default=3)
    arguments = parser.parse_args()
    data = load_dataset(arguments.data, Columns(text=arguments.text, label=arguments.label))
    rows = []
    for seed in range(arguments.draws):
        train, rest = draw(data, arguments.number, arguments.rare, seed)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            write_lines(folder / "sentences.jsonl", [{"text": s.text, "label": s.labels[0]} for s in train])
            write_lines(folder / "rest.jsonl", [{"text": s.text, "label": s.labels[0]} for s in rest])
            settings = yaml.safe_load(RECIPE.read_text(encoding="utf-8"))
            settings |= {"data": [{**settings["data"][0], "path": "sentences.jsonl"}], "output": "run"}
            write_text(folder / "small.yaml", yaml.safe_dump(settings))
            started = time.monotonic()
            command = [sys.executable, "-m", "framelens.cli", "train", str(folder / "small.yaml"), "--seed", str(seed)]
            subprocess.run(command, check=True, capture_output=True)
            seconds = time.monotonic() - started
            result = evaluate(folder / "run" / CHECKPOINT, folder / "rest.jsonl", Columns(label="label"))
        rows.append([str(seed), str(len(train)), str(len(rest)), f"{seconds:.0f}", f"{100 * result.macro_f1:.1f}"])
        print(f"draw {seed}: {seconds:.0f} s, macro-F1 {100 * result.macro_f1:.1f}", file=sys.stderr)
    rows.append(["mean", "", "", f"{mean(float(r[3]) for r in rows):.0f}", f"{mean(float(r[4]) for r in rows):.1f}"])
    print(text_table(["draw", "trained on", "evaluated on", "seconds", "macro-F1"], rows))


if __name__ == "__main__":
    main()
