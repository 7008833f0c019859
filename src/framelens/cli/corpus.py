"""``framelens corpus``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from framelens.cli.style import model_option

QUARANTINED = 3  # exit status of a run that is whole but for rows that are no article


@click.command(short_help="Classify a corpus of any size to Parquet.")
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.argument("output", type=click.Path(path_type=Path, file_okay=False), metavar="OUT")
@model_option
@click.option("--text-column", default="text", show_default=True, help="Column of the text.")
@click.option("--id-column", default="id", show_default=True, help="Column of the article's id; file:row where there is none.")
@click.option(
    "--carry",
    help="Columns to carry through to every sentence, comma-separated; NAME=COLUMN renames. All if left out; '' none.",
)
@click.option("--no-text", is_flag=True, help="Leave out the sentences' text, and write its place only.")
@click.option("--partition-by", metavar="COLUMNS", help="Carried columns that become folders column=value, comma-separated.")
@click.option("--target", "targets", multiple=True, help="Whom to find the stance toward; may be repeated.")
@click.option("--encoding", default="utf-8", show_default=True, help="Of text formats.")
@click.option("--shard-size", type=click.IntRange(min=1), default=500, show_default=True, help="Articles written as one.")
@click.option("--batch-tokens", type=click.IntRange(min=1), help="Tokens in one batch of the model.")
@click.option("--device", default="cpu", show_default=True, help="cpu or cuda.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the model; all cores if left out (with Ray: 1).")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True,
    help="This process, or a Ray cluster.",
)  # fmt: skip
@click.option("--workers", help="With Ray: how many models to load, as 8 or 2:64 (autoscaling).")
@click.option("--overwrite", is_flag=True, help="Replace the run in OUT.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as JSON.")
def corpus(
    inputs: Sequence[str], output: Path, model: str, text_column: str, id_column: str, carry: str | None, no_text: bool,
    partition_by: str | None, targets: Sequence[str], encoding: str, shard_size: int, batch_tokens: int | None, device: str,
    threads: int | None, engine: str, workers: str | None, overwrite: bool, as_json: bool,
) -> None:  # fmt: skip
    """Classify a corpus of any size: files, folders or patterns IN to Parquet files in the folder OUT, a row per sentence.

    IN is .parquet, .csv, .tsv, .jsonl (an article a row) or .txt (an article each), text formats also with .gz or .zst. A run
    that was cut short goes on with the same command, and each article is in OUT exactly once. Rows that are no article are
    listed in OUT/quarantine.jsonl, and the exit status is then 3.

    \b
    Examples:
      framelens corpus articles.parquet frames
      framelens corpus 'news/2024-*.jsonl.gz' more.csv frames --carry outlet,date
      framelens corpus texts/ frames --no-text --shard-size 5000
      framelens corpus articles/ frames --engine ray --workers 2:64
      duckdb -c "select frame, count(*) from 'frames/data/**/*.parquet' group by frame"
    """
    from framelens.corpus import classify_corpus
    from framelens.engine import DEFAULT_BATCH_TOKENS

    result = classify_corpus(
        inputs,
        output,
        model=model,
        engine=engine,
        text_column=text_column,
        id_column=id_column,
        carry=None if carry is None else dict(_pair(word) for word in _words(carry)),
        with_text=not no_text,
        partition_by=_words(partition_by),
        targets=list(targets) or None,
        encoding=encoding,
        shard_size=shard_size,
        batch_tokens=batch_tokens or DEFAULT_BATCH_TOKENS,
        device=device,
        threads=threads,
        workers=_bounds(workers),
        overwrite=overwrite,
        progress=sys.stderr.isatty(),
    )
    if result.left_out:
        click.echo(f"framelens: {len(result.left_out)} files of other endings left out, such as {result.left_out[0]}", err=True)
    if as_json:
        click.echo(json.dumps(asdict(result), default=str))
    else:
        click.echo(f"{result.folder}: {result.articles} articles, {result.sentences} sentences in {result.seconds:.1f} s")
    if result.quarantine:
        click.echo(f"framelens: {result.unusable} unusable rows, listed in {result.quarantine}", err=True)
        raise click.exceptions.Exit(QUARANTINED)


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _pair(word: str) -> tuple[str, str]:
    name, _, column = word.partition("=")
    return name, column or name


def _bounds(workers: str | None) -> int | tuple[int, int] | None:
    if workers is None:
        return None
    low, _, high = workers.partition(":")
    try:
        bounds = int(low), int(high or low)
    except ValueError:
        bounds = (0, 0)
    if not 1 <= bounds[0] <= bounds[1]:
        raise click.BadParameter(f"{workers!r}; accepted: a number such as 8, or bounds such as 2:64", param_hint="--workers")
    return bounds
