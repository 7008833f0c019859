"""``framelens audit``."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from framelens.cli.files import write_output
from framelens.cli.results import label_columns
from framelens.cli.style import complete_model

if TYPE_CHECKING:
    from framelens.labelling.auditing import Audit


@click.command(short_help="Find labels that are likely wrong.")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--texts", type=click.Path(path_type=Path), help="File of the texts, if DATA holds ids and labels only.")
@click.option("--text-column", default="text", show_default=True, help="Column of the sentence.")
@click.option("--label-column", help="Column with one label a row.")
@click.option("--labels-column", help="Column with several labels a row; comma-separated names mean 0/1 columns.")
@click.option(
    "--model", shell_complete=complete_model,
    help="A checkpoint that was not trained on DATA, instead of out-of-fold probabilities.",
)  # fmt: skip
@click.option(
    "--encoder", default="auto", show_default=True,
    help="What the out-of-fold model reads beside words: a base model, a checkpoint, or tfidf for words alone.",
)  # fmt: skip
@click.option("--folds", type=click.IntRange(min=2), default=5, show_default=True, help="Of whole articles.")
@click.option("--seed", default=13, show_default=True, help="Of the folds.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Rows of the table.")
@click.option("--json", "form", flag_value="json", help="Every sentence, ranked, as JSON lines.")
@click.option("--csv", "form", flag_value="csv", help="The same as CSV.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead of to stdout.")
def audit(
    data: Path, texts: Path | None, text_column: str, label_column: str | None, labels_column: str | None, model: str | None,
    encoder: str, folds: int, seed: int, limit: int, form: str | None, output: Path | None,
) -> None:  # fmt: skip
    """Find labels that are likely wrong, the most suspicious first.

    Each sentence is judged by a model that has not seen its article: out-of-fold logistic regressions, or a checkpoint. Never name
    a checkpoint that was trained on DATA: it has learnt the errors.

    \b
    Examples:
      framelens audit labelled.csv
      framelens audit labelled.jsonl --labels-column frames --csv -o audit.csv
      framelens audit labelled.jsonl --model default --json | jq 'select(.likely)'
    """
    from framelens.labelling.auditing import audit as run_audit

    columns = label_columns(text_column, label_column, labels_column)
    result = run_audit(data, columns, texts=texts, model=model, encoder=encoder, folds=folds, seed=seed)
    write_output(output, lambda stream: _write(result, form, limit, stream))


def _write(result: Audit, form: str | None, limit: int, stream: TextIO) -> None:
    if form is None:
        stream.write(result.to_text(limit) + "\n")
        return
    rows = result.to_rows()
    if form == "json":
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return
    writer = csv.DictWriter(stream, list(rows[0]))
    writer.writeheader()
    writer.writerows({**row, "given": ";".join(row["given"]), "suggested": ";".join(row["suggested"])} for row in rows)
