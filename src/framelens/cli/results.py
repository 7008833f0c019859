"""How verbs write their results: tables, and what is said of a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from framelens.cli.files import write_output
from framelens.cli.style import bold_headers, coloured

if TYPE_CHECKING:
    from framelens.tables import Tabular


def result_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--format``, ``--json`` and ``--output``."""
    for option in (
        click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead of to stdout."),
        click.option("--json", "as_json", is_flag=True, help="The same as --format json."),
        click.option(
            "--format", "form", type=click.Choice(["text", "markdown", "latex", "json"]), default="text", show_default=True,
            help="Of the tables; json holds everything.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def write_result(result: Tabular, form: str, output: Path | None) -> None:
    """Write a result to stdout or to a file that appears only when it is whole."""
    text = result.show(form).rstrip("\n") + "\n"
    bold = output is None and form == "text" and coloured(sys.stdout)
    write_output(output, lambda stream: stream.write(bold_headers(text) if bold else text))


def say_written(output: Path, sentences: int, as_json: bool) -> None:
    """What a verb that fills a file says of it."""
    described = {"output": str(output), "sentences": sentences}
    click.echo(json.dumps(described) if as_json else f"{output}: {sentences} sentences")


def label_columns(text: str, label: str | None, labels: str | None) -> Any:
    """:class:`framelens.Columns` from options, or None where nothing was said."""
    from framelens.data import Columns

    if label or labels:
        several: str | Sequence[str] | None = labels.split(",") if labels and "," in labels else labels
        return Columns(text=text, label=label, labels=several)
    if text != "text":
        raise click.UsageError("with --text-column, name --label-column or --labels-column too")
    return None
