"""Checkpoints to and from transformers: safetensors and JSON only, never a pickle and never remote code.

:func:`export_model` writes a framelens checkpoint in transformers' own classes, so that
``transformers.pipeline("text-classification", model=folder)`` gives its scores without framelens. :func:`import_model` makes a
framelens checkpoint of any sequence classification model.

How a classifier of the tokens' mean fits into ``BertForSequenceClassification``, which looks at the first token only: it gets
one more encoder layer, whose queries are zero. That layer attends to all tokens alike, so what its first token receives is
the mean over tokens of any linear map of them, here of the frames head. :func:`_pooling_layer` says how the layer norms and the
tanh behind it are kept from changing it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from framelens.checkpoint import CARD, WEIGHTS, Checkpoint, open_checkpoint, replacing, write_text
from framelens.errors import CheckpointError, InputError, MissingExtraError
from framelens.schema import LabelSet

try:
    import torch
    from safetensors.torch import load_file
    from torch import Tensor
    from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer

    from framelens.export import export_checkpoint
    from framelens.modeling import FrameModel, load_base
except ImportError as error:
    if isinstance(error, MissingExtraError):
        raise
    raise MissingExtraError.for_extra("framelens.integrations.transformers", "train") from error

# Encoders whose attention is uniform where its queries are zero, and the two layers of their classification head: dense with tanh, linear.
_HEADS = {
    "bert": ("bert.pooler.dense", "classifier"),
    "roberta": ("classifier.dense", "classifier.out_proj"),
    "xlm-roberta": ("classifier.dense", "classifier.out_proj"),
}
_RESIDUAL = 1e-10  # size of the encoder's own output in the pooling layer
_SIGNAL = 1e-3  # size of a logit there, beside constants of size 1
_TANH = 1e-2  # by which it shrinks once more on its way into tanh
_THRESHOLDS = "framelens_thresholds"  # key in config.json
_LONGEST = 512  # tokens in a window of an imported model, if neither model nor tokenizer names less


def export_model(source: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Path:
    """Write a checkpoint so that transformers alone can read it.

    ``transformers.pipeline("text-classification", model=folder, top_k=None)`` then gives, for a sentence within the
    checkpoint's window, the calibrated probabilities of the *float* model, in float32. ``Classifier`` runs the int8 model, which
    differs by its quantisation. Thresholds are kept in ``config.json`` under ``framelens_thresholds``; transformers does not apply them.

    Args:
        source: a checkpoint folder or the name of a packaged one. Its encoder must be of the BERT or RoBERTa family.
        folder: to write; an empty one, a new one, or an earlier export, which is replaced.

    Returns:
        ``folder``.

    Raises:
        CheckpointError: the checkpoint is unusable, has no frames head, or its encoder is of another family.
        InputError: ``folder`` holds something else.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / "config.json").is_file():
        raise InputError(f"{folder} holds other files; accepted: a new or empty folder, or an earlier export")
    checkpoint = open_checkpoint(source, need=None)
    encoder, tokenizer = load_base(str(checkpoint.path))
    weights = load_file(checkpoint.file(WEIGHTS))
    if "frames.weight" not in weights:
        raise CheckpointError(f"{checkpoint.path}: no frames head in {WEIGHTS}; it holds {', '.join(sorted(weights)[:5])} ...")
    head = _calibrated(weights["frames.weight"].double(), weights["frames.bias"].double(), checkpoint.labels)
    model = _with_pooling_layer(encoder, head, checkpoint)
    with replacing(folder) as staging:
        model.save_pretrained(staging)
        tokenizer.save_pretrained(staging)
        card = checkpoint.file(CARD)
        if card.is_file():
            write_text(staging / CARD, card.read_text(encoding="utf-8"))
    return folder


def import_model(
    source: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    name: str | None = None,
    none_label: str | None = None,
    thresholds: Mapping[str, float] | None = None,
    max_length: int | None = None,
) -> Path:
    """Make a framelens checkpoint of a sequence classification model of transformers.

    What it gives is what ``classify`` runs: ONNX in int8, with the tokenizer and a manifest of checksums. Nothing is calibrated:
    probabilities are the model's own.

    Args:
        source: a folder, or a model id where a hub can be reached. Weights must be safetensors, and no code is run.
        folder: the checkpoint, to hand to :meth:`framelens.Classifier.load`; replaced if it is a checkpoint.
        name: of the checkpoint; the folder's name if left out.
        none_label: the label that means "no frame" (models with one label a sentence only).
        thresholds: the probability from which a label counts, for models with several labels a sentence; 0.5 where left out.
        max_length: tokens in a window; a longer sentence is read in several.

    Returns:
        ``folder``.

    Raises:
        CheckpointError: no safetensors weights, a model that needs code of its own, a regression model, no fast tokenizer, an export
            of :func:`export_model`, or an ONNX model whose logits are not those of torch.
        InputError: ``folder`` holds something else, or an unknown label.

    Examples:
        ``import_model("some-folder", "checkpoints/topics")``, then ``framelens classify article.txt --model checkpoints/topics``.
    """
    source, folder = str(source), Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / "manifest.json").is_file():
        raise InputError(f"{folder} holds other files; accepted: a new or empty folder, or a framelens checkpoint")
    options: dict[str, Any] = {"trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(source, **options)
        model, loaded = AutoModelForSequenceClassification.from_pretrained(
            source, use_safetensors=True, dtype=torch.float32, attn_implementation="eager", output_loading_info=True, **options
        )
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise CheckpointError(
            f"{source} cannot be loaded: {error}\naccepted: a sequence classification model with safetensors weights and no code of its own"
        ) from error
    if loaded["missing_keys"]:
        raise CheckpointError(
            f"{source} is no sequence classification model: it has no weights for {', '.join(sorted(loaded['missing_keys']))}"
        )
    if hasattr(config, _THRESHOLDS):
        raise CheckpointError(f"{source} was exported by framelens; use the checkpoint that it was made of")
    if config.problem_type == "regression" or (config.num_labels < 2 and config.problem_type != "multi_label_classification"):
        raise CheckpointError(f"{source} is a regression model; accepted: a classifier of one or several labels a sentence")
    if not getattr(tokenizer, "is_fast", False):
        raise CheckpointError(f"{source} has no fast tokenizer (tokenizer.json)")
    names = tuple(str(config.id2label[i]) for i in range(config.num_labels))
    several = config.problem_type == "multi_label_classification"
    if none_label is not None and (several or none_label not in names):
        raise InputError(f"none_label is {none_label!r}; accepted: one of {', '.join(names)}, where a sentence has one label")
    labels = LabelSet(names, several, thresholds=thresholds or {}, none_label=none_label)
    manifest = {
        "name": name or folder.name,
        "base_model": source,
        "max_length": max_length or _window(config, tokenizer),
    }
    encoder = AutoModel.from_config(config, dtype=torch.float32, attn_implementation="eager")
    encoder.load_state_dict(model.base_model.state_dict(), strict=False)  # some heads leave out the encoder's own pooler
    export_checkpoint(folder, _Imported(model, encoder), tokenizer, labels, manifest)
    return folder


class _Imported(FrameModel):
    """A model of transformers in the form that :func:`export_checkpoint` takes: its own head instead of ``frames``."""

    def __init__(self, model: Any, encoder: Any) -> None:
        super().__init__(encoder, model.config.num_labels)
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor, *_: Any, **__: Any) -> dict[str, Tensor]:
        """Logits of shape ``(batch, num_labels)``."""
        return {"logits": self.model(input_ids=input_ids, attention_mask=attention_mask).logits}

    def state_dict(self, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """What the checkpoint stores: the encoder, from which training may go on. The old head is in the ONNX model only."""
        if args or kwargs:  # torch's own calls, as when it traces the model
            return super().state_dict(*args, **kwargs)
        return {f"encoder.{key}": value for key, value in self.encoder.state_dict().items()}


def _window(config: Any, tokenizer: Any) -> int:
    positions = getattr(config, "max_position_embeddings", _LONGEST)
    if config.model_type in ("roberta", "xlm-roberta"):
        positions -= config.pad_token_id + 1  # positions are counted from behind the padding token's
    return int(min(positions, tokenizer.model_max_length, _LONGEST))


def _calibrated(weight: Tensor, bias: Tensor, labels: LabelSet) -> tuple[Tensor, Tensor]:
    """The head with its calibration in it: Platt's slope and intercept, or the inverse temperature."""
    default = labels.calibration.get("*", (1.0, 0.0))
    pairs = torch.tensor([labels.calibration.get(label, default) for label in labels.labels], dtype=torch.float64)
    return weight * pairs[:, :1], bias * pairs[:, 0] + pairs[:, 1]


def _with_pooling_layer(encoder: Any, head: tuple[Tensor, Tensor], checkpoint: Checkpoint) -> Any:
    """The encoder and its frames head as a sequence classification model of transformers."""
    config = AutoConfig.from_pretrained(checkpoint.path)
    if config.model_type not in _HEADS:
        raise CheckpointError(
            f"{checkpoint.path}: an encoder of type {config.model_type!r} cannot be written for transformers' own classes; "
            f"accepted: {', '.join(_HEADS)}"
        )
    names = checkpoint.labels.labels
    config.num_hidden_layers += 1
    config.id2label, config.label2id = dict(enumerate(names)), {name: i for i, name in enumerate(names)}
    config.problem_type = f"{'multi' if checkpoint.labels.multi_label else 'single'}_label_classification"
    setattr(config, _THRESHOLDS, {name: checkpoint.labels.threshold(name) for name in names})
    if 2 * len(names) + 2 > config.hidden_size:
        raise CheckpointError(f"{checkpoint.path}: {len(names)} labels do not fit into a width of {config.hidden_size}")
    model = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)
    state = {key: value for key, value in encoder.state_dict().items() if not key.startswith("pooler.")}
    model.base_model.load_state_dict(state, strict=False)
    model.eval()
    with torch.no_grad():
        _pooling_layer(model, head)
    return model


def _pooling_layer(model: Any, head: tuple[Tensor, Tensor]) -> None:
    """Set the last layer and the classification head so that the logits are ``weight @ mean(tokens) + bias``.

    With zero queries every token attends to all tokens alike, and the values carry ``weight`` applied to each. Two channels
    hold each label, with opposite signs; all others hold +1 and -1 in turn. So the mean over channels is 0 and their variance is
    known but for the square of ``_SIGNAL``, and a layer norm divides by a constant. The residual connection adds the encoder's
    output, made negligible by ``_RESIDUAL`` (floats keep their precision at any size). tanh is the identity near 0.
    """
    weight, bias = head
    labels, width = weight.shape
    before, last = model.base_model.encoder.layer[-2].output.LayerNorm, model.base_model.encoder.layer[-1]
    for parameter in last.parameters():
        parameter.zero_()
    before.weight.mul_(_RESIDUAL)
    before.bias.mul_(_RESIDUAL)
    last.attention.self.value.weight[:labels] = (weight * (_SIGNAL / _RESIDUAL)).float()
    out, constants = last.attention.output.dense, torch.arange(2 * labels, width - width % 2)
    for label in range(labels):
        out.weight[2 * label, label], out.weight[2 * label + 1, label] = 1.0, -1.0
    out.bias[constants] = 1.0 - 2.0 * (constants % 2)
    for norm in (last.attention.output.LayerNorm, last.output.LayerNorm):
        norm.weight.fill_((len(constants) / width + norm.eps) ** 0.5)
    dense, linear = (model.get_submodule(name) for name in _HEADS[model.config.model_type])
    for parameter in (*dense.parameters(), *linear.parameters()):
        parameter.zero_()
    for label in range(labels):
        dense.weight[label, 2 * label], dense.weight[label, 2 * label + 1] = _TANH / 2, -_TANH / 2
        linear.weight[label, label] = 1 / (_SIGNAL * _TANH)
    linear.bias[:] = bias.float()
