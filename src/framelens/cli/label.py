"""``framelens label``."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from framelens.labelling.session import Session


@click.command(short_help="Label sentences by keyboard or on a page.")
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Labels, one JSON object a row; resumed.",
)
@click.option("--annotator", required=True, help="Your name; several may share an output file, or have one each.")
@click.option(
    "--codebook", required=True, type=click.Path(path_type=Path),
    help="Markdown with labels as `label` in a table or as headings, or YAML with label: definition.",
)  # fmt: skip
@click.option("--labels", help="Only these of the codebook's labels, comma-separated, in this order.")
@click.option("--single", is_flag=True, help="Exactly one label a sentence.")
@click.option("--stand-off", is_flag=True, help="Keep ids and SHA-1 of the texts, but no text.")
@click.option("--page", is_flag=True, help="Label on a page in the browser, served to this machine alone.")
@click.option("--port", default=0, help="Of the page.  [default: a free one]")
@click.option("--text-column", default="text", show_default=True, help="Column of the sentence.")
@click.option("--id-column", default="id", show_default=True, help="Column of the sentence's id.")
@click.option("--article-column", default="article_id", show_default=True, help="Column of the article's id.")
@click.option("--json", "as_json", is_flag=True, help='Say at the end {"output": ..., "done": ..., "sentences": ...}.')
def label(
    data: Path, output: Path, annotator: str, codebook: Path, labels: str | None, single: bool, stand_off: bool, page: bool,
    port: int, text_column: str, id_column: str, article_column: str, as_json: bool,
) -> None:  # fmt: skip
    """Label the sentences in DATA by keyboard, with the codebook's definitions beside them.

    Every decision is on the disk before the next sentence comes; call again with the same output to go on. Skipped sentences are kept in
    NAME.skipped.jsonl beside the output.

    \b
    Examples:
      framelens label next.jsonl -o labels.jsonl --annotator ada --codebook CODEBOOK.md
      framelens label next.jsonl -o labels.jsonl --annotator ben --codebook CODEBOOK.md --page
      framelens label pool.csv -o mine.jsonl --annotator ada --codebook train.yaml --labels weather,economy
    """
    from framelens.labelling.codebook import read_codebook
    from framelens.labelling.sentences import read_sentences
    from framelens.labelling.session import Session

    names = [name.strip() for name in labels.split(",")] if labels else None
    sentences = read_sentences(data, text=text_column, id=id_column, article_id=article_column)
    session = Session(sentences, read_codebook(codebook, names), output, annotator, single=single, stand_off=stand_off)
    if page:
        _serve(session, port, as_json)
    else:
        from framelens.labelling.terminal import label_in_terminal

        if not sys.stdin.isatty():
            raise click.UsageError("labelling needs a terminal; --page labels in the browser")
        label_in_terminal(session)
    if as_json:
        described = {"output": str(session.file.path), "done": session.done, "sentences": len(session.sentences)}
        click.echo(json.dumps(described))
    else:
        said = f"{session.done} of {len(session.sentences)} sentences done; saved in {session.file.path}"
        click.echo(f"\n{said}", err=page)


def _serve(session: Session, port: int, as_json: bool) -> None:
    from framelens.labelling.page import LabelServer

    with LabelServer(session, port) as server:
        click.echo(json.dumps({"address": server.address}) if as_json else server.address)
        click.echo("Open this address in a browser on this machine; Ctrl-C ends.", err=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()
