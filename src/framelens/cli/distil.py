"""``framelens distil``."""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command(short_help="Distil a checkpoint into static vectors.")
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, file_okay=False), help="Run folder, instead of the configuration's."
)
@click.option("--overwrite", is_flag=True, help="Replace the run in the output folder.")
@click.option("--json", "as_json", is_flag=True, help="Print metrics as JSON.")
def distil(config: Path, output: Path | None, overwrite: bool, as_json: bool) -> None:
    """Distil a checkpoint into static vectors, many times as fast, as CONFIG (YAML) says.

    \b
    Examples:
      framelens distil configs/fast.yaml
      framelens distil my-fast.yaml --output runs/fast --overwrite
    """
    import logging
    from dataclasses import replace

    logging.basicConfig(format="%(message)s")
    from framelens.static import FastConfig
    from framelens.static import distil as run_distillation

    settings = FastConfig.from_yaml(config)
    run = run_distillation(replace(settings, output=output.resolve()) if output else settings, overwrite=overwrite)
    if as_json:
        metrics = {split: evaluation.to_dict() for split, evaluation in run.metrics.items()}
        click.echo(json.dumps({"checkpoint": str(run.checkpoint), "seconds": run.seconds, "metrics": metrics}))
        return
    for split, evaluation in run.metrics.items():
        click.echo(f"[{split}] {evaluation.to_text()}\n")
    click.echo(f"{run.seconds / 60:.1f} minutes; checkpoint: {run.checkpoint}")
