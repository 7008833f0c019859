"""The fast tier: a checkpoint of static vectors, learnt from a teacher's probabilities. ``framelens distil CONFIG`` runs it.

What it learns from are the files of its configuration: labelled sentences, and the probabilities that ``framelens soften``
wrote for unlabelled ones and for the variants that ``framelens vary`` made of them. Variants tell a model that cannot see
context which words matter (Tang et al. 2019).
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framelens.checkpoint import (
    CARD,
    LABELS,
    ONNX,
    TOKENIZER,
    open_checkpoint,
    replacing,
    write_json,
    write_manifest,
    write_text,
)
from framelens.config import TrainingConfig
from framelens.data import LabelledSentences, count_labels, split_by_article
from framelens.engine import Engine, Reading
from framelens.errors import ConfigError, DataError, MissingExtraError
from framelens.runs import CHECKPOINT, ENVIRONMENT, LOG, METRICS, describe_environment, logging_to, prepare_folder
from framelens.schema import LabelSet

try:
    import torch
    from tokenizers import Tokenizer

    from framelens.assessment import assess
    from framelens.finishing import TrainingRun
    from framelens.modelcard import model_card
    from framelens.modeling import load_base, using_threads
    from framelens.static_model import PAD, StaticModel, static_vectors, write_onnx
    from framelens.training import load_training_data
except ImportError as error:
    if isinstance(error, MissingExtraError):
        raise
    raise MissingExtraError.for_extra("distilling a fast checkpoint", "train") from error

log = logging.getLogger("framelens.static")
_WINDOW = 512  # tokens of a sentence that are read at once
_BUCKETS = 20  # batches sorted by length together


@dataclass(frozen=True)
class FastConfig(TrainingConfig):
    """A training configuration for static vectors; frames only, several labels a sentence.

    ``model.base`` gives the vectors their start; ``optimisation.learning_rate`` is theirs, ``head_learning_rate`` the rest's.
    Every epoch is run: ``patience``, ``class_weights``, ``label_smoothing`` and ``precision`` are not used.

    Attributes:
        dims: components of a word piece's vector.
        channels: features of a window of three word pieces.
    """

    dims: int = 256
    channels: int = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.multi_label or self.tasks != ["frames"]:
            raise ConfigError("a fast checkpoint reads frames only, from data in which a sentence may have several ('labels')")
        if self.dims < 1 or self.channels < 1:
            raise ConfigError(f"dims and channels must be 1 or more; received {self.dims}, {self.channels}")


def distil(config: FastConfig | str | Path | Mapping[str, Any], *, overwrite: bool = False) -> TrainingRun:
    """Train static vectors, export, calibrate and evaluate.

    Args:
        config: a configuration, a YAML file, or a dictionary of its keys.
        overwrite: replace a run that is in the output folder.

    Raises:
        ConfigError: a wrong configuration, or a run folder that is in use.
        DataError: unusable data.
    """
    started = time.monotonic()
    command = f"framelens distil {config}" if isinstance(config, (str, Path)) else "framelens.static.distil(...)"
    if isinstance(config, Mapping):
        config = FastConfig.from_dict(config)
    elif not isinstance(config, FastConfig):
        config = FastConfig.from_yaml(config)
    folder = prepare_folder(config, False, overwrite)
    with logging_to(folder / LOG), using_threads(config.optimisation.threads):
        return _run(config, folder, command, started)


def _run(config: FastConfig, folder: Path, command: str, started: float) -> TrainingRun:
    options = config.optimisation
    torch.manual_seed(options.seed)
    environment = describe_environment()
    write_json(folder / ENVIRONMENT, environment)
    data = load_training_data(config).having("frames")
    splits = split_by_article(
        data, dev=config.split.dev, test=config.split.test, seed=config.split.seed, use_column=config.split.use_column
    )
    counts = {
        name: {"sentences": len(part), "articles": len(set(part.articles)), **count_labels(part)}
        for name, part in splits.items()
    }
    if not len(splits["train"]) or not len(splits["dev"]):
        raise DataError(f"train and dev must both hold sentences; found {len(splits['train'])} and {len(splits['dev'])}")
    encoder, fast_tokenizer = load_base(config.model.base, config.model.seen)
    tokenizer, special = _bare_tokenizer(fast_tokenizer.backend_tokenizer)
    vectors = static_vectors(encoder, tokenizer.get_vocab_size(), special, config.dims)
    log.info("%d static vectors of %d components", *vectors.shape)
    model = StaticModel(vectors, config.channels, len(data.labels), config.model.dropout)
    _train(model, tokenizer, splits["train"].joined(), config)

    labels = LabelSet(data.labels, descriptions=config.labels if isinstance(config.labels, dict) else {})
    checkpoint = folder / CHECKPOINT
    fields = {
        "name": config.name,
        "framelens_version": environment["framelens"],
        "base_model": config.model.base,
        "max_length": _WINDOW,
        "created": time.strftime("%Y-%m-%d"),
    }
    with replacing(checkpoint) as staging:
        write_onnx(model, staging / ONNX)
        tokenizer.save(str(staging / TOKENIZER))
        write_json(staging / LABELS, labels.to_dict())
        write_manifest(staging, fields)
    held_out = {name: part for name, part in splits.items() if name != "train" and len(part)}
    shipped = open_checkpoint(checkpoint)
    engine = Engine(shipped)
    int8 = assess({name: engine.read(part.texts) for name, part in held_out.items()}, held_out, labels, shipped.name)
    exact = {name: Reading(_logits(model, tokenizer, part.texts)) for name, part in held_out.items()}
    write_json(checkpoint / LABELS, int8.labels.to_dict())
    seconds = time.monotonic() - started
    card = model_card(
        config.name,
        command,
        int8,
        assess(exact, held_out, labels, "float"),
        counts,
        ["/".join(d.path.parts[-3:]) for d in config.data],
        {**asdict(config.model), "dims": config.dims, "channels": config.channels, **asdict(options)},
        environment,
        seconds,
    )
    write_text(checkpoint / CARD, card)
    summary = {name: int8.summary(name) for name in held_out}
    write_manifest(checkpoint, {**fields, "metrics": summary})
    write_json(folder / METRICS, {"seconds": seconds, "int8": int8.to_dict()})
    log.info("done in %.0f s: %s", seconds, summary)
    return TrainingRun(folder, checkpoint, int8.evaluations, int8.tasks, seconds)


def _bare_tokenizer(tokenizer: Tokenizer) -> tuple[Tokenizer, tuple[list[int], list[int]]]:
    """The tokenizer without special tokens, padding and truncation, and the ids that it used to put before and after a text."""
    bare, full = tokenizer.encode("a", add_special_tokens=False).ids, tokenizer.encode("a").ids
    at = full.index(bare[0])
    state = {**json.loads(tokenizer.to_str()), "post_processor": None, "truncation": None, "padding": None}
    return Tokenizer.from_str(json.dumps(state)), (full[:at], full[at + len(bare) :])


def _ids(tokenizer: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    return [encoding.ids[:_WINDOW] or [PAD] for encoding in tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)]


def _padded(ids: Sequence[Sequence[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, ids))
    rows = torch.tensor([[*row, *[PAD] * (width - len(row))] for row in ids])
    lengths = torch.tensor([len(row) for row in ids])
    return rows, (torch.arange(width) < lengths.unsqueeze(1)).long()


def _train(model: StaticModel, tokenizer: Tokenizer, data: LabelledSentences, config: FastConfig) -> None:
    """Adam over shuffled batches of like length, linear warm-up and decay; sparse for the vectors: a step costs what it touches."""
    options = config.optimisation
    order = np.random.default_rng(options.seed)
    ids = _ids(tokenizer, data.texts)
    goal = torch.tensor(data.targets(data.labels))
    dense = [p for name, p in model.named_parameters() if not name.startswith("vectors.")]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(dense, lr=options.head_learning_rate, weight_decay=options.weight_decay),
        torch.optim.SparseAdam(list(model.vectors.parameters()), lr=options.learning_rate),
    ]
    steps = options.epochs * -(-len(ids) // options.batch_size)
    warm = max(1, int(options.warmup * steps))
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(
            o, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))
        )
        for o in optimizers
    ]
    model.train()
    for epoch in range(options.epochs):
        total = 0.0
        for batch in _batches(order, [len(row) for row in ids], options.batch_size):
            logits = model(*_padded([ids[i] for i in batch]))
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, goal[batch])
            for optimizer in optimizers:
                optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            for optimizer, schedule in zip(optimizers, schedules, strict=True):
                optimizer.step()
                schedule.step()
            total += loss.item() * len(batch)
        log.info("epoch %d, loss %.4f", epoch + 1, total / len(ids))


def _batches(order: np.random.Generator, lengths: Sequence[int], size: int) -> list[np.ndarray[Any, Any]]:
    shuffled, by_length = order.permutation(len(lengths)), np.array(lengths)
    batches = []
    for start in range(0, len(shuffled), size * _BUCKETS):
        bucket = shuffled[start : start + size * _BUCKETS]
        bucket = bucket[np.argsort(by_length[bucket], kind="stable")]
        batches += [bucket[i : i + size] for i in range(0, len(bucket), size)]
    return [batches[i] for i in order.permutation(len(batches))]


def _logits(model: StaticModel, tokenizer: Tokenizer, texts: Sequence[str]) -> np.ndarray[Any, Any]:
    ids = _ids(tokenizer, texts)
    model.eval()
    with torch.no_grad():
        return np.concatenate([model(*_padded(ids[i : i + 64])).numpy() for i in range(0, len(ids), 64)])
