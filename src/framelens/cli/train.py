"""``framelens train``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from framelens.cli.style import bold_headers, coloured

if TYPE_CHECKING:
    from framelens.config import TrainingConfig
    from framelens.finishing import TrainingRun


@click.command(short_help="Train on your own labels; evaluate and write a checkpoint.")
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, file_okay=False), help="Run folder, instead of the configuration's."
)
@click.option("--seed", type=int, help="Seed, instead of the configuration's.")
@click.option("--resume", is_flag=True, help="Go on with a run that was cut short.")
@click.option("--overwrite", is_flag=True, help="Replace the run in the output folder.")
@click.option("--json", "as_json", is_flag=True, help="Print metrics as JSON.")
def train(config: Path, output: Path | None, seed: int | None, resume: bool, overwrite: bool, as_json: bool) -> None:
    """Train on labelled sentences as CONFIG (YAML) says; evaluate, and write a checkpoint.

    \b
    Examples:
      framelens train configs/frames.yaml
      framelens train my-labels.yaml --output runs/second --seed 7
      framelens train configs/frames.yaml --resume
      accelerate launch --num_processes 4 -m framelens.cli train configs/frames.yaml
    """
    import logging
    from dataclasses import replace

    logging.basicConfig(format="%(message)s")
    from framelens.config import TrainingConfig
    from framelens.training import train as run_training

    settings: Path | TrainingConfig = config
    if output is not None or seed is not None:
        loaded = TrainingConfig.from_yaml(config)
        optimisation = loaded.optimisation if seed is None else replace(loaded.optimisation, seed=seed)
        settings = replace(loaded, output=output.resolve() if output else loaded.output, optimisation=optimisation)
    run = run_training(settings, resume=resume, overwrite=overwrite, progress=sys.stderr.isatty())
    if not (run.metrics or run.tasks):  # a further process of accelerate launch; the first one reports
        return
    report(run, as_json)


def report(run: TrainingRun, as_json: bool) -> None:
    """Print what a run's checkpoint does on the held-out splits."""
    if as_json:
        metrics = {split: evaluation.to_dict() for split, evaluation in run.metrics.items()}
        click.echo(json.dumps({"checkpoint": str(run.checkpoint), "seconds": run.seconds, "metrics": metrics}))
        return
    for split, evaluation in run.metrics.items():
        text = f"[{split}] {evaluation.to_text()}\n"
        click.echo(bold_headers(text) if coloured(sys.stdout) else text)
    click.echo(f"{run.seconds / 60:.1f} minutes; checkpoint: {run.checkpoint}")
