"""``framelens vary``."""

from __future__ import annotations

from pathlib import Path

import click

from framelens.cli.results import say_written


@click.command(short_help="Write variants of sentences for a teacher to label.")
@click.argument("texts", type=click.Path(path_type=Path))
@click.option("--copies", type=click.IntRange(min=1), default=2, show_default=True, help="Variants of each sentence.")
@click.option("--seed", type=int, default=13, show_default=True, help="Of the draw.")
@click.option("--text-column", default="text", show_default=True, help="Column of the sentence.")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False), help="JSONL to write.")
@click.option("--json", "as_json", is_flag=True, help='Print {"output": ..., "sentences": ...}.')
def vary(texts: Path, copies: int, seed: int, text_column: str, output: Path, as_json: bool) -> None:
    """Write variants of the sentences of TEXTS for a teacher to label: words dropped, cut, or joined with their neighbours.

    \b
    Examples:
      framelens vary pool.jsonl -o runs/soft/varied_texts.jsonl
    """
    from framelens.augmentation import vary as run

    number = run(texts, output, copies=copies, seed=seed, text_column=text_column)
    say_written(output, number, as_json)
