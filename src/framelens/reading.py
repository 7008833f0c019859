"""A torch model on sentences: what training looks at after each epoch, and how a teacher labels a pool."""

from __future__ import annotations

from typing import Any

import numpy as np

from framelens.data import LabelledSentences
from framelens.engine import Reading, softmax
from framelens.errors import MissingExtraError
from framelens.tokens import Tokens

try:
    import torch

    from framelens.features import Collator, features
    from framelens.modeling import FrameModel
except ImportError as error:
    raise MissingExtraError.for_extra("training", "train") from error


def read(
    model: FrameModel, tokenizer: Any, data: LabelledSentences, max_length: int, *, batch_size: int = 64, bf16: bool = False
) -> Reading:
    """The model's outputs for the sentences of ``data`` and the targets labelled there, in their order.

    Targets beyond ``max_length`` tokens get equal probabilities. ``bf16`` computes in bfloat16 where that is safe.
    """
    rows = features(data, tokenizer, data.labels, max_length)
    encoded = tokenizer(data.texts, truncation=True, max_length=max_length).encodings
    collate = Collator(tokenizer.pad_token_id)
    device = next(model.parameters()).device
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]["input_ids"]))
    logits: list[Any] = [None] * len(rows)
    sources: list[list[tuple[int, int, float]]] = [[] for _ in rows]
    stances: list[Any] = [np.zeros((0, 3))] * len(rows)
    model.eval()
    with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16, enabled=bf16):
        for start in range(0, len(order), batch_size):
            places = order[start : start + batch_size]
            batch = collate([rows[i] for i in places])
            inputs = ("input_ids", "attention_mask", "target_mask", "target_rows")
            out = {k: v.float().cpu().numpy() for k, v in model(**{k: batch[k].to(device) for k in inputs}).items()}
            for row, place in enumerate(places):
                if "logits" in out:
                    logits[place] = out["logits"][row]
                if "source" in out:
                    tokens = Tokens.of(encoded[place], data.sentences[place].text)
                    sources[place] = tokens.decode(out["source"][row, : len(tokens.ids)])
                if "stance" in out:
                    found = iter(out["stance"][batch["target_rows"].numpy() == row])
                    sentence = data.sentences[place]
                    tokens = Tokens.of(encoded[place], sentence.text)
                    masks = [tokens.mask((s.start, s.end)) for s in sentence.stances or ()]
                    stances[place] = np.array([softmax(next(found)) if any(m) else np.full(3, 1 / 3) for m in masks]).reshape(
                        -1, 3
                    )
    return Reading(
        np.array(logits) if model.frames is not None else None,
        sources if model.source is not None else None,
        stances if model.stance is not None else None,
    )
