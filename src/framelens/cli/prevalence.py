"""``framelens prevalence``."""

from __future__ import annotations

from pathlib import Path

import click

from framelens.cli.results import label_columns, result_options, write_result
from framelens.cli.style import model_option


@click.command(short_help="Frame shares corrected for the model's errors.")
@click.argument("corpus", type=click.Path(path_type=Path))
@click.option("--labelled", type=click.Path(path_type=Path), help="The labelled random subsample: ids of CORPUS with labels.")
@model_option
@click.option("--by", multiple=True, help="Column to group by, such as outlet or date:month; several are crossed.")
@click.option("--label-column", help="Column of --labelled with one label a row.")
@click.option("--labels-column", help="Column of --labelled with several labels a row.")
@click.option(
    "--probability", default="probability", show_default=True, help="Column of --labelled: the chance it had to be drawn."
)
@click.option("--strata", help="Column of CORPUS within which sentences were drawn with equal chance.")
@click.option("--level", default=95.0, show_default=True, help="Of the intervals, in per cent.")
@result_options
def prevalence(
    corpus: Path, labelled: Path | None, model: str, by: tuple[str, ...], label_column: str | None, labels_column: str | None,
    probability: str, strata: str | None, level: float, form: str, as_json: bool, output: Path | None,
) -> None:  # fmt: skip
    """Frame shares per outlet or month, with intervals, corrected for the model's errors.

    CORPUS holds a sentence a row (.csv, .tsv, .jsonl, .parquet): id, text, article_id and columns to group by. Rows that carry the
    columns frames and score_..., as framelens classify --format csv writes them, are not read by the model again.

    \b
    Examples:
      framelens prevalence sentences.csv --by outlet
      framelens prevalence sentences.csv --labelled sample.csv --by outlet --by date:month
      framelens prevalence sentences.csv --labelled sample.csv --strata outlet --format latex
    """
    from framelens.prevalence import frame_prevalence

    result = frame_prevalence(
        corpus, labelled, model=model, by=by, columns=label_columns("text", label_column, labels_column),
        probability=probability, strata=strata, level=level / 100,
    )  # fmt: skip
    write_result(result, "json" if as_json else form, output)
