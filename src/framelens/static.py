"""The fast tier: a checkpoint of static vectors, distilled from another checkpoint. ``framelens distil CONFIG`` runs it.

It learns from three kinds of sentences: labelled ones (labels and the teacher's probabilities, half and half), unlabelled ones
(the teacher's probabilities), and fragments (a stretch of one sentence, two stretches joined, a sentence with words left out), again with
the teacher's probabilities. Fragments tell a model without context which words matter (Tang et al. 2019).
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from framelens.checkpoint import CARD, LABELS, ONNX, TOKENIZER, replacing, write_json, write_manifest, write_text
from framelens.classifier import Classifier, Scores, probabilities
from framelens.config import TrainingConfig
from framelens.data import LabelledSentences, count_labels, split_by_article
from framelens.errors import ConfigError, DataError, MissingExtraError
from framelens.readers import BadRow, raise_bad_rows, read_rows
from framelens.runs import CHECKPOINT, ENVIRONMENT, LOG, METRICS, describe_environment, logging_to, prepare_folder
from framelens.schema import LabelSet

try:
    import torch
    from sklearn.feature_extraction.text import CountVectorizer
    from tokenizers import Tokenizer

    from framelens.calibration import calibrate
    from framelens.evaluation import Evaluation, score_predictions
    from framelens.modelcard import model_card
    from framelens.modeling import load_base
    from framelens.static_model import PAD, StaticModel, static_vectors, write_onnx
    from framelens.training import TrainingRun, load_training_data
except ImportError as error:
    if isinstance(error, MissingExtraError):
        raise
    raise MissingExtraError.for_extra("distilling a fast checkpoint", "train") from error

log = logging.getLogger("framelens.static")
_WINDOW = 512  # tokens of a sentence that are read at once
_BUCKETS = 20  # batches sorted by length together


@dataclass(frozen=True)
class FastConfig(TrainingConfig):
    """A distillation into static vectors: a training configuration and what else it needs.

    ``model.base`` gives the vectors their start; ``optimisation.learning_rate`` is theirs, ``head_learning_rate`` the rest's.

    Attributes:
        teacher: a checkpoint (folder or name) with the same labels.
        unlabelled: rows with ``id``, ``article_id`` and ``text``. Articles of the development and test split are left out, and
            those that nearly repeat one.
        soft_labels: rows with ``id`` and ``scores`` (label -> probability), where a better teacher than ``teacher`` has read
            the unlabelled sentences; rows without them are read by ``teacher``.
        fragments: how many to make.
        label_weight: share of the labels in the loss of a labelled sentence; the rest is the teacher's.
        dims: components of a word piece's vector.
        channels: features of a window of three word pieces.
    """

    teacher: str = "default"
    unlabelled: Path | None = None
    soft_labels: Path | None = None
    fragments: int = 40_000
    label_weight: float = 0.5
    dims: int = 256
    channels: int = 128

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.multi_label:
            raise ConfigError("a fast checkpoint is made from data in which a sentence may have several labels ('labels')")
        if self.fragments < 0 or not 0 <= self.label_weight <= 1 or self.dims < 1 or self.channels < 1:
            raise ConfigError(
                f"fragments must be 0 or more, label_weight 0 to 1, dims and channels 1 or more; received "
                f"{self.fragments}, {self.label_weight}, {self.dims}, {self.channels}"
            )


@dataclass(frozen=True)
class _Example:
    """A sentence to learn from: its teacher's probabilities, and its labels where people gave some."""

    text: str
    scores: Sequence[float]
    labels: Sequence[int] | None = None


def distil(config: FastConfig | str | Path | Mapping[str, Any], *, overwrite: bool = False) -> TrainingRun:
    """Distil a fast checkpoint, calibrate and evaluate it.

    Args:
        config: a configuration, a YAML file, or a dictionary of its keys.
        overwrite: replace a run that is in the output folder.

    Raises:
        ConfigError: a wrong configuration, a teacher with other labels, or a run folder that is in use.
        DataError: unusable data.
        CheckpointError: the teacher cannot be loaded.
    """
    started = time.monotonic()
    command = f"framelens distil {config}" if isinstance(config, (str, Path)) else "framelens.static.distil(...)"
    if isinstance(config, Mapping):
        config = FastConfig.from_dict(config)  # type: ignore[assignment]
    elif not isinstance(config, FastConfig):
        config = FastConfig.from_yaml(config)  # type: ignore[assignment]
    assert isinstance(config, FastConfig)
    folder = prepare_folder(config, False, overwrite)
    with logging_to(folder / LOG):
        return _run(config, folder, command, started)


def _run(config: FastConfig, folder: Path, command: str, started: float) -> TrainingRun:
    options = config.optimisation
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    environment = describe_environment()
    write_json(folder / ENVIRONMENT, environment)
    data = load_training_data(config)
    splits = split_by_article(
        data, dev=config.split.dev, test=config.split.test, seed=config.split.seed, use_column=config.split.use_column
    )
    teacher = Classifier.load(config.teacher)
    if teacher.labels.labels != data.labels or not teacher.labels.multi_label:
        raise ConfigError(f"teacher {teacher.name} reads {list(teacher.labels.labels)}, the data have {list(data.labels)}")
    examples = _examples(config, splits, teacher)

    encoder, fast_tokenizer = load_base(config.model.base)
    tokenizer, special = _bare_tokenizer(fast_tokenizer.backend_tokenizer)
    log.info("static vectors of %d word pieces", tokenizer.get_vocab_size())
    vectors = static_vectors(encoder, tokenizer.get_vocab_size(), special, config.dims)
    model = StaticModel(vectors, config.channels, len(data.labels), config.model.dropout)
    _train(model, tokenizer, examples, config)

    labels = LabelSet(data.labels, descriptions=config.labels if isinstance(config.labels, dict) else {})
    checkpoint = folder / CHECKPOINT
    fields = {
        "name": config.name,
        "framelens_version": environment["framelens"],
        "base_model": config.model.base,
        "teacher": teacher.name,
        "max_length": _WINDOW,
        "created": time.strftime("%Y-%m-%d"),
    }
    with replacing(checkpoint) as staging:
        write_onnx(model, staging / ONNX)
        tokenizer.save(str(staging / TOKENIZER))
        write_json(staging / LABELS, labels.to_dict())
        write_manifest(staging, fields)
    held_out = {name: part for name, part in splits.items() if name != "train" and len(part)}
    shipped = Classifier.load(checkpoint)
    labels, evaluations = _assess({n: shipped.logits(p.texts) for n, p in held_out.items()}, held_out, labels, shipped.name)
    model.eval()
    exact = {name: _logits(model, _ids(tokenizer, part.texts)) for name, part in held_out.items()}
    _, in_float = _assess(exact, held_out, labels, "float")
    write_json(checkpoint / LABELS, labels.to_dict())
    seconds = time.monotonic() - started
    settings = {k: v for k, v in asdict(config).items() if k in ("teacher", "fragments", "label_weight", "dims", "channels")}
    counts = {
        name: {"sentences": len(part), "articles": len(set(part.articles)), **count_labels(part)}
        for name, part in splits.items()
    }
    card = model_card(
        config.name,
        command,
        labels,
        evaluations,
        in_float,
        counts,
        ["/".join(Path(path).parts[-3:]) for path in (*(d.path for d in config.data), config.unlabelled) if path],
        {**settings, "teacher": teacher.name, "examples": len(examples), "dropout": config.model.dropout, **asdict(options)},
        environment,
        seconds,
    )
    write_text(checkpoint / CARD, card)
    summary = {n: {"macro_f1": e.macro_f1, "primary_macro_f1": e.primary["macro_f1"]} for n, e in evaluations.items()}
    write_manifest(checkpoint, {**fields, "metrics": summary})
    write_json(folder / METRICS, {"seconds": seconds, "int8": {name: e.to_dict() for name, e in evaluations.items()}})
    log.info("done in %.0f s: %s", seconds, summary)
    return TrainingRun(folder, checkpoint, evaluations, seconds)


def _examples(config: FastConfig, splits: Mapping[str, LabelledSentences], teacher: Classifier) -> list[_Example]:
    train = splits["train"]
    known = {s.id for part in splits.values() for s in part}
    held_out = {a for name, part in splits.items() if name != "train" for a in part.articles}
    free = [row for row in _without_repeats(_unlabelled(config.unlabelled), held_out) if row["id"] not in known]
    given = _soft_labels(config.soft_labels, train.labels)
    unread = [row["text"] for row in free if row["id"] not in given]
    pieces = list(_fragments([*train.texts, *(row["text"] for row in free)], config.fragments, config.optimisation.seed))
    log.info(
        "%d labelled sentences, %d unlabelled (%d read by another teacher), %d fragments",
        len(train),
        len(free),
        len(free) - len(unread),
        len(pieces),
    )
    read = iter(teacher.scores([*(s.text for s in train if s.id not in given), *unread, *pieces]).tolist())
    labelled = [
        _Example(s.text, given.get(s.id or "") or next(read), row) for s, row in zip(train, train.matrix(), strict=True)
    ]
    soft = [_Example(row["text"], given.get(row["id"]) or next(read)) for row in free]
    return [*labelled, *soft, *(_Example(piece, next(read)) for piece in pieces)]


def _unlabelled(path: Path | None) -> list[dict[str, str]]:
    """Rows with ``id``, ``article_id`` and ``text``."""
    rows: list[dict[str, str]] = []
    bad: list[BadRow] = []
    for row in read_rows(path) if path else ():
        if isinstance(row, BadRow):
            bad.append(row)
        elif all(isinstance(row.values.get(name), str) for name in ("id", "article_id", "text")):
            rows.append({name: row.values[name] for name in ("id", "article_id", "text")})
        else:
            bad.append(BadRow(row.where, "columns 'id', 'article_id' and 'text' must hold text"))
    raise_bad_rows(bad)
    return rows


def _soft_labels(path: Path | None, labels: Sequence[str]) -> dict[str, list[float]]:
    """Probabilities by id, in the order of ``labels``."""
    found: dict[str, list[float]] = {}
    for row in read_rows(path) if path else ():
        scores = None if isinstance(row, BadRow) else row.values.get("scores")
        if isinstance(row, BadRow) or not isinstance(scores, dict) or not set(labels) <= scores.keys():
            raise DataError(f"{row.where}: 'scores' must give a probability for each of {', '.join(labels)}")
        found[str(row.values.get("id"))] = [float(scores[name]) for name in labels]
    return found


def _without_repeats(rows: list[dict[str, str]], held_out: set[str], shared: float = 0.5) -> list[dict[str, str]]:
    """Rows of articles that are not held out and share no sentence of seven words or more with one that is.

    Two sentences are the same if their sets of words overlap (Jaccard) by more than ``shared``.
    """
    inside = np.array([row["article_id"] in held_out for row in rows], dtype=bool)
    if not inside.any():
        return rows
    counts = CountVectorizer(binary=True, tokenizer=str.split, token_pattern=None, dtype=np.int32)
    words = counts.fit_transform([row["text"] for row in rows])
    sizes = np.asarray(words.sum(axis=1)).ravel()
    common = (words @ words[inside].T).tocoo()
    union = sizes[common.row] + sizes[inside][common.col] - common.data
    near = (common.data / union > shared) & (sizes[common.row] > 6)
    banned = held_out | {rows[i]["article_id"] for i in np.unique(common.row[near])}
    return [row for row in rows if row["article_id"] not in banned]


def _fragments(texts: Sequence[str], number: int, seed: int) -> Iterator[str]:
    """Stretches of sentences, pairs of stretches, and sentences with a quarter of their words left out."""
    draw = random.Random(seed)

    def stretch(words: list[str]) -> list[str]:
        length = draw.randint(4, max(5, min(len(words), 30)))
        start = draw.randint(0, max(0, len(words) - length))
        return words[start : start + length]

    for _ in range(number):
        words, kind = draw.choice(texts).split(), draw.random()
        if kind < 0.4:
            words = stretch(words)
        elif kind < 0.7:
            words = stretch(words) + stretch(draw.choice(texts).split())
        else:
            words = [word for word in words if draw.random() > 0.25] or words
        yield " ".join(words)


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


def _train(model: StaticModel, tokenizer: Tokenizer, examples: Sequence[_Example], config: FastConfig) -> None:
    """Adam over shuffled batches of like length, linear warm-up and decay; sparse for the vectors, so that a step costs what it touches."""
    options = config.optimisation
    order = np.random.default_rng(options.seed)
    ids = _ids(tokenizer, [e.text for e in examples])
    target = np.array([e.scores for e in examples], dtype=np.float32)
    labelled = np.array([e.labels is not None for e in examples])
    truth = np.array([e.labels for e in examples if e.labels is not None])
    target[labelled] = (1 - config.label_weight) * target[labelled] + config.label_weight * truth
    goal = torch.tensor(target)
    dense = [p for name, p in model.named_parameters() if not name.startswith("vectors.")]
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(dense, lr=options.head_learning_rate, weight_decay=options.weight_decay),
        torch.optim.SparseAdam(list(model.vectors.parameters()), lr=options.learning_rate),
    ]
    steps = options.epochs * -(-len(ids) // options.batch_size)
    warm = max(1, int(options.warmup * steps))
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(o, lambda step: min((step + 1) / warm, max(0.0, (steps - step) / (steps - warm))))
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


def _logits(model: StaticModel, ids: Sequence[list[int]]) -> np.ndarray[Any, Any]:
    with torch.no_grad():
        return np.concatenate([model(*_padded(ids[i : i + 64])).numpy() for i in range(0, len(ids), 64)])


def _assess(
    logits: Mapping[str, Any], data: Mapping[str, LabelledSentences], labels: LabelSet, name: str
) -> tuple[LabelSet, dict[str, Evaluation]]:
    """Labels calibrated on dev, and the evaluation of each split."""
    labels = calibrate(logits["dev"], np.array(data["dev"].matrix(labels.labels)), labels)
    scores: dict[str, Scores] = {split: probabilities(logits[split], labels) for split in data}
    return labels, {split: score_predictions(scores[split], data[split], labels, name) for split in data}
