"""What the verbs that read labels share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click


def label_columns(text: str, label: str | None, labels: str | None) -> Any:
    """:class:`framelens.Columns` from options, or None where nothing was said."""
    from framelens.data import Columns

    if label or labels:
        several: str | Sequence[str] | None = labels.split(",") if labels and "," in labels else labels
        return Columns(text=text, label=label, labels=several)
    if text != "text":
        raise click.UsageError("with --text-column, name --label-column or --labels-column too")
    return None
