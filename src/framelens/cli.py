"""The command line: every verb of the API. Results go to stdout, progress and errors to stderr.

Exit status: 0 done, 1 a framelens error (bad input, data, configuration or checkpoint), 2 a wrong command line, 130 interrupted.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from framelens import __version__
from framelens.errors import FramelensError, InputError

if TYPE_CHECKING:
    from framelens.schema import Document

    _Writer = Callable[[Sequence[tuple[str, Document]], TextIO], None]

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class _Verbs(click.Group):
    """A group that turns framelens' own errors into one line on stderr and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FramelensError as error:
            click.echo(f"framelens: {error}", err=True)
            ctx.exit(1)


@click.group(cls=_Verbs, context_settings=_CONTEXT)
@click.version_option(__version__, prog_name="framelens")
def main() -> None:
    """Who frames what, how, and toward whom: framing analysis of news, sentence by sentence."""


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE|-...")
@click.option("--model", default="default", show_default=True, help="Name of a packaged checkpoint, or a folder.")
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

    named = [pair for file in files for pair in _articles(file, text_column, encoding)]
    classifier = Classifier.load(model, threads=threads)
    documents = classifier.classify([text for _, text in named], progress=sys.stderr.isatty())
    pairs = list(zip([name for name, _ in named], documents, strict=True))
    writers: dict[str, _Writer] = {"table": _write_table, "jsonl": _write_jsonl, "csv": _write_csv}
    write = writers["jsonl" if as_json else form]
    _to(output, lambda stream: write(pairs, stream))


@main.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, file_okay=False), help="Run folder, instead of the configuration's."
)
@click.option("--seed", type=int, help="Seed, instead of the configuration's.")
@click.option("--resume", is_flag=True, help="Go on with a run that was cut short.")
@click.option("--overwrite", is_flag=True, help="Replace the run in the output folder.")
@click.option("--json", "as_json", is_flag=True, help="Print metrics as JSON.")
def train(config: Path, output: Path | None, seed: int | None, resume: bool, overwrite: bool, as_json: bool) -> None:
    """Train on labelled sentences as CONFIG (YAML) says; evaluate, and write a checkpoint.

    \b
    Examples:
      framelens train configs/frames.yaml
      framelens train my-labels.yaml --output runs/second --seed 7
      framelens train configs/frames.yaml --resume
    """
    import logging
    from dataclasses import replace

    logging.basicConfig(format="%(message)s")
    from framelens.config import TrainingConfig
    from framelens.training import train as run_training

    settings: Path | TrainingConfig = config
    if output is not None or seed is not None:
        loaded = TrainingConfig.from_yaml(config)
        optimisation = loaded.optimisation if seed is None else replace(loaded.optimisation, seed=seed)
        settings = replace(loaded, output=output.resolve() if output else loaded.output, optimisation=optimisation)
    run = run_training(settings, resume=resume, overwrite=overwrite, progress=sys.stderr.isatty())
    if as_json:
        metrics = {split: evaluation.to_dict() for split, evaluation in run.metrics.items()}
        click.echo(json.dumps({"checkpoint": str(run.checkpoint), "seconds": run.seconds, "metrics": metrics}))
        return
    for split, evaluation in run.metrics.items():
        click.echo(f"[{split}] {evaluation.to_text()}\n")
    click.echo(f"{run.seconds / 60:.1f} minutes; checkpoint: {run.checkpoint}")


@main.command()
@click.option("--model", default="default", show_default=True, help="Name of a packaged checkpoint, or a folder.")
@click.option(
    "--data", required=True, type=click.Path(path_type=Path), help="Labelled sentences: .csv, .tsv, .jsonl or .parquet."
)
@click.option("--texts", type=click.Path(path_type=Path), help="File of the texts, if --data holds ids and labels only.")
@click.option("--text-column", default="text", show_default=True)
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
    click.echo(json.dumps(result.to_dict()) if as_json else result.to_text())


@main.command()
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("destination", type=click.Path(path_type=Path, file_okay=False))
def publish(source: Path, destination: Path) -> None:
    """Copy a verified checkpoint, or that of a run, to DESTINATION, replacing what is there.

    \b
    Example:
      framelens publish runs/frames models/default
    """
    from framelens.checkpoint import copy_checkpoint, open_checkpoint
    from framelens.runs import CHECKPOINT

    folder = source / CHECKPOINT if (source / CHECKPOINT).is_dir() else source
    manifest = open_checkpoint(folder, need=None).manifest
    copy_checkpoint(folder, destination)
    click.echo(f"{destination}: {manifest.get('name')} with {len(manifest['files'])} files")


def _articles(file: str, text_column: str, encoding: str) -> Iterator[tuple[str, str]]:
    """Name and text of each article in ``file``."""
    from framelens.readers import FORMATS, BadRow, decode, raise_bad_rows, read_rows

    if file == "-":
        data = sys.stdin.buffer.read()
        yield "stdin", decode(data, "standard input", encoding)
        return
    path = Path(file)
    if path.suffix.lower() not in FORMATS:
        try:
            yield file, decode(path.read_bytes(), file, encoding)
        except OSError as error:
            raise InputError(f"{file}: {error.strerror}") from error
        return
    bad = []
    for row in read_rows(path, encoding):
        if isinstance(row, BadRow):
            bad.append(row)
        elif isinstance(row.values.get(text_column), str):
            yield str(row.values.get("id") or row.where), row.values[text_column]
        else:
            bad.append(
                BadRow(row.where, f"no text in column {text_column!r}; the columns are {', '.join(map(str, row.values))}")
            )
    raise_bad_rows(bad)


def _to(output: Path | None, write: Callable[[TextIO], None]) -> None:
    """Write to stdout, or to a file that appears only when it is whole."""
    if output is None:
        write(sys.stdout)
        return
    temporary = output.with_name(f".{output.name}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            write(stream)
        temporary.replace(output)
    except OSError as error:
        raise InputError(f"{output}: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _write_jsonl(documents: Sequence[tuple[str, Document]], stream: TextIO) -> None:
    for name, document in documents:
        stream.write(json.dumps({"name": name, **document.to_dict()}, ensure_ascii=False) + "\n")


def _write_csv(documents: Sequence[tuple[str, Document]], stream: TextIO) -> None:
    labels = documents[0][1].labels if documents else ()
    columns = [
        "name",
        "sentence",
        "start",
        "end",
        "text",
        "frame",
        "frames",
        *(f"score_{x}" for x in labels),
        "source",
        "stances",
    ]
    writer = csv.DictWriter(stream, columns)
    writer.writeheader()
    for name, document in documents:
        writer.writerows({"name": name, **row} for row in document.to_rows())


def _write_table(documents: Sequence[tuple[str, Document]], stream: TextIO) -> None:
    from shutil import get_terminal_size

    from framelens.tables import shorten, text_table

    coloured = stream.isatty()
    for number, (name, document) in enumerate(documents):
        if len(documents) > 1:
            stream.write(f"{'' if number == 0 else chr(10)}{click.style(name, bold=True) if coloured else name}\n")
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
            colour = _colour(document, sentence.frame) if coloured and sentence and sentence.frame else None
            stream.write((click.style(line, fg=colour) if colour else line) + "\n")
        shares = ", ".join(f"{label} {share:.0%}" for label, share in document.frame_shares().items())
        stream.write(f"{len(document)} sentences: {shares}\n")


def _colour(document: Document, frame: str) -> str:
    palette = ("yellow", "cyan", "green", "magenta", "blue", "red")
    return palette[document.labels.index(frame) % len(palette)]


if __name__ == "__main__":
    main()
