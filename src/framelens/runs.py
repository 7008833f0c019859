"""The run folder of a training: what is in it, who may write to it, and how a run describes itself."""

from __future__ import annotations

import json
import logging
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from framelens.checkpoint import write_json, write_text
from framelens.config import TrainingConfig
from framelens.errors import ConfigError

CONFIG = "config.json"
ENVIRONMENT = "environment.json"
HISTORY = "history.json"
METRICS = "metrics.json"  # written last: a run that has it is finished
PREDICTIONS = "predictions.jsonl"
LOG = "train.log"
CHECKPOINT = "checkpoint"
STATES = "trainer"  # weights and optimizer states by epoch, removed when the run is finished
_PACKAGES = ("framelens", "torch", "transformers", "datasets", "scikit-learn", "evaluate", "onnxruntime", "tokenizers", "numpy")


def processes() -> tuple[int, int]:
    """Number of this process and how many train together, as ``accelerate launch`` and ``torchrun`` say; (0, 1) without them."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def checkpoint_in(named: str | Path) -> Path:
    """The checkpoint of a run folder; anything else, a checkpoint's folder or name, as it is."""
    inside = Path(named) / CHECKPOINT
    return inside if inside.is_dir() else Path(named)


def prepare_folder(config: TrainingConfig, resume: bool, overwrite: bool) -> Path:
    """Create the run folder, or accept the one that is to be resumed or overwritten.

    Raises:
        ConfigError: a run is there and nobody said what to do with it, it is finished, or it has another configuration.
    """
    folder, described = config.output, config.to_dict()
    finished, begun = (folder / METRICS).is_file(), any((folder / STATES).glob("checkpoint-*"))
    if (finished or begun) and not overwrite:
        if not resume:
            raise ConfigError(f"{folder} already holds a run; resume it, overwrite it, or name another output")
        if finished:
            raise ConfigError(f"the run in {folder} is finished; overwrite it or name another output")
        if json.loads((folder / CONFIG).read_text(encoding="utf-8")) != described:
            raise ConfigError(
                f"the run in {folder} has another configuration ({folder / CONFIG}), so this one cannot resume it"
            )
        return folder
    for name in (STATES, CHECKPOINT):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in (METRICS, HISTORY, PREDICTIONS, LOG):
        (folder / name).unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / CONFIG, described)
    return folder


def describe_environment() -> dict[str, Any]:
    """Versions, commit and machine."""
    versions: dict[str, Any] = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    try:
        git = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
        commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        commit = ""
    return {**versions, "commit": commit or "unknown", "machine": f"{platform.machine()}, {os.cpu_count()} cores"}


def write_lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as JSONL, all or nothing."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Send framelens' and transformers' log records to a file as well, for as long as the run lasts."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    loggers = [logging.getLogger("framelens"), logging.getLogger("transformers")]
    level = loggers[0].level
    loggers[0].setLevel(logging.INFO)
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        loggers[0].setLevel(level)
        handler.close()


_listener: ContextVar[Callable[[Mapping[str, Any]], None] | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Callable[[Mapping[str, Any]], None]) -> Iterator[None]:
    """Call ``listener`` with what a run reports (``eval_macro_f1``, ``loss``, ...) while the block lasts; it may end the run by raising."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


def announce(logs: Mapping[str, Any]) -> None:
    """Hand what a run reports to whoever is listening."""
    if (listener := _listener.get()) is not None:
        listener(logs)
