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
        save_file(
            {k: v.half().contiguous() for k, v in model.state_dict().items() if not k.startswith("loss.")}, staging / WEIGHTS
        )
        write_json(staging / ENCODER_CONFIG, _portable_config(model))
        write_json(staging / LABELS, labels.to_dict())
        tokenizer.backend_tokenizer.save(str(staging / TOKENIZER))
        to_onnx(model, exact)
        _check_against_torch(model, exact)
        with _quiet():
            quantize_dynamic(
                exact,
                quantized,
                weight_type=QuantType.QInt8,
                per_channel=True,
                # Type inference does not see through every operator.
                extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
            )
        optimise(quantized, staging / ONNX)
        write_manifest(staging, fields)


def to_onnx(model: FrameModel, path: Path) -> None:
    """Float ONNX with inputs ``input_ids`` and ``attention_mask`` (batch, length) and output ``logits``."""

    class LogitsOnly(torch.nn.Module):
        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            logits: torch.Tensor = model(input_ids, attention_mask)["logits"]
            return logits

    wrapper = LogitsOnly()
    wrapper.model = model
    wrapper.eval()
    ids, mask = _sample(model)
    with _quiet(), torch.no_grad():
        # The TorchScript exporter: its graph is the one that was measured (docs/speed.md), and it needs no further package.
        torch.onnx.export(
            wrapper,
            (ids, mask),
            str(path),
            dynamo=False,
            opset_version=17,
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_axes={
                "input_ids": {0: "batch", 1: "length"},
                "attention_mask": {0: "batch", 1: "length"},
                "logits": {0: "batch"},
            },
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
    ids, mask = _sample(model, rows=3, width=17)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    got = session.run(None, {"input_ids": ids.numpy(), "attention_mask": mask.numpy()})[0]
    with torch.no_grad():
        want = model.eval()(ids, mask)["logits"].numpy()
    gap = float(np.abs(got - want).max())
    if not gap < _TOLERANCE:
        raise CheckpointError(f"the ONNX model's logits differ from torch's by {gap:.2g}; accepted: below {_TOLERANCE}")


def _sample(model: FrameModel, rows: int = 2, width: int = 9) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(1, model.encoder.config.vocab_size, (rows, width), generator=generator)
    mask = torch.ones_like(ids)
    mask[-1, width // 2 :] = 0
    return ids, mask


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
