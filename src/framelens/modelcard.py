"""The model card, written from the run itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from framelens.assessment import Assessment
from framelens.tables import markdown_table


def model_card(
    name: str,
    command: str,
    int8: Assessment,
    in_float: Assessment,
    splits: Mapping[str, Mapping[str, int]],
    sources: Sequence[str],
    settings: Mapping[str, Any],
    environment: Mapping[str, Any],
    seconds: float,
) -> str:
    """Markdown for the README.md of a checkpoint.

    Args:
        name: of the checkpoint.
        command: that makes it again.
        int8: the model as it is shipped, on the held-out splits.
        in_float: the model before quantisation.
        splits: by split, counts of sentences, articles and labels.
        sources: the data files.
        settings: of model and optimisation.
        environment: versions and machine.
        seconds: that the run took.
    """
    labels = int8.labels
    label_rows = [
        [n, f"{labels.threshold(n):.2f}" if labels.multi_label else "highest", labels.descriptions.get(n, "")]
        for n in labels.labels
    ]
    counted = list(dict.fromkeys(key for counts in splits.values() for key in counts))
    split_rows = [[split, *(str(counts.get(key, 0)) for key in counted)] for split, counts in splits.items()]
    parts = [
        f"# {name}",
        f"A framelens checkpoint: {'each sentence may carry several labels' if labels.multi_label else 'one label a sentence'}. "
        f"Made by `{command}` in {seconds / 60:.1f} minutes ({environment['machine']}).",
        "## Labels",
        markdown_table(["label", "threshold", "meaning"], label_rows),
        "## Data",
        "\n".join(f"- `{source}`" for source in sources),
        markdown_table(["split", *counted], split_rows),
        "No article is in two splits. Thresholds and calibration come from `dev`, whose figures are optimistic for that; "
        "this run used `test` for nothing but the figures below.",
        "## Quality of the int8 model",
    ]
    for split, evaluation in int8.evaluations.items():
        other = in_float.evaluations[split]
        parts += [
            f"### {split}: {evaluation.sentences} sentences of {evaluation.articles} articles",
            f"macro-F1 **{100 * evaluation.macro_f1:.1f}**, exact match {100 * evaluation.exact_match:.1f}; primary label: macro-F1 "
            f"**{100 * evaluation.primary['macro_f1']:.1f}**, accuracy {100 * evaluation.primary['accuracy']:.1f}. "
            f"In float: macro-F1 {100 * other.macro_f1:.1f}, primary {100 * other.primary['macro_f1']:.1f}.",
            markdown_table(*evaluation.label_table()),
        ]
    rows = [
        [split, task, metric, f"{100 * value:.1f}", f"{100 * in_float.tasks[split][task][metric]:.1f}"]
        for split, tasks in int8.tasks.items()
        for task, metrics in tasks.items()
        for metric, value in metrics.items()
    ]
    if rows:
        parts += ["### Source and stance", markdown_table(["split", "task", "metric", "int8", "float"], rows)]
    parts += [
        "## Settings",
        markdown_table(["setting", "value"], [[k, str(v)] for k, v in settings.items()]),
        "## Limits",
        "The model reads one sentence at a time, in English. It was measured on the data above and on nothing else; on other "
        "subjects, outlets or years, label a sample and run `framelens evaluate` before you publish shares.",
        "## Environment",
        markdown_table(["package", "version"], [[k, str(v)] for k, v in environment.items()]),
    ]
    return "\n\n".join(parts) + "\n"
