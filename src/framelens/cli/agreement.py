"""``framelens agreement``."""

from __future__ import annotations

from pathlib import Path

import click

from framelens.cli.results import result_options, write_result


@click.command(short_help="Agreement of annotators, and what to adjudicate.")
@click.argument("annotations", type=click.Path(path_type=Path))
@click.option("--texts", type=click.Path(path_type=Path), help="File with id and text, to show the sentences.")
@click.option("--resamples", default=2000, show_default=True, help="Of the bootstrap over articles.")
@result_options
def agreement(annotations: Path, texts: Path | None, resamples: int, form: str, as_json: bool, output: Path | None) -> None:
    """Krippendorff's alpha and Cohen's kappa per frame, and which sentences to adjudicate, the most contested first.

    ANNOTATIONS holds a sentence a row, with "annotators" (name -> frames), or an annotation a row, with id, annotator and frames
    (or labels, frame, label; several joined by ";").

    \b
    Examples:
      framelens agreement annotations.csv
      framelens agreement round1.jsonl --texts sentences.jsonl --json | jq .contested[].id
    """
    from framelens.agreement import annotator_agreement

    write_result(annotator_agreement(annotations, texts=texts, resamples=resamples), "json" if as_json else form, output)
