"""The harness: labelled sentences in, a run folder with a checkpoint, its metrics and its model card out."""

from __future__ import annotations

import logging
import math
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from framelens.checkpoint import CARD, LABELS, write_json, write_manifest, write_text
from framelens.classifier import Classifier, Scores, probabilities
from framelens.config import TrainingConfig
from framelens.data import LabelledSentences, count_labels, load_dataset, split_by_article
from framelens.errors import DataError, MissingExtraError
from framelens.runs import (
    CHECKPOINT,
    ENVIRONMENT,
    HISTORY,
    LOG,
    METRICS,
    PREDICTIONS,
    STATES,
    describe_environment,
    logging_to,
    prepare_folder,
    write_lines,
)
from framelens.schema import LabelSet

try:
    import torch
    from transformers import DataCollatorWithPadding, EarlyStoppingCallback, PrinterCallback, TrainingArguments, set_seed
    from transformers.utils import logging as transformers_logging

    from framelens.calibration import best_threshold, calibrate
    from framelens.evaluation import Evaluation, score_predictions
    from framelens.export import export_checkpoint
    from framelens.metrics import frame_metric
    from framelens.modelcard import model_card
    from framelens.modeling import FrameModel, load_base
    from framelens.trainer import EpochLog, FrameTrainer, last_complete_checkpoint
except ImportError as error:
    if isinstance(error, MissingExtraError):
        raise
    raise MissingExtraError.for_extra("training", "train") from error

log = logging.getLogger("framelens.training")


@dataclass(frozen=True)
class TrainingRun:
    """A finished run.

    Attributes:
        folder: the run folder (configuration, environment, log, history, predictions, metrics, checkpoint).
        checkpoint: the folder to hand to :meth:`framelens.Classifier.load`.
        metrics: :class:`Evaluation` of the int8 checkpoint by split.
        seconds: wall time.
    """

    folder: Path
    checkpoint: Path
    metrics: Mapping[str, Evaluation]
    seconds: float


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
    folder = prepare_folder(config, resume, overwrite)
    with logging_to(folder / LOG):
        try:
            return _run(config, folder, command, resume, progress, started)
        except BaseException:
            log.exception("the run stopped")
            raise


def load_training_data(config: TrainingConfig) -> LabelledSentences:
    """All files of a configuration as one data set, every label checked against the configured ones."""
    names = list(config.labels) if config.labels is not None else None
    parts = [load_dataset(d.path, d, labels=names, texts=d.texts, encoding=d.encoding) for d in config.data]
    data = parts[0]
    for part in parts[1:]:
        data = data + part
    labels = tuple(names) if names is not None else tuple(sorted(data.labels))
    return replace(data, labels=labels)


def _run(config: TrainingConfig, folder: Path, command: str, resume: bool, progress: bool, started: float) -> TrainingRun:
    options = config.optimisation
    if options.threads:
        torch.set_num_threads(options.threads)
    _set_seeds(options.seed)
    environment = describe_environment()
    write_json(folder / ENVIRONMENT, environment)
    data = load_training_data(config)
    splits = split_by_article(
        data, dev=config.split.dev, test=config.split.test, seed=config.split.seed, use_column=config.split.use_column
    )
    labels = LabelSet(
        data.labels,
        data.multi_label,
        none_label=config.none_label,
        descriptions=config.labels if isinstance(config.labels, dict) else {},
    )
    counts = _check_splits(splits, labels)
    for split, counted in counts.items():
        log.info("%s: %s", split, counted)

    (transformers_logging.enable_progress_bar if progress else transformers_logging.disable_progress_bar)()
    encoder, tokenizer = load_base(config.model.base)
    model = FrameModel(
        encoder,
        len(labels.labels),
        multi_label=labels.multi_label,
        dropout=config.model.dropout,
        class_weights=_class_weights(splits["train"], labels) if options.class_weights == "balanced" else None,
        label_smoothing=options.label_smoothing,
    )
    trainer = _trainer(config, folder, model, tokenizer, splits, labels, progress)
    trainer.train(resume_from_checkpoint=last_complete_checkpoint(folder / STATES) if resume else None)
    write_json(folder / HISTORY, trainer.state.log_history)

    fields = {
        "name": config.name,
        "framelens_version": environment["framelens"],
        "base_model": config.model.base,
        "max_length": _window(tokenizer, encoder, config.model.max_length),
        "created": time.strftime("%Y-%m-%d"),
    }
    checkpoint = folder / CHECKPOINT
    export_checkpoint(checkpoint, model, tokenizer, labels, fields)
    held_out = {name: part for name, part in splits.items() if name != "train" and len(part)}
    shipped = Classifier.load(checkpoint)
    # Calibration and thresholds are those of the int8 model, whose logits differ a little from the float model's.
    int8 = _assess({name: shipped.logits(part.texts) for name, part in held_out.items()}, held_out, labels, shipped.name)
    exact = _assess(
        {name: _predict(trainer, part, tokenizer, config) for name, part in held_out.items()}, held_out, labels, "float"
    )
    write_json(checkpoint / LABELS, int8.labels.to_dict())
    write_lines(
        folder / PREDICTIONS,
        [row for name, part in held_out.items() for row in _prediction_rows(name, part, int8.scores[name], int8.labels)],
    )

    seconds = time.monotonic() - started
    summary = {
        name: {"macro_f1": e.macro_f1, "primary_macro_f1": e.primary["macro_f1"]} for name, e in int8.evaluations.items()
    }
    card = model_card(
        config.name,
        command,
        int8.labels,
        int8.evaluations,
        exact.evaluations,
        counts,
        [_short(d.path) for d in config.data],
        {**asdict(config.model), **asdict(options)},
        environment,
        seconds,
    )
    write_text(checkpoint / CARD, card)
    write_manifest(checkpoint, {**fields, "metrics": summary})
    results = {kind: {name: e.to_dict() for name, e in a.evaluations.items()} for kind, a in (("int8", int8), ("float", exact))}
    write_json(folder / METRICS, {"seconds": seconds, **results})
    shutil.rmtree(folder / STATES, ignore_errors=True)
    log.info("done in %.0f s: %s", seconds, summary)
    return TrainingRun(folder, checkpoint, int8.evaluations, seconds)


@dataclass(frozen=True)
class _Assessment:
    """A model calibrated on dev, its probabilities and its evaluation by split."""

    labels: LabelSet
    scores: Mapping[str, Scores]
    evaluations: Mapping[str, Evaluation]


def _assess(logits: Mapping[str, Any], data: Mapping[str, LabelledSentences], labels: LabelSet, name: str) -> _Assessment:
    labels = calibrate(logits["dev"], np.array(data["dev"].matrix(labels.labels)), labels)
    scores = {split: probabilities(logits[split], labels) for split in data}
    return _Assessment(labels, scores, {split: score_predictions(scores[split], data[split], labels, name) for split in data})


def _trainer(
    config: TrainingConfig,
    folder: Path,
    model: FrameModel,
    tokenizer: Any,
    splits: Mapping[str, LabelledSentences],
    labels: LabelSet,
    progress: bool,
) -> FrameTrainer:
    options = config.optimisation
    features = {name: _features(splits[name], tokenizer, config, labels) for name in ("train", "dev")}
    cut = sum(len(row["input_ids"]) == config.model.max_length for row in features["train"])
    if cut:
        log.warning("%d training sentences are cut to %d tokens", cut, config.model.max_length)

    def compute_metrics(prediction: Any) -> dict[str, float]:
        return {"macro_f1": dev_macro_f1(prediction.predictions, prediction.label_ids, labels)}

    trainer = FrameTrainer(
        head_learning_rate=options.head_learning_rate,
        model=model,
        args=TrainingArguments(
            output_dir=str(folder / STATES),
            num_train_epochs=options.epochs,
            per_device_train_batch_size=options.batch_size,
            per_device_eval_batch_size=64,
            learning_rate=options.learning_rate,
            weight_decay=options.weight_decay,
            warmup_steps=math.ceil(options.warmup * options.epochs * math.ceil(len(features["train"]) / options.batch_size)),
            eval_strategy="epoch",
            save_strategy="epoch",
            logging_strategy="epoch",
            save_total_limit=2,
            load_best_model_at_end=True,
            restore_callback_states_from_checkpoint=True,  # so that a resumed run keeps counting its patience
            metric_for_best_model="macro_f1",
            greater_is_better=True,
            train_sampling_strategy="group_by_length",
            bf16=options.precision == "bf16",
            use_cpu=not torch.cuda.is_available(),
            seed=options.seed,
            data_seed=options.seed,
            label_names=["labels"],
            remove_unused_columns=False,
            dataloader_pin_memory=torch.cuda.is_available(),
            disable_tqdm=not progress,
            report_to="none",
        ),
        train_dataset=features["train"],
        eval_dataset=features["dev"],
        processing_class=tokenizer,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=compute_metrics,
        callbacks=[EpochLog(), EarlyStoppingCallback(early_stopping_patience=options.patience)],
    )
    if not progress:
        trainer.remove_callback(PrinterCallback)
    return trainer


def dev_macro_f1(logits: Any, truth: Any, labels: LabelSet) -> float:
    """Macro-F1 as it will be used: with each label's best threshold (multi-label), or of the highest label."""
    guess = np.zeros_like(truth, dtype=int)
    if labels.multi_label:
        scores = probabilities(logits, replace(labels, thresholds={}, calibration={}))
        for column in range(truth.shape[1]):
            guess[:, column] = scores[:, column] >= best_threshold(scores[:, column], truth[:, column])
    else:
        guess[np.arange(len(guess)), np.argmax(logits, axis=1)] = 1
    result: float = frame_metric(labels.labels).compute(predictions=guess, references=truth.astype(int))["macro_f1"]
    return result


def _features(data: LabelledSentences, tokenizer: Any, config: TrainingConfig, labels: LabelSet) -> list[dict[str, Any]]:
    encoded = tokenizer(data.texts, truncation=True, max_length=config.model.max_length)["input_ids"]
    return [
        {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": [float(x) for x in row]}
        for ids, row in zip(encoded, data.matrix(labels.labels), strict=True)
    ]


def _predict(trainer: FrameTrainer, data: LabelledSentences, tokenizer: Any, config: TrainingConfig) -> np.ndarray[Any, Any]:
    labels = LabelSet(data.labels, data.multi_label)
    return np.asarray(trainer.predict(_features(data, tokenizer, config, labels)).predictions)


def _class_weights(data: LabelledSentences, labels: LabelSet) -> torch.Tensor:
    """The square root of the imbalance: the full one trades too much precision for recall."""
    positives = np.array(data.matrix(labels.labels)).sum(axis=0)
    if labels.multi_label:
        return torch.tensor(np.sqrt((len(data) - positives) / positives), dtype=torch.float32)
    return torch.tensor(np.sqrt(len(data) / (len(positives) * positives)), dtype=torch.float32)


def _check_splits(splits: Mapping[str, LabelledSentences], labels: LabelSet) -> dict[str, dict[str, int]]:
    counts = {
        name: {"sentences": len(part), "articles": len(set(part.articles)), **count_labels(replace(part, labels=labels.labels))}
        for name, part in splits.items()
    }
    for name in ("train", "dev"):
        if not counts[name]["sentences"]:
            raise DataError(f"the {name} split is empty")
    for label in labels.labels:
        if not counts["train"][label] or counts["train"][label] == len(splits["train"]):
            raise DataError(
                f"label {label!r} is on {counts['train'][label]} of {len(splits['train'])} training sentences; "
                "a model needs some with it and some without"
            )
    return counts


def _prediction_rows(
    split: str, data: LabelledSentences, scores: np.ndarray[Any, Any], labels: LabelSet
) -> list[dict[str, Any]]:
    return [
        {
            "split": split,
            "id": s.id,
            "article_id": s.article_id,
            "where": s.where,
            "labels": list(s.labels),
            "predicted": list(labels.select(row)),
            "scores": {name: round(score, 4) for name, score in zip(labels.labels, row, strict=True)},
        }
        for s, row in zip(data, scores.tolist(), strict=True)
    ]


def _window(tokenizer: Any, encoder: Any, trained: int) -> int:
    """Tokens per window at inference: twice what training saw, within what the encoder can take."""
    positions = getattr(encoder.config, "max_position_embeddings", 2 * trained)
    return int(min(2 * trained, positions, max(tokenizer.model_max_length, 8)))


def _set_seeds(seed: int) -> None:
    set_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)


def _short(path: Path) -> str:
    return "/".join(path.parts[-3:])
