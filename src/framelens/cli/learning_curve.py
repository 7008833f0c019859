"""``framelens learning-curve``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from framelens.cli.results import result_options, write_result


@click.command(name="learning-curve", short_help="Would more labels help?")
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--share", "shares", type=float, multiple=True, help="Of the training articles; several. [default: 0.125 0.25 0.5 1]"
)
@click.option(
    "--seed", "seeds", type=int, multiple=True, help="Seed, instead of the configuration's; several give several runs."
)
@click.option("--split", type=click.Choice(["dev", "test"]), default="dev", show_default=True, help="What is evaluated.")
@click.option("--overwrite", is_flag=True, help="Replace the runs that are there.")
@result_options
def learning_curve(
    config: Path, shares: tuple[float, ...], seeds: tuple[int, ...], split: str, overwrite: bool, form: str, as_json: bool,
    output: Path | None,
) -> None:  # fmt: skip
    """Train on growing shares of the training articles of CONFIG (YAML): would more labels help?

    \b
    Examples:
      framelens learning-curve my-labels.yaml
      framelens learning-curve my-labels.yaml --share 0.5 --share 1 --seed 1 --seed 2 --json -o curve.json
    """
    from framelens.learning import SHARES
    from framelens.learning import learning_curve as run_curve

    result = run_curve(
        config, shares=shares or SHARES, seeds=seeds or None, split=split, overwrite=overwrite, progress=sys.stderr.isatty()
    )
    write_result(result, "json" if as_json else form, output)
