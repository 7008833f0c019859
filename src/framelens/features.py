"""Labelled sentences to tensors: what the model sees in training and evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from framelens.data import LabelledSentences
from framelens.errors import MissingExtraError
from framelens.tokens import IGNORED, Tokens

try:
    import torch
except ImportError as error:
    raise MissingExtraError.for_extra("training", "train") from error


def features(data: LabelledSentences, tokenizer: Any, labels: Sequence[str], max_length: int) -> list[dict[str, Any]]:
    """One dictionary per sentence for :class:`Collator`.

    Args:
        data: the sentences.
        tokenizer: a fast tokenizer of transformers.
        labels: in the order of the model's outputs.
        max_length: longer sentences are cut; a target beyond the cut is left out.
    """
    encoded = tokenizer(data.texts, truncation=True, max_length=max_length)
    rows = []
    for index, (sentence, targets) in enumerate(zip(data, data.targets(labels), strict=True)):
        tokens = Tokens.of(encoded.encodings[index], sentence.text)
        masks = [(tokens.mask((s.start, s.end)), s.distribution) for s in sentence.stances or ()]
        kept = [(mask, distribution) for mask, distribution in masks if any(mask)]
        rows.append(
            {
                "input_ids": tokens.ids,
                "labels": targets,
                "source_tags": [IGNORED] * len(tokens.ids) if sentence.source is None else tokens.tags(sentence.source),
                "target_mask": [mask for mask, _ in kept],
                "stance_labels": [list(distribution) for _, distribution in kept],
            }
        )
    return rows


class Collator:
    """Pads a batch of :func:`features` to its longest sentence; targets of all its sentences stand one after the other."""

    def __init__(self, pad_token_id: int) -> None:
        self.pad_token_id = pad_token_id

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Tensors as :meth:`framelens.modeling.FrameModel.forward` takes them."""
        width = max(len(row["input_ids"]) for row in rows)

        def padded(values: Sequence[Sequence[int]], filler: int) -> torch.Tensor:
            tensor = torch.full((len(values), width), filler, dtype=torch.long)
            for index, value in enumerate(values):
                tensor[index, : len(value)] = torch.tensor(value, dtype=torch.long)
            return tensor

        return {
            "input_ids": padded([row["input_ids"] for row in rows], self.pad_token_id),
            "attention_mask": padded([[1] * len(row["input_ids"]) for row in rows], 0),
            "labels": torch.tensor([row["labels"] for row in rows], dtype=torch.float32),
            "source_tags": padded([row["source_tags"] for row in rows], IGNORED),
            "target_mask": padded([mask for row in rows for mask in row["target_mask"]], 0).float(),
            "target_rows": torch.tensor([i for i, row in enumerate(rows) for _ in row["target_mask"]], dtype=torch.long),
            "stance_labels": torch.tensor([x for row in rows for x in row["stance_labels"]], dtype=torch.float32).reshape(
                -1, 3
            ),
        }
