"""``framelens evaluate``."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from framelens.cli.files import write_output
from framelens.cli.results import label_columns, result_options, write_result
from framelens.cli.style import complete_model, model_option

if TYPE_CHECKING:
    from framelens.evaluation import Evaluation


@click.command(short_help="Evaluate a model on held-out sentences.")
@model_option
@click.option("--against", shell_complete=complete_model, help="Another checkpoint, to be compared on the same sentences.")
@click.option("--data", type=click.Path(path_type=Path), help="Labelled sentences: .csv, .tsv, .jsonl or .parquet.")
@click.option(
    "--config", type=click.Path(path_type=Path), help="A training configuration, whose data are evaluated, instead of --data."
)
@click.option("--texts", type=click.Path(path_type=Path), help="File of the texts, if --data holds ids and labels only.")
@click.option("--text-column", default="text", show_default=True, help="Column of the sentence.")
@click.option("--label-column", help="Column with one label a row.")
@click.option("--labels-column", help="Column with several labels a row; comma-separated names mean 0/1 columns.")
@click.option("--split", help="Only rows whose split column says so, such as test (the default with --config).")
@click.option("--train", "seen", type=click.Path(path_type=Path), help="What the model was trained on, to check for leakage.")
@click.option("--by", multiple=True, help="Column to give results by, such as outlet or date:year; may be given several times.")
@click.option("--resamples", default=2000, show_default=True, help="Of the bootstrap over articles; 0 for no intervals.")
@click.option("--claim", default=5.0, show_default=True, help="Smallest difference in macro-F1 to be claimed, in points.")
@click.option(
    "--report", type=click.Path(path_type=Path, dir_okay=False), help="Write an HTML page with plots and errors here."
)
@click.option("--errors", type=click.Path(path_type=Path, dir_okay=False), help="Write all errors as CSV here.")
@click.option("--learning-curve", type=click.Path(path_type=Path), help="JSON of framelens learning-curve, for the report.")
@result_options
def evaluate(
    model: str, against: str | None, data: Path | None, config: Path | None, texts: Path | None, text_column: str,
    label_column: str | None, labels_column: str | None, split: str | None, seen: Path | None, by: tuple[str, ...],
    resamples: int, claim: float, report: Path | None, errors: Path | None, learning_curve: Path | None, form: str, as_json: bool,
    output: Path | None,
) -> None:  # fmt: skip
    """Evaluate a model on labelled sentences it has not seen, with 95% intervals by bootstrap over articles.

    \b
    Examples:
      framelens evaluate --data held-out.csv
      framelens evaluate --data all.jsonl --split test --by outlet --by date:year --report report.html
      framelens evaluate --model runs/mine/checkpoint --config mine.yaml --format latex
      framelens evaluate --model runs/mine/checkpoint --against default --data held-out.csv --json
    """
    from framelens.comparison import compare
    from framelens.evaluation import evaluate as run_evaluation
    from framelens.tables import joined

    if (data is None) == (config is None):
        raise click.UsageError("name either --data or --config")
    options: dict[str, Any] = {"resamples": resamples, "claim": claim / 100}
    source: Any = data
    if config is not None:
        if texts or seen or label_column or labels_column:
            raise click.UsageError("--config says where texts, labels and training sentences are; leave the other options out")
        source, options["seen"] = _from_config(config, split or "test")
    else:
        options |= {
            "columns": label_columns(text_column, label_column, labels_column),
            "texts": texts,
            "split": split,
            "seen": seen,
        }
    result = run_evaluation(model, source, by=by, **options)
    others = []
    if against is not None:
        others = [compare(run_evaluation(against, source, **options), result, resamples=resamples or 2000)]
    if report is not None:
        page = result.to_html(others=others, learning=_points(learning_curve))
        write_output(report, lambda stream: stream.write(page))
        click.echo(f"report: {report}", err=True)
    if errors is not None:
        write_output(errors, lambda stream: _write_errors(result, stream))
    write_result(joined([result, *others]), "json" if as_json else form, output)


def _from_config(path: Path, split: str) -> tuple[Any, Any]:
    """A split of a configuration's data, and the sentences the model was trained and tuned on."""
    from framelens.config import TrainingConfig
    from framelens.data import split_by_article
    from framelens.errors import ConfigError
    from framelens.training import load_training_data

    config = TrainingConfig.from_yaml(path)
    drawn = config.split
    parts = split_by_article(
        load_training_data(config), dev=drawn.dev, test=drawn.test, seed=drawn.seed, use_column=drawn.use_column
    )
    if not len(parts.get(split, ())):
        raise ConfigError(f"{path}: no sentence in split {split!r}; there are: {', '.join(p for p in parts if len(parts[p]))}")
    return parts[split], parts["train"] + parts["dev"] if split == "test" else parts["train"]


def _points(path: Path | None) -> list[dict[str, Any]]:
    import json

    from framelens.errors import DataError
    from framelens.learning import LearningCurve

    if path is None:
        return []
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return LearningCurve(content["name"], content["split"], tuple(content["points"])).means()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not a learning curve (framelens learning-curve --json): {error}") from error


def _write_errors(result: Evaluation, stream: TextIO) -> None:
    columns = ["id", "article_id", "where", "confidence", "labelled", "predicted", "before", "text", "after"]
    names = list(result.per_label)
    writer = csv.DictWriter(stream, [*columns, *(f"score_{name}" for name in names)])
    writer.writeheader()
    for error in result.errors:
        lists = {key: ";".join(error[key]) for key in ("labelled", "predicted")}
        scores = {f"score_{name}": error["scores"][name] for name in names}
        writer.writerow({**{key: error[key] for key in columns}, **lists, **scores})
