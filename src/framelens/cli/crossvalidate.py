"""``framelens crossvalidate``."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import click


@click.command(short_help="Train and evaluate once per fold.")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--folds", type=click.IntRange(min=2), default=5, show_default=True, help="Of whole articles.")
@click.option("--seed", default=13, show_default=True, help="Of the folds.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the runs.  [default: the configuration's + -folds]",
)
@click.option("--resume", is_flag=True, help="Keep the folds that are finished.")
@click.option("--json", "as_json", is_flag=True, help="Print all folds as JSON.")
def crossvalidate(config: Path, folds: int, seed: int, output: Path | None, resume: bool, as_json: bool) -> None:
    """Train and evaluate as CONFIG (YAML) says, once per fold; each article is held out once and never split.

    The split column of the data is not used. For hyperparameters chosen inside each fold, see 'framelens search'.

    \b
    Examples:
      framelens crossvalidate my-labels.yaml
      framelens crossvalidate my-labels.yaml --folds 10 -o runs/ten --json
      framelens crossvalidate my-labels.yaml --resume
    """
    import logging

    logging.basicConfig(format="%(message)s")
    from framelens.config import TrainingConfig
    from framelens.crossvalidation import cross_validate

    training = TrainingConfig.from_yaml(config)
    folder = output.resolve() if output else training.output.with_name(f"{training.output.name}-folds")
    result = cross_validate(
        replace(training, output=folder), folds=folds, seed=seed, resume=resume, progress=sys.stderr.isatty()
    )
    click.echo(json.dumps(result.to_dict()) if as_json else result.to_text())
