"""``framelens search``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click


@click.command(short_help="Search for hyperparameters.")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--resume", is_flag=True, help="Go on with a search that was cut short.")
@click.option("--json", "as_json", is_flag=True, help="Print all trials as JSON.")
def search(config: Path, resume: bool, as_json: bool) -> None:
    """Search for hyperparameters as CONFIG (YAML) says, and write the best as a training configuration.

    \b
    A configuration:
      training: my-labels.yaml
      output: runs/search
      trials: 20
      space:
        optimisation.learning_rate: {low: 1.0e-5, high: 3.0e-4, log: true}
        optimisation.batch_size: {choices: [8, 16, 32]}
        model.dropout: {low: 0.0, high: 0.3}
      cross_validation: {folds: 5}     # search inside each fold, for an estimate nobody tuned on

    \b
    Examples:
      framelens search search.yaml
      framelens search search.yaml --resume
      framelens train runs/search/best.yaml
    """
    import logging

    logging.basicConfig(format="%(message)s")
    from framelens.hyperparameters import search as run_search

    result = run_search(config, resume=resume, progress=sys.stderr.isatty())
    click.echo(json.dumps(result.to_dict()) if as_json else result.to_text())
