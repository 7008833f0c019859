"""``framelens evaluate``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from framelens.cli.style import bold_headers, coloured, complete_model


@click.command()
@click.option(
    "--model", default="default", show_default=True, shell_complete=complete_model,
    help="Name of a packaged checkpoint, or a folder.",
)  # fmt: skip
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="Labelled sentences: .csv, .tsv, .jsonl or .parquet."
)
@click.option("--texts", type=click.Path(path_type=Path), help="File of the texts, if --data holds ids and labels only.")
@click.option("--text-column", default="text", show_default=True, help="Column of the sentence.")
@click.option("--label-column", help="Column with one label a row.")
@click.option("--labels-column", help="Column with several labels a row; comma-separated names mean 0/1 columns.")
@click.option("--split", help="Only rows whose split column says so, such as test.")
@click.option("--json", "as_json", is_flag=True, help="Print all metrics as JSON.")
def evaluate(
    model: str, data: Path, texts: Path | None, text_column: str, label_column: str | None, labels_column: str | None,
    split: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Evaluate a model on labelled sentences it has not seen.

    \b
    Examples:
      framelens evaluate --data held-out.csv
      framelens evaluate --model runs/mine/checkpoint --data all.jsonl --split test --json
    """
    from framelens.data import Columns
    from framelens.evaluation import evaluate as run_evaluation

    columns = None
    if label_column or labels_column:
        several = labels_column.split(",") if labels_column and "," in labels_column else labels_column
        columns = Columns(text=text_column, label=label_column, labels=several)
    elif text_column != "text":
        raise click.UsageError("with --text-column, name --label-column or --labels-column too")
    result = run_evaluation(model, data, columns, texts=texts, split=split)
    text = result.to_text()
    click.echo(json.dumps(result.to_dict()) if as_json else bold_headers(text) if coloured(sys.stdout) else text)
