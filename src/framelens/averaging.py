"""The mean of several checkpoints' weights: the accuracy of an ensemble at the cost of one model (Wortsman et al. 2022, model soups)."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

from framelens.checkpoint import write_json
from framelens.config import TrainingConfig
from framelens.errors import ConfigError, MissingExtraError
from framelens.runs import ENVIRONMENT, LOG, checkpoint_in, describe_environment, logging_to, prepare_folder
from framelens.schema import LabelSet

try:
    from framelens.finishing import Trained, TrainingRun, finish
    from framelens.modeling import load_model
    from framelens.training import check_splits, prepare_splits
except ImportError as error:
    if isinstance(error, MissingExtraError):
        raise
    raise MissingExtraError.for_extra("averaging checkpoints", "train") from error

log = logging.getLogger("framelens.training")


def average(
    config: TrainingConfig | str | Path, checkpoints: Sequence[str | Path], *, overwrite: bool = False, command: str = ""
) -> TrainingRun:
    """Write a run whose model is the mean of several, calibrated and evaluated as one that was trained.

    That helps where the checkpoints come from one start: trained on from the same encoder, or with other seeds or data.

    Args:
        config: data, tasks, labels and output folder, as for :func:`framelens.train`; nothing is learnt.
        checkpoints: two or more checkpoint folders, run folders or names of packaged ones, of the same shape.
        overwrite: replace a run that is in the output folder.
        command: for the model card.

    Raises:
        ConfigError: fewer than two checkpoints; an output that is one of them; checkpoints of other tasks, labels or shape than
            the first or the configuration.
        CheckpointError: one that cannot be loaded.
        DataError: unusable data.
    """
    started = time.monotonic()
    if not isinstance(config, TrainingConfig):
        config = TrainingConfig.from_yaml(config)
    if len(checkpoints) < 2:
        raise ConfigError(f"a mean needs two checkpoints or more; received {len(checkpoints)}")
    if config.output.resolve() in {Path(named).resolve() for named in checkpoints}:
        raise ConfigError(f"{config.output} is one of the checkpoints; name another output")
    folder = prepare_folder(config, False, overwrite)
    with logging_to(folder / LOG):
        write_json(folder / ENVIRONMENT, describe_environment())
        splits, labels = prepare_splits(config)
        trained = _mean(checkpoints, config.tasks, labels)
        counts = check_splits(splits, labels)
        command = command or f"framelens.averaging.average(..., {[str(c) for c in checkpoints]})"
        return finish(config, folder, command, trained, splits, counts, started)


def _mean(checkpoints: Sequence[str | Path], tasks: Sequence[str], labels: LabelSet) -> Trained:
    """The first checkpoint's model with the mean of all weights, and the labels of the configuration."""
    first: Trained | None = None
    for named in checkpoints:
        model, tokenizer, checkpoint = load_model(checkpoint_in(named))
        if set(checkpoint.tasks) != set(tasks) or (labels.labels and checkpoint.labels.labels != labels.labels):
            raise ConfigError(
                f"{named} reads {', '.join(checkpoint.tasks)} with the labels {', '.join(checkpoint.labels.labels)}; the configuration has "
                f"{', '.join(tasks)} with {', '.join(labels.labels)}"
            )
        log.info("%s: %s", named, checkpoint.name)
        if first is None:
            first, summed = Trained(model, tokenizer, labels), model.state_dict()
            continue
        weights = model.state_dict()
        if {k: v.shape for k, v in weights.items()} != {k: v.shape for k, v in summed.items()}:
            raise ConfigError(f"{named} has other layers than {checkpoints[0]}; only models of one shape have a mean")
        summed = {k: v + weights[k] if v.is_floating_point() else v for k, v in summed.items()}
    assert first is not None
    first.model.load_state_dict({k: v / len(checkpoints) if v.is_floating_point() else v for k, v in summed.items()})
    return first
