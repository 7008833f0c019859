"""A trained model to a checkpoint folder: safetensors, an optimised ONNX graph in int8, tokenizer, labels, manifest."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from framelens.checkpoint import ENCODER_CONFIG, LABELS, ONNX, TOKENIZER, WEIGHTS, replacing, write_json, write_manifest
from framelens.engine import SLOW_FUSIONS
from framelens.errors import CheckpointError, MissingExtraError
from framelens.schema import LabelSet

try:
    import onnx
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from safetensors.torch import save_file

    from framelens.modeling import FrameModel
except ImportError as error:
    raise MissingExtraError.for_extra("exporting a checkpoint", "train") from error

_TOLERANCE = 1e-3  # of a float ONNX logit against torch's
_HEADS = (("logits", "frames"), ("source", "source"), ("stance", "stance"))  # output and head
_AXES = {
    "input_ids": {0: "batch", 1: "length"},
    "attention_mask": {0: "batch", 1: "length"},
    "target_mask": {0: "targets", 1: "length"},
    "target_rows": {0: "targets"},
    "logits": {0: "batch"},
    "source": {0: "batch", 1: "length"},
    "stance": {0: "targets"},
}


def export_checkpoint(folder: Path, model: FrameModel, tokenizer: Any, labels: LabelSet, fields: Mapping[str, Any]) -> None:
    """Write a checkpoint: all of it, or nothing.

    Args:
        folder: replaced if it exists.
        model: a trained model; not changed.
        tokenizer: a fast tokenizer of transformers.
        labels: labels with thresholds and calibration.
        fields: what the manifest says besides files: ``name``, ``base_model``, ``max_length``, metrics ...

    Raises:
        CheckpointError: the float ONNX model does not give the logits that torch gives.
    """
    with replacing(folder) as staging, tempfile.TemporaryDirectory() as scratch:
        exact, quantized = Path(scratch) / "float.onnx", Path(scratch) / "int8.onnx"
        save_file({k: v.half().contiguous() for k, v in model.state_dict().items()}, staging / WEIGHTS)
        write_json(staging / ENCODER_CONFIG, _portable_config(model))
        write_json(staging / LABELS, labels.to_dict())
        tokenizer.backend_tokenizer.save(str(staging / TOKENIZER))
        to_onnx(model, exact)
        _check_against_torch(model, exact)
        with _quiet():
            heads = [node.name for node in onnx.load(exact).graph.node if not node.name.startswith("/model/encoder/")]
            quantize_dynamic(
                exact,
                quantized,
                nodes_to_exclude=heads,  # small beside the encoder, and what they give is the answer
                weight_type=QuantType.QInt8,
                per_channel=True,
                # Type inference does not see through every operator.
                extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
            )
        optimise(quantized, staging / ONNX)
        write_manifest(staging, fields)


def to_onnx(model: FrameModel, path: Path) -> None:
    """Float ONNX.

    Inputs are ``input_ids`` and ``attention_mask`` (batch, length), and for a stance head ``target_mask`` (targets, length) and
    ``target_rows`` (targets); outputs ``logits``, ``source`` and ``stance`` of the heads that there are.
    """
    outputs = [name for name, head in _HEADS if getattr(model, head) is not None]

    class Outputs(torch.nn.Module):
        def forward(self, *inputs: torch.Tensor) -> tuple[torch.Tensor, ...]:
            found = model(*inputs)
            return tuple(found[name] for name in outputs)

    wrapper = Outputs()
    wrapper.model = model
    wrapper.eval()
    inputs = _sample(model)
    with _quiet(), torch.no_grad():
        # The TorchScript exporter: its graph is the one that was measured (docs/speed.md), and it needs no further package.
        torch.onnx.export(
            wrapper,
            tuple(inputs.values()),
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes={name: axes for name, axes in _AXES.items() if name in inputs or name in outputs},
        )


def optimise(source: Path, target: Path) -> None:
    """Let ONNX Runtime fold and fuse a graph, except where its fused operator is the slower one (``SLOW_FUSIONS``)."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED  # nothing tied to this processor
    options.optimized_model_filepath = str(target)
    onnxruntime.InferenceSession(
        str(source), sess_options=options, providers=["CPUExecutionProvider"], disabled_optimizers=list(SLOW_FUSIONS)
    )


def _check_against_torch(model: FrameModel, path: Path) -> None:
    inputs = _sample(model, rows=3, width=17)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [node.name for node in session.get_outputs()]
    got = session.run(names, {name: value.numpy() for name, value in inputs.items()})
    with torch.no_grad():
        want = model.eval()(**inputs)
    for name, values in zip(names, got, strict=True):
        gap = float(np.abs(values - want[name].numpy()).max())
        if not gap < _TOLERANCE:
            raise CheckpointError(f"the ONNX model's {name!r} differs from torch's by {gap:.2g}; accepted: below {_TOLERANCE}")


def _sample(model: FrameModel, rows: int = 2, width: int = 9) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(1, model.encoder.config.vocab_size, (rows, width), generator=generator)
    mask = torch.ones_like(ids)
    mask[-1, width // 2 :] = 0
    inputs = {"input_ids": ids, "attention_mask": mask}
    if model.stance is not None:
        inputs["target_mask"] = torch.eye(rows + 1, width)
        inputs["target_rows"] = torch.arange(rows + 1) % rows
    return inputs


def _portable_config(model: FrameModel) -> dict[str, Any]:
    """The encoder's configuration without the machine it was made on."""
    config: dict[str, Any] = model.encoder.config.to_dict()
    return {k: v for k, v in config.items() if k not in ("_name_or_path", "transformers_version") and not k.startswith("_attn")}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the exporters' own warnings, of no use to our callers, off the screen."""
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previous)
