"""Cross-validation by whole articles, on top of :func:`framelens.train`.

Each fold is an ordinary training run. What makes it a fold are copies of the data files in the run folder whose ``split`` column says
train, dev or test; stand-off files stay stand-off, and the copies are removed when the run is done.
"""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framelens.checkpoint import write_json
from framelens.config import TrainingConfig
from framelens.data import LabelledSentences
from framelens.errors import ConfigError, DataError, MissingExtraError
from framelens.readers import Row, read_rows
from framelens.runs import METRICS, write_lines
from framelens.schema import NO_FRAME
from framelens.tables import text_table

try:
    from sklearn.model_selection import StratifiedGroupKFold
except ImportError as error:
    raise MissingExtraError.for_extra("cross-validation", "train") from error

log = logging.getLogger("framelens.crossvalidation")
_DATA = "data"
_SUMMARY = "cross_validation.json"
Parts = Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class CrossValidation:
    """The estimates of the outer folds.

    Attributes:
        folds: per fold, ``sentences`` and ``articles`` held out, ``macro_f1``, ``micro_f1`` and ``f1`` per label on them, and, if
            there was a search inside, its best ``parameters``.
        folder: where the runs are.
    """

    folds: tuple[Mapping[str, Any], ...]
    folder: Path

    def mean(self, name: str = "macro_f1") -> float:
        """Mean over folds."""
        return float(np.mean([fold[name] for fold in self.folds]))

    def deviation(self, name: str = "macro_f1") -> float:
        """Standard deviation over folds. Folds share training articles, so this is no standard error of the mean."""
        return float(np.std([fold[name] for fold in self.folds], ddof=1)) if len(self.folds) > 1 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``json`` can write."""
        names = ("macro_f1", "micro_f1")
        summary = {name: {"mean": self.mean(name), "standard_deviation": self.deviation(name)} for name in names}
        return {"folder": str(self.folder), **summary, "folds": [dict(fold) for fold in self.folds]}

    def to_text(self) -> str:
        """A table for a terminal, in per cent."""
        labels = list(self.folds[0]["f1"])
        rows = [
            [str(i), str(f["articles"]), str(f["sentences"]), *(f"{100 * f[x]:.1f}" for x in ("macro_f1", "micro_f1"))]
            + [f"{100 * f['f1'][label]:.1f}" for label in labels]
            for i, f in enumerate(self.folds, start=1)
        ]
        table = text_table(["fold", "articles", "sentences", "macro-F1", "micro-F1", *labels], rows)
        means = [
            f"{n.replace('_f1', '-F1')} {100 * self.mean(n):.1f} ± {100 * self.deviation(n):.1f}"
            for n in ("macro_f1", "micro_f1")
        ]
        lines = [table, "", "   ".join(means) + "   (mean and standard deviation over folds)"]
        lines += [
            f"fold {i}: {json.dumps(fold['parameters'])}" for i, fold in enumerate(self.folds, start=1) if "parameters" in fold
        ]
        return "\n".join(lines)


def cross_validate(
    config: TrainingConfig | str | Path | Mapping[str, Any],
    *,
    folds: int = 5,
    seed: int = 13,
    resume: bool = False,
    progress: bool = True,
) -> CrossValidation:
    """Train and evaluate once per fold; every article is held out exactly once, and never split.

    Of the articles that a fold does not hold out, ``config.split.dev`` go to dev (early stopping, calibration, thresholds).
    Files with ``as_split`` are never held out, but lose the articles that are.

    Args:
        config: a configuration, a YAML file, or a dictionary of its keys; ``output`` holds a run folder per fold.
        folds: two or more.
        seed: of the folds and of the draw of dev.
        resume: keep the folds that are finished (same configuration, folds and seed).
        progress: show a progress bar.

    Raises:
        ConfigError: a wrong configuration, or an output folder in use.
        DataError: unusable data, or fewer articles than folds.
    """
    config = load_config(config)
    claim_folder(config.output, {"training": config.to_dict(), "folds": folds, "seed": seed}, resume)
    data = load(config)
    fixed = fixed_rows(config, data)
    results = []
    for number, (inside, held_out) in enumerate(group_folds(data, folds, seed, fixed=fixed), start=1):
        parts = {**draw_dev(data, inside, config.split.dev, seed, fixed), "test": held_out}
        results.append(run_fold(config, data, parts, config.output / f"fold-{number}", progress))
        log.info("fold %d of %d: macro-F1 %.3f", number, folds, results[-1]["macro_f1"])
    return finished(results, config.output)


def finished(results: Iterable[Mapping[str, Any]], folder: Path) -> CrossValidation:
    """The results of all folds, written to the folder."""
    found = CrossValidation(tuple(results), folder)
    write_json(folder / _SUMMARY, found.to_dict())
    return found


def load_config(config: TrainingConfig | str | Path | Mapping[str, Any]) -> TrainingConfig:
    """A configuration, read if need be, that learns frames."""
    if isinstance(config, Mapping):
        config = TrainingConfig.from_dict(config)
    elif not isinstance(config, TrainingConfig):
        config = TrainingConfig.from_yaml(config)
    if "frames" not in config.tasks:
        raise ConfigError(f"folds are judged by macro-F1 of the frames, but the tasks are {', '.join(config.tasks)}")
    return config


def load(config: TrainingConfig) -> LabelledSentences:
    """The data of a configuration, all of its files."""
    from framelens.training import load_training_data

    return load_training_data(config)


def claim_folder(folder: Path, described: Mapping[str, Any], resume: bool) -> None:
    """Make the output folder, or accept the one of an experiment that is to be resumed.

    Raises:
        ConfigError: an experiment is there and nobody asked to resume it, or it is another one.
    """
    file = folder / "experiment.json"
    plain = json.loads(json.dumps(described, default=str))
    if file.is_file():
        if not resume:
            raise ConfigError(f"{folder} already holds an experiment; resume it or name another output")
        if json.loads(file.read_text(encoding="utf-8")) != plain:
            raise ConfigError(f"the experiment in {folder} has another configuration ({file}), so this one cannot resume it")
    elif folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty; name another output")
    write_json(file, plain)


def fixed_rows(config: TrainingConfig, data: LabelledSentences) -> frozenset[int]:
    """Rows of files that are wholly one split (``as_split``): never held out."""
    fixed = [str(d.path) for d in config.data if d.as_split is not None]
    return frozenset(i for i, s in enumerate(data) if s.where.rpartition(":")[0] in fixed)


def group_folds(
    data: LabelledSentences, folds: int, seed: int, rows: Sequence[int] | None = None, fixed: frozenset[int] = frozenset()
) -> list[tuple[list[int], list[int]]]:
    """Part rows into folds that keep every article whole, stratified by primary label.

    Args:
        data: the sentences.
        folds: two or more.
        seed: of the draw.
        rows: those to part; None takes all.
        fixed: rows that are never held out.

    Returns:
        For each fold, the rows inside and the rows held out; a fixed row whose article is held out is in neither.

    Raises:
        ConfigError: fewer than two folds.
        DataError: fewer articles than folds.
    """
    if folds < 2:
        raise ConfigError(f"folds must be 2 or more; received {folds}")
    rows = list(range(len(data))) if rows is None else list(rows)
    free = [i for i in rows if i not in fixed]
    articles = data.articles
    if len({articles[i] for i in free}) < folds:
        raise DataError(f"{len({articles[i] for i in free})} articles are too few for {folds} folds")
    strata = [data.sentences[i].primary or NO_FRAME for i in free]
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():  # a label with fewer sentences than folds is no reason to stop
        warnings.simplefilter("ignore", UserWarning)
        drawn = list(splitter.split(free, strata, [articles[i] for i in free]))
    parted = []
    for _, positions in drawn:
        held_out = [free[i] for i in positions]
        away = {articles[i] for i in held_out}
        parted.append(([i for i in rows if articles[i] not in away], held_out))
    return parted


def draw_dev(
    data: LabelledSentences, rows: Sequence[int], share: float, seed: int, fixed: frozenset[int] = frozenset()
) -> dict[str, list[int]]:
    """Part rows into train and dev by whole articles; about ``share`` of them go to dev."""
    train, dev = group_folds(data, max(2, round(1 / share)), seed, rows, fixed)[0]
    return {"train": train, "dev": dev}


def run_fold(config: TrainingConfig, data: LabelledSentences, parts: Parts, folder: Path, progress: bool) -> dict[str, Any]:
    """Train on ``parts["train"]`` and ``["dev"]`` and evaluate on ``["test"]``; a finished run is read, not repeated.

    Returns:
        ``sentences``, ``articles``, ``macro_f1``, ``micro_f1`` and ``f1`` per label, of the int8 checkpoint on test.
    """
    articles = data.articles
    if not (folder / METRICS).is_file():
        train_parts(config, data, parts, folder, progress)
    found = json.loads((folder / METRICS).read_text(encoding="utf-8"))["int8"]["test"]
    return {
        "sentences": len(parts["test"]),
        "articles": len({articles[i] for i in parts["test"]}),
        "macro_f1": found["macro_f1"],
        "micro_f1": found["micro_f1"],
        "f1": {label: values["f1"] for label, values in found["per_label"].items()},
    }


def train_parts(config: TrainingConfig, data: LabelledSentences, parts: Parts, folder: Path, progress: bool) -> Any:
    """:func:`framelens.train` on given rows: those in none of ``parts`` are not even in the run's data files."""
    from framelens.training import train

    copies = folder.with_name(f".{folder.name}-{_DATA}")
    try:
        return train(assigned(config, data, parts, folder, copies), overwrite=True, progress=progress)
    finally:
        shutil.rmtree(copies, ignore_errors=True)


def assigned(config: TrainingConfig, data: LabelledSentences, parts: Parts, folder: Path, copies: Path) -> TrainingConfig:
    """The configuration of a run on given rows, and copies of the data files that hold them with their split."""
    split_of = {data.sentences[i].where: name for name, rows in parts.items() for i in rows}
    settings = config.to_dict()
    shutil.rmtree(copies, ignore_errors=True)
    kept = []
    for number, (entry, file) in enumerate(zip(settings["data"], config.data, strict=True)):
        rows = [
            {**row.values, file.split: split_of[row.where]}
            for row in read_rows(file.path, file.encoding)
            if isinstance(row, Row) and row.where in split_of
        ]
        if not rows:
            continue
        copy = copies / f"{number}-{file.path.stem}.jsonl"
        write_lines(copy, [json.loads(json.dumps(row, default=str)) for row in rows])
        kept.append({**entry, "path": str(copy), "as_split": None, "hold_out": 0.0})
    labels = settings["labels"] or list(data.labels)  # a rare label may be missing from a fold
    split = {**settings["split"], "use_column": True}
    return TrainingConfig.from_dict({**settings, "data": kept, "labels": labels, "split": split, "output": str(folder)})
