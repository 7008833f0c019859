"""The harness: labelled sentences in, a run folder with a checkpoint, its metrics and its model card out."""

from __future__ import annotations

import hashlib
import logging
import random
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from framelens.augmentation import swap_states
from framelens.checkpoint import write_json
from framelens.config import DataConfig, OptimisationConfig, TrainingConfig
from framelens.data import LabelledSentences, count_labels, load_dataset, split_by_article
from framelens.engine import Reading
from framelens.errors import DataError, MissingExtraError
from framelens.runs import (
    CHECKPOINT,
    ENVIRONMENT,
    HISTORY,
    LOG,
    STATES,
    describe_environment,
    logging_to,
    prepare_folder,
    processes,
)
from framelens.schema import LabelSet

try:
    import torch
    from transformers import set_seed
    from transformers.utils import logging as transformers_logging

    from framelens.assessment import dev_macro_f1
    from framelens.features import features
    from framelens.finishing import Trained, TrainingRun, finish
    from framelens.modeling import FrameModel, load_base, take_heads, using_threads
    from framelens.pruning import prune
    from framelens.reading import read
    from framelens.tasks import source_metrics, stance_metrics
    from framelens.trainer import build_trainer, last_complete_checkpoint
except ImportError as error:
    if isinstance(error, MissingExtraError):
        raise
    raise MissingExtraError.for_extra("training", "train") from error

log = logging.getLogger("framelens.training")


def train(
    config: TrainingConfig | str | Path | Mapping[str, Any],
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = True,
) -> TrainingRun:
    """Train, calibrate, export and evaluate.

    Args:
        config: a configuration, a YAML file, or a dictionary of its keys.
        resume: go on with a run that was cut short (same configuration).
        overwrite: replace a run that is in the output folder.
        progress: show a progress bar.

    Raises:
        ConfigError: a wrong configuration, or a run folder that is in use.
        DataError: unusable data.
    """
    started = time.monotonic()
    command = f"framelens train {config}" if isinstance(config, (str, Path)) else "framelens.train(...)"
    if isinstance(config, Mapping):
        config = TrainingConfig.from_dict(config)
    elif not isinstance(config, TrainingConfig):
        config = TrainingConfig.from_yaml(config)
    if processes()[0] > 0:  # the first process writes the folder
        return _run(config, config.output, command, resume, False, started)
    folder = prepare_folder(config, resume, overwrite)
    with logging_to(folder / LOG):
        try:
            with using_threads(config.optimisation.threads):
                return _run(config, folder, command, resume, progress, started)
        except BaseException:
            log.exception("the run stopped")
            raise


def load_training_data(config: TrainingConfig) -> LabelledSentences:
    """All files of a configuration as one data set, every label checked against the configured ones."""
    names = list(config.labels) if config.labels is not None else None
    parts = [load_dataset(d.path, d, labels=names, texts=d.texts, encoding=d.encoding) for d in config.data]
    data = _assigned(parts[0], config.data[0])
    for part, file in zip(parts[1:], config.data[1:], strict=True):
        data = data + _assigned(part, file)
    labels = tuple(names) if names is not None else tuple(sorted(data.labels))
    return replace(data, labels=labels)


def _assigned(data: LabelledSentences, file: DataConfig) -> LabelledSentences:
    """The rows of a file that its configuration takes, with the split that it gives them."""
    if file.share < 1:
        data = data.select(i for i, article in enumerate(data.articles) if _drawn(f"share {article}") < file.share)
        if not len(data):
            raise DataError(f"{file.path}: no article is left of a share of {file.share}")
    if file.as_split is None:
        return data

    def split(article: str) -> str | None:
        return "dev" if _drawn(article) < file.hold_out else file.as_split

    assigned = tuple(replace(s, split=split(article)) for s, article in zip(data, data.articles, strict=True))
    return replace(data, sentences=assigned)


def _drawn(text: str) -> float:
    """A number from 0 to below 1, the same for the same text on every machine."""
    return int(hashlib.sha1(text.encode()).hexdigest()[:8], 16) / 16**8


def prepare_splits(config: TrainingConfig) -> tuple[dict[str, LabelledSentences], LabelSet]:
    """The data of a configuration parted into train, dev and test, each with what its tasks can learn from, and the labels."""
    data = load_training_data(config)
    splits = split_by_article(
        data, dev=config.split.dev, test=config.split.test, seed=config.split.seed, use_column=config.split.use_column
    )
    splits = {
        name: part.select(i for i, s in enumerate(part) if set(s.tasks) & set(config.tasks)) for name, part in splits.items()
    }
    if len(config.data) > 1:  # within one file a repeated sentence counts as often as it stands there
        splits["train"] = splits["train"].joined()
    labels = LabelSet(
        data.labels if "frames" in config.tasks else (),
        data.multi_label,
        none_label=config.none_label,
        descriptions=config.labels if isinstance(config.labels, dict) and "frames" in config.tasks else {},
    )
    return splits, labels


def _with_swaps(data: LabelledSentences, options: OptimisationConfig) -> LabelledSentences:
    """The sentences, and copies of some with other states, which are labelled for frames alone."""
    draw = random.Random(options.seed)
    copies = [
        replace(sentence, text=text, id=None, source=None, stances=None)
        for sentence in data
        if sentence.framed and draw.random() < options.swap_states and (text := swap_states(sentence.text, draw))
    ]
    return replace(data, sentences=(*data.sentences, *copies))


def _run(config: TrainingConfig, folder: Path, command: str, resume: bool, progress: bool, started: float) -> TrainingRun:
    options = config.optimisation
    _set_seeds(options.seed)
    first = processes()[0] == 0
    if first:
        write_json(folder / ENVIRONMENT, describe_environment())
    splits, labels = prepare_splits(config)
    splits["train"] = _with_swaps(splits["train"], options)
    counts = check_splits(splits, labels)
    for split, counted in counts.items():
        log.info("%s: %s", split, counted)

    (transformers_logging.enable_progress_bar if progress else transformers_logging.disable_progress_bar)()
    encoder, tokenizer = load_base(config.model.base, config.model.seen)
    encoder = prune(encoder, config.model.layers, config.model.neurons)
    balanced = options.class_weights == "balanced" and "frames" in config.tasks
    model = FrameModel(
        encoder,
        len(labels.labels),
        tasks=config.tasks,
        multi_label=labels.multi_label,
        dropout=config.model.dropout,
        class_weights=_class_weights(splits["train"].having("frames"), labels) if balanced else None,
        label_smoothing=options.label_smoothing,
        task_weights=options.task_weights,
    )

    if config.model.keep_heads:
        take_heads(model, config.model.base, labels.labels)

    def on_dev() -> Reading:
        return read(model, tokenizer, splits["dev"], config.model.max_length, bf16=options.precision == "bf16")

    train_features = features(splits["train"], tokenizer, labels.labels, config.model.max_length)
    cut = sum(len(row["input_ids"]) == config.model.max_length for row in train_features)
    if cut:
        log.warning("%d training sentences are cut to %d tokens", cut, config.model.max_length)
    trainer = build_trainer(
        options,
        folder / STATES,
        model,
        tokenizer,
        train_features,
        lambda: _progress(on_dev(), splits["dev"], labels),
        progress,
    )
    trainer.train(resume_from_checkpoint=last_complete_checkpoint(folder / STATES) if resume else None)
    if not first:
        return TrainingRun(folder, folder / CHECKPOINT, {}, {}, time.monotonic() - started)
    trainer.accelerator.unwrap_model(model, keep_fp32_wrapper=False)  # what is assessed and exported is float32
    write_json(folder / HISTORY, trainer.state.log_history)
    run = finish(config, folder, command, Trained(model, tokenizer, labels), splits, counts, started)
    shutil.rmtree(folder / STATES, ignore_errors=True)
    return run


def _progress(reading: Reading, data: LabelledSentences, labels: LabelSet) -> dict[str, float]:
    """Dev metrics after an epoch, and ``score``, the mean over tasks by which the best epoch is chosen."""
    metrics = {}
    if reading.logits is not None:
        framed = [i for i, s in enumerate(data) if s.framed]
        metrics["macro_f1"] = dev_macro_f1(reading.logits[framed], np.array(data.select(framed).matrix(labels.labels)), labels)
    if source := source_metrics(reading, data):
        metrics["source_f1"] = (source["exact"] + source["overlap"]) / 2
    if stance := stance_metrics(reading, data):
        metrics["stance_f1"] = stance["macro_f1"]
    return {**metrics, "score": float(np.mean(list(metrics.values())))}


def _class_weights(data: LabelledSentences, labels: LabelSet) -> torch.Tensor:
    """The square root of the imbalance: the full one trades too much precision for recall."""
    positives = np.array(data.matrix(labels.labels)).sum(axis=0)
    if labels.multi_label:
        return torch.tensor(np.sqrt((len(data) - positives) / positives), dtype=torch.float32)
    return torch.tensor(np.sqrt(len(data) / (len(positives) * positives)), dtype=torch.float32)


def check_splits(splits: Mapping[str, LabelledSentences], labels: LabelSet) -> dict[str, dict[str, int]]:
    """What the splits hold, for the log and the card.

    Raises:
        DataError: nothing in train or dev, or a label that all or none of the training sentences have.
    """
    counts = {
        name: {
            "sentences": len(part),
            "articles": len(set(part.articles)),
            **(count_labels(replace(part, labels=labels.labels)) if labels.labels else {}),
            **({"with source": len(part.having("source"))} if any(s.source is not None for s in part) else {}),
            **({"targets": sum(len(s.stances or ()) for s in part)} if any(s.stances for s in part) else {}),
        }
        for name, part in splits.items()
    }
    for name in ("train", "dev"):
        if not counts[name]["sentences"]:
            raise DataError(f"the {name} split is empty")
    for label in labels.labels:
        if not counts["train"][label] or counts["train"][label] == len(splits["train"].having("frames")):
            raise DataError(
                f"label {label!r} is on {counts['train'][label]} of {len(splits['train'])} training sentences; "
                "a model needs some with it and some without"
            )
    return counts


def _set_seeds(seed: int) -> None:
    set_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
