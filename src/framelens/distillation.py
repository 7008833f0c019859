"""A teacher's soft labels for unlabelled sentences, from which a smaller student learns (Hinton et al. 2015)."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from framelens.checkpoint import write_text
from framelens.classifier import probabilities
from framelens.data import LabelledSentence, LabelledSentences, sha1
from framelens.errors import DataError
from framelens.modeling import load_model
from framelens.readers import BadRow, raise_bad_rows, read_rows
from framelens.reading import read


def soften(
    teachers: Sequence[str | Path],
    texts: str | Path,
    output: str | Path,
    *,
    leave_out: Collection[str] = (),
    text_column: str = "text",
    batch_size: int = 64,
    bf16: bool = False,
) -> int:
    """Write the mean of the teachers' calibrated probabilities for every sentence of a file.

    Args:
        teachers: checkpoint folders with the same labels; read in float, not int8.
        texts: a file with a text column, and ``id`` and ``article_id`` where it has them; the id of a row without is its SHA-1.
        output: JSONL of stand-off rows (``id``, ``article_id``, ``sha1`` of the text, ``split`` train, ``scores``), which
            :class:`framelens.Columns` reads with ``scores="scores"``.
        leave_out: articles that must not be learnt from: those of development and test.
        text_column: column of the text.
        batch_size: sentences at a time.
        bf16: compute in bfloat16 where that is safe.

    Returns:
        The number of rows written.

    Raises:
        DataError: unusable rows, or teachers with different labels.
        CheckpointError: a teacher cannot be loaded.
    """
    rows = _sentences(texts, text_column, leave_out)
    data = LabelledSentences(tuple(LabelledSentence(text=row[text_column], framed=False) for row in rows), (), True)
    summed: Any = 0.0
    labels: tuple[str, ...] | None = None
    for teacher in teachers:
        model, tokenizer, checkpoint = load_model(teacher)
        if labels not in (None, checkpoint.labels.labels):
            raise DataError(f"{teacher} has the labels {', '.join(checkpoint.labels.labels)}; the first teacher has {labels}")
        labels = checkpoint.labels.labels
        reading = read(model, tokenizer, data, checkpoint.max_length, batch_size=batch_size, bf16=bf16)
        summed = summed + probabilities(np.asarray(reading.logits), checkpoint.labels)
    mean = summed / len(teachers)
    lines = [
        json.dumps(
            {
                "id": row.get("id") or sha1(row[text_column]),
                "article_id": row.get("article_id"),
                "split": "train",
                "sha1": sha1(row[text_column]),
                "scores": {name: round(float(p), 4) for name, p in zip(labels or (), scores, strict=True)},
            }
        )
        for row, scores in zip(rows, mean, strict=True)
    ]
    write_text(Path(output), "\n".join(lines) + "\n")
    return len(lines)


def _sentences(texts: str | Path, text_column: str, leave_out: Collection[str]) -> list[Any]:
    found: dict[str, Any] = {}  # by text: a sentence that comes twice is read once
    bad = []
    for row in read_rows(Path(texts)):
        if isinstance(row, BadRow):
            bad.append(row)
        elif not isinstance(row.values.get(text_column), str):
            bad.append(
                BadRow(row.where, f"no text in column {text_column!r}; the columns are {', '.join(map(str, row.values))}")
            )
        elif row.values.get("article_id") not in leave_out:
            found.setdefault(row.values[text_column], row.values)
    raise_bad_rows(bad)
    return list(found.values())
