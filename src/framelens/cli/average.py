"""``framelens average``."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from framelens.cli.train import report


@click.command(short_help="Make one checkpoint of the mean of several.")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--of", "checkpoints", multiple=True, required=True, help="Checkpoint or run folder; twice or more.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, file_okay=False), help="Run folder, instead of the configuration's."
)
@click.option("--name", help="Of the checkpoint, instead of the configuration's.")
@click.option("--overwrite", is_flag=True, help="Replace the run in the output folder.")
@click.option("--json", "as_json", is_flag=True, help="Print metrics as JSON.")
def average(
    config: Path, checkpoints: Sequence[str], output: Path | None, name: str | None, overwrite: bool, as_json: bool
) -> None:
    """Take the mean of the weights of checkpoints that come from one start; calibrate and evaluate it on the data of CONFIG (YAML).

    \b
    Examples:
      framelens average configs/frames.yaml --of runs/frames --of runs/second -o runs/average
    """
    import logging
    from dataclasses import replace

    logging.basicConfig(format="%(message)s")
    from framelens.averaging import average as run
    from framelens.config import TrainingConfig

    settings = TrainingConfig.from_yaml(config)
    if output is not None:
        settings = replace(settings, output=output.resolve())
    if name is not None:
        settings = replace(settings, name=name)
    words = [
        "framelens",
        "average",
        str(config),
        *(word for c in checkpoints for word in ("--of", c)),
        *(("--name", name) if name else ()),
    ]
    report(run(settings, checkpoints, overwrite=overwrite, command=shlex.join(words)), as_json)
