"""What stands at the end of every run: a trained model exported, calibrated and evaluated on the held-out splits, and its model card."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framelens.checkpoint import CARD, LABELS, open_checkpoint, write_json, write_manifest, write_text
from framelens.config import TrainingConfig
from framelens.data import LabelledSentences
from framelens.engine import Engine, Reading
from framelens.errors import MissingExtraError
from framelens.runs import CHECKPOINT, METRICS, PREDICTIONS, describe_environment, write_lines
from framelens.schema import LabelSet

try:
    from framelens.assessment import Assessment, assess
    from framelens.calibration import temperature
    from framelens.evaluation import Evaluation
    from framelens.export import export_checkpoint
    from framelens.modelcard import model_card
    from framelens.modeling import FrameModel
    from framelens.reading import read
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
        metrics: :class:`Evaluation` of the int8 checkpoint's frames by split; empty without a frames head.
        tasks: by split, the metrics of ``source`` (:func:`framelens.tasks.span_f1`) and ``stance`` where they were learnt.
        seconds: wall time.

    Where several processes train together (``accelerate launch``), the first one writes the folder and has all of this; the
    others return without metrics as soon as the training itself is done.
    """

    folder: Path
    checkpoint: Path
    metrics: Mapping[str, Evaluation]
    tasks: Mapping[str, Mapping[str, Mapping[str, float]]]
    seconds: float


@dataclass(frozen=True)
class Trained:
    """A trained model that is no checkpoint yet."""

    model: FrameModel
    tokenizer: Any
    labels: LabelSet


def finish(
    config: TrainingConfig,
    folder: Path,
    command: str,
    trained: Trained,
    splits: Mapping[str, LabelledSentences],
    counts: Mapping[str, Mapping[str, int]],
    started: float,
) -> TrainingRun:
    """Export a model to ``folder``, calibrate it on dev, and write what it does on the held-out splits.

    Args:
        config: of the run.
        folder: of the run.
        command: that makes the checkpoint again, for its card.
        trained: the model; its stance head is calibrated in place.
        splits: held out is every split but train.
        counts: by split, for the card.
        started: when the run began, on the monotonic clock.
    """
    model, tokenizer, labels = trained.model, trained.tokenizer, trained.labels
    environment = describe_environment()
    held_out = {name: part for name, part in splits.items() if name != "train" and len(part)}

    def exact(split: str) -> Reading:
        bf16 = config.optimisation.precision == "bf16"
        return read(model, tokenizer, held_out[split], config.model.max_length, bf16=bf16)

    fields = {
        "name": config.name,
        "framelens_version": environment["framelens"],
        "base_model": config.model.base,
        "tasks": list(config.tasks),
        "max_length": _window(tokenizer, model.encoder, config.model.max_length),
        "created": time.strftime("%Y-%m-%d"),
    }
    checkpoint = folder / CHECKPOINT
    if model.stance is not None:
        model.stance.calibrate(_stance_temperature(exact("dev"), held_out["dev"]))
    export_checkpoint(checkpoint, model, tokenizer, labels, fields)
    # Calibration and thresholds are those of the int8 model, whose logits differ a little from the float model's.
    shipped = open_checkpoint(checkpoint)
    engine = Engine(shipped)
    targets = {name: [[(x.start, x.end) for x in s.stances or ()] for s in part] for name, part in held_out.items()}
    int8 = assess({n: engine.read(p.texts, targets[n]) for n, p in held_out.items()}, held_out, labels, shipped.name)
    in_float = assess({name: exact(name) for name in held_out}, held_out, labels, "float")
    write_json(checkpoint / LABELS, int8.labels.to_dict())
    write_lines(folder / PREDICTIONS, [row for name, part in held_out.items() for row in _prediction_rows(name, part, int8)])

    seconds = time.monotonic() - started
    summary = {name: int8.summary(name) for name in held_out}
    card = model_card(
        config.name,
        command,
        int8,
        in_float,
        counts,
        [_short(d.path) for d in config.data],
        {**asdict(config.model), **asdict(config.optimisation)},
        environment,
        seconds,
    )
    write_text(checkpoint / CARD, card)
    write_manifest(checkpoint, {**fields, "metrics": summary})
    write_json(folder / METRICS, {"seconds": seconds, "int8": int8.to_dict(), "float": in_float.to_dict()})
    log.info("done in %.0f s: %s", seconds, summary)
    return TrainingRun(folder, checkpoint, int8.evaluations, int8.tasks, seconds)


def _stance_temperature(reading: Reading, data: LabelledSentences) -> float:
    """By which stance logits are divided so that probabilities mean what they say (Guo et al. 2017)."""
    truth = [stance.distribution for s in data for stance in s.stances or ()]
    if reading.stances is None or not truth:
        return 1.0
    return temperature(np.log(np.concatenate(reading.stances).clip(1e-9)), np.array(truth))


def _prediction_rows(split: str, data: LabelledSentences, found: Assessment) -> list[dict[str, Any]]:
    """What the model says of held-out sentences, without their texts."""
    reading, rows = found.readings[split], []
    scores = iter(found.scores.get(split, np.zeros((0, 0))).tolist())
    for index, s in enumerate(data):
        row: dict[str, Any] = {"split": split, "id": s.id, "article_id": s.article_id, "where": s.where}
        if s.framed and split in found.scores:
            values = next(scores)
            row |= {
                "labels": list(s.labels),
                "predicted": list(found.labels.select(values)),
                "scores": {name: round(score, 4) for name, score in zip(found.labels.labels, values, strict=True)},
            }
        if s.source is not None and reading.sources is not None:
            row |= {"source": s.source, "predicted_source": [(a, b, round(p, 4)) for a, b, p in reading.sources[index]]}
        if s.stances and reading.stances is not None:
            row["stances"] = [
                {"target": (x.start, x.end), "label": x.label, "scores": [round(float(p), 4) for p in scored]}
                for x, scored in zip(s.stances, reading.stances[index], strict=True)
            ]
        rows.append(row)
    return rows


def _window(tokenizer: Any, encoder: Any, trained: int) -> int:
    """Tokens per window at inference: twice what training saw, within what the encoder can take."""
    positions = getattr(encoder.config, "max_position_embeddings", 2 * trained)
    return int(min(2 * trained, positions, max(tokenizer.model_max_length, 8)))


def _short(path: Path) -> str:
    return "/".join(path.parts[-3:])
