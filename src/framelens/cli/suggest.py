"""``framelens suggest``."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from framelens.cli.files import write_output
from framelens.cli.style import complete_model

if TYPE_CHECKING:
    from framelens.labelling.suggesting import Suggestion


@click.command(short_help="Choose the sentences to label next.")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("-n", "--number", type=click.IntRange(min=1), default=50, show_default=True, help="Sentences to choose.")
@click.option(
    "--model", default="default", show_default=True, shell_complete=complete_model,
    help="The checkpoint that may be unsure.",
)  # fmt: skip
@click.option(
    "--labelled", type=click.Path(path_type=Path),
    help="Sentences that are labelled already, to be left out, with the label column frames, labels, frame or label.",
)  # fmt: skip
@click.option("--fit", is_flag=True, help="Ask a quick model fitted on --labelled, instead of a checkpoint.")
@click.option("--new-articles", is_flag=True, help="Leave out whole articles that hold, or nearly repeat, a labelled sentence.")
@click.option(
    "--per-article", type=click.IntRange(min=1), help="At most so many of one article.  [default: twice an even share]"
)
@click.option(
    "--measure", type=click.Choice(["margin", "entropy"]), default="entropy", show_default=True, help="Of uncertainty."
)
@click.option("--encoder", default="auto", show_default=True, help="For likeness: a base model, a checkpoint, or tfidf.")
@click.option("--text-column", default="text", show_default=True, help="Column of the sentence.")
@click.option("--id-column", default="id", show_default=True, help="Column of the sentence's id.")
@click.option("--article-column", default="article_id", show_default=True, help="Column of the article's id.")
@click.option("--seed", default=13, show_default=True, help="Of the draw.")
@click.option("--json", "form", flag_value="json", help="JSON lines, which 'framelens label' reads.")
@click.option("--csv", "form", flag_value="csv", help="CSV, which it reads too.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write here; .jsonl and .csv choose the format."
)
def suggest(
    data: Path, number: int, model: str, labelled: Path | None, fit: bool, new_articles: bool, per_article: int | None,
    measure: Any, encoder: str, text_column: str, id_column: str, article_column: str, seed: int, form: str | None,
    output: Path | None,
) -> None:  # fmt: skip
    """Choose what to label next from the sentences in DATA: what a model is unsure of, varied, over many articles.

    \b
    Examples:
      framelens suggest pool.jsonl -n 200 -o next.jsonl
      framelens suggest pool.csv --labelled done.jsonl --fit --per-article 3
      framelens suggest pool.jsonl --labelled done.jsonl --new-articles -o next.csv
    """
    from framelens.labelling.sentences import read_sentences
    from framelens.labelling.suggesting import suggest as run_suggest

    if (fit or new_articles) and labelled is None:
        raise click.UsageError("--fit and --new-articles need --labelled")
    chosen = run_suggest(
        read_sentences(data, text=text_column, id=id_column, article_id=article_column),
        number,
        model=None if fit else model,
        labelled=labelled,
        encoder=encoder,
        per_article=per_article,
        new_articles=new_articles,
        measure=measure,
        seed=seed,
    )
    if form is None and output is not None:
        form = {".jsonl": "json", ".csv": "csv"}.get(output.suffix.lower())
    write_output(output, lambda stream: _write(chosen, form, stream))
    if output is not None:
        articles = len({s.article_id or s.id for s in chosen})
        click.echo(f"{output}: {len(chosen)} sentences of {articles} articles", err=True)


def _write(chosen: Sequence[Suggestion], form: str | None, stream: TextIO) -> None:
    if form is None:
        from framelens.labelling.suggesting import suggestion_table

        stream.write(suggestion_table(chosen) + "\n")
    elif form == "json":
        stream.writelines(json.dumps(s.to_dict(), ensure_ascii=False) + "\n" for s in chosen)
    else:
        rows = [
            {**s.to_dict(), "predicted": ";".join(s.predicted), "scores": json.dumps(s.scores, ensure_ascii=False)}
            for s in chosen
        ]
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
