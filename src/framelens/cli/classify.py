"""``framelens classify``."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from framelens.cli.files import articles, write_output
from framelens.cli.style import coloured, model_option

if TYPE_CHECKING:
    from framelens.schema import Document

    _Writer = Callable[[Sequence[tuple[str, Document]], TextIO], None]


@click.command(short_help="Read articles and show the frames of every sentence.")
@click.argument("files", nargs=-1, required=True, metavar="FILE|-...")
@model_option
@click.option(
    "--format", "form", type=click.Choice(["table", "jsonl", "csv"]), default="table", show_default=True,
    help="table: for people; jsonl: one document a line, with everything; csv: one sentence a row.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The same as --format jsonl.")
@click.option(
    "--text-column", default="text", show_default=True, help="Column of the text in .csv, .tsv, .jsonl and .parquet files."
)
@click.option("--encoding", default="utf-8", show_default=True, help="Of text files.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the model; all cores if left out.")
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write here instead of to stdout.")
def classify(
    files: Sequence[str],
    model: str,
    form: str,
    as_json: bool,
    text_column: str,
    encoding: str,
    threads: int | None,
    output: Path | None,
) -> None:
    """Read articles and show the frames of every sentence.

    A FILE is one article, or, if it ends in .csv, .tsv, .jsonl or .parquet, one article a row. "-" is standard input.

    \b
    Examples:
      framelens classify article.txt
      cat article.txt | framelens classify -
      framelens classify articles/*.txt --format csv -o sentences.csv
      framelens classify articles.jsonl --json | jq .sentences[].frame
    """
    from framelens.classifier import Classifier

    named = [pair for file in files for pair in articles(file, text_column, encoding)]
    classifier = Classifier.load(model, threads=threads)
    documents = classifier.classify([text for _, text in named], progress=sys.stderr.isatty())
    pairs = list(zip([name for name, _ in named], documents, strict=True))
    writers: dict[str, _Writer] = {"table": _write_table, "jsonl": _write_jsonl, "csv": _write_csv}
    write = writers["jsonl" if as_json else form]
    write_output(output, lambda stream: write(pairs, stream))


def _write_jsonl(documents: Sequence[tuple[str, Document]], stream: TextIO) -> None:
    for name, document in documents:
        stream.write(json.dumps({"name": name, **document.to_dict()}, ensure_ascii=False) + "\n")


def _write_csv(documents: Sequence[tuple[str, Document]], stream: TextIO) -> None:
    from framelens.schema import Document, Sentence

    labels = documents[0][1].labels if documents else ()
    (blank,) = Document("", (Sentence("", 0, 0),), labels).to_rows()
    writer = csv.DictWriter(stream, ["name", *blank])
    writer.writeheader()
    for name, document in documents:
        writer.writerows({"name": name, **row} for row in document.to_rows())


def _write_table(documents: Sequence[tuple[str, Document]], stream: TextIO) -> None:
    from shutil import get_terminal_size

    from framelens.tables import shorten, text_table

    colours = coloured(stream)
    for number, (name, document) in enumerate(documents):
        if len(documents) > 1:
            stream.write(f"{'' if number == 0 else chr(10)}{click.style(name, bold=True) if colours else name}\n")
        if not document.sentences:
            stream.write("no sentences\n")
            continue
        frames = [" + ".join(s.frames) or "-" for s in document.sentences]
        scores = [f"{s.scores[s.frame]:.2f}" if s.frame else "" for s in document.sentences]
        room = max(get_terminal_size((120, 24)).columns - max(map(len, [*frames, "frames"])) - 15, 30)
        rows = [
            [str(i + 1), frame, score, shorten(s.text, room)]
            for i, (s, frame, score) in enumerate(zip(document.sentences, frames, scores, strict=True))
        ]
        lines = text_table(["#", "frames", "score", "sentence"], rows).split("\n")
        for line, sentence in zip(lines, [None, None, *document.sentences], strict=True):
            colour = _colour(document, sentence.frame) if colours and sentence and sentence.frame else None
            stream.write((click.style(line, fg=colour) if colour else line) + "\n")
        shares = ", ".join(f"{label} {share:.0%}" for label, share in document.frame_shares().items())
        stream.write(f"{len(document)} sentence{'s' * (len(document) != 1)}: {shares}\n")


def _colour(document: Document, frame: str) -> str:
    palette = ("yellow", "cyan", "green", "magenta", "blue", "red")
    return palette[document.labels.index(frame) % len(palette)]
