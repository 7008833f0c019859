"""``framelens soften``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from framelens.cli.results import say_written


@click.command(short_help="Write a teacher's probabilities for a student.")
@click.argument("texts", type=click.Path(path_type=Path))
@click.option("--teacher", "teachers", multiple=True, required=True, help="Checkpoint or run folder; several are averaged.")
@click.option(
    "--leave-out", type=click.Path(path_type=Path), help="A training configuration: its dev and test articles are left out."
)
@click.option("--text-column", default="text", show_default=True, help="Column of the sentence.")
@click.option("--bf16", is_flag=True, help="Compute in bfloat16: faster where the processor has instructions for it.")
@click.option("--output", "-o", required=True, type=click.Path(path_type=Path, dir_okay=False), help="JSONL to write.")
@click.option("--json", "as_json", is_flag=True, help='Print {"output": ..., "sentences": ...}.')
def soften(
    texts: Path, teachers: Sequence[str], leave_out: Path | None, text_column: str, bf16: bool, output: Path, as_json: bool
) -> None:  # fmt: skip
    """Write a teacher's probabilities for the sentences of TEXTS, for a student to learn from.

    \b
    Examples:
      framelens soften pool.jsonl --teacher runs/teacher --leave-out configs/teacher.yaml -o runs/teacher/soft_labels.jsonl
    """
    from framelens.config import TrainingConfig
    from framelens.data import split_by_article
    from framelens.distillation import soften as run
    from framelens.runs import checkpoint_in
    from framelens.training import load_training_data

    held_out: set[str] = set()
    if leave_out is not None:
        parts = split_by_article(load_training_data(TrainingConfig.from_yaml(leave_out)))
        held_out = {article for name in ("dev", "test") for article in parts[name].articles}
    folders = [checkpoint_in(teacher) for teacher in teachers]
    number = run(folders, texts, output, leave_out=held_out, text_column=text_column, bf16=bf16)
    say_written(output, number, as_json)
