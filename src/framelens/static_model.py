"""The network of the fast tier, in torch: static vectors of word pieces, windows of three, the maximum over the sentence.

The start is what model2vec does (Tulkens and van Dongen 2024): each word piece goes through the encoder alone, the results are
reduced by principal components and weighted by expected frequency. On top stands a convolution with the maximum over time
(Kim 2014) beside the mean of the vectors. As the vectors are static, the convolution of each word piece is worked out
once, at export: what is left for inference is to look rows up in int8 tables, add them, and take a maximum.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from framelens.errors import MissingExtraError

try:
    import onnx
    import torch
    from onnx import TensorProto, helper, numpy_helper
    from sklearn.decomposition import PCA
    from torch import Tensor, nn
except ImportError as error:
    raise MissingExtraError.for_extra("training a fast checkpoint", "train") from error

PAD = 0
_WINDOW = 3
_SIF = 1e-4
_LOW = -1e4  # below any activation


class StaticModel(nn.Module):
    """Word-piece vectors, their mean, the maximum over windows of three, and a linear head over both.

    Args:
        vectors: shape ``(vocabulary, dims)``: where the vectors start.
        channels: features of a window.
        num_labels: outputs.
        dropout: on the features of a sentence.
    """

    def __init__(self, vectors: np.ndarray[Any, Any], channels: int, num_labels: int, dropout: float) -> None:
        super().__init__()
        self.vectors = nn.Embedding(vectors.shape[0], vectors.shape[1], sparse=True, _weight=torch.tensor(vectors).float())
        dims = vectors.shape[1]
        self.windows = nn.Conv1d(dims, channels, _WINDOW, padding=_WINDOW // 2)
        self.dropout = nn.Dropout(dropout)
        self.frames = nn.Linear(dims + channels, num_labels)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Logits of shape ``(batch, num_labels)`` for ids and mask of shape ``(batch, length)``."""
        mask = attention_mask.unsqueeze(-1).to(torch.float32)
        vectors = self.vectors(input_ids) * mask
        mean = vectors.sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        found = self.windows(vectors.transpose(1, 2)).transpose(1, 2)
        strongest = torch.relu((found + _LOW * (1 - mask)).amax(dim=1))
        logits: Tensor = self.frames(self.dropout(torch.cat([mean, strongest], dim=1)))
        return logits


def static_vectors(encoder: Any, vocabulary: int, special: tuple[Sequence[int], Sequence[int]], dims: int) -> Any:
    """The vector of each word piece: read alone by the encoder, reduced by PCA, weighted by smooth inverse frequency.

    Args:
        encoder: a transformers encoder.
        vocabulary: number of word pieces; their order is taken for their order of frequency (Zipf's law).
        special: ids that the tokenizer puts before and after a text.
        dims: components to keep.

    Returns:
        float32 array of shape ``(vocabulary, dims)``, of unit variance; the row of the padding is 0. Weights: Arora et al. (2017).
    """
    before, after = (torch.tensor(ids) for ids in special)
    rows = []
    encoder.eval()
    with torch.no_grad():
        for pieces in torch.split(torch.arange(vocabulary), 512):
            ids = torch.cat([before.repeat(len(pieces), 1), pieces.unsqueeze(1), after.repeat(len(pieces), 1)], dim=1)
            rows.append(encoder(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state.mean(dim=1))
    reduced = PCA(dims, random_state=0).fit_transform(torch.cat(rows).numpy())
    ranks = np.arange(2, vocabulary + 2)
    frequency = 1 / ranks / np.sum(1 / ranks)
    vectors = reduced * (_SIF / (_SIF + frequency))[:, None]
    vectors[PAD] = 0
    return (vectors / vectors.std()).astype(np.float32)


def write_onnx(model: StaticModel, path: Path) -> None:
    """The model as ONNX with inputs ``input_ids`` and ``attention_mask`` and output ``logits``; window tables in int8.

    A sentence's windows are sums of rows of three tables, one for each place in the window. The tables share one scale per
    channel, so that it can be applied after the maximum.
    """
    with torch.no_grad():
        vectors = model.vectors.weight.detach().clone()
        vectors[PAD] = 0
        tables = torch.einsum("vd,cdw->wvc", vectors, model.windows.weight).numpy()
        dims = vectors.shape[1]
        means = (vectors @ model.frames.weight[:, :dims].T).numpy()
        head = model.frames.weight[:, dims:].T.numpy()
        bias, window_bias = model.frames.bias.numpy(), model.state_dict()["windows.bias"].numpy()
    scale = np.abs(tables).max(axis=(0, 1)) / 127
    scale[scale == 0] = 1
    constants: dict[str, np.ndarray[Any, Any]] = {
        **{f"table{i}": np.round(table / scale).astype(np.int8) for i, table in enumerate(tables)},
        "means": means,
        "scale": scale.astype(np.float32),
        "window_bias": window_bias,
        "head": head,
        "bias": bias,
        "low": np.array(_LOW, np.float32),
        "one": np.array(1, np.float32),
        "time": np.array([1]),
        "last": np.array([-1]),
        "around": np.array([0, 1, 0, 1]),  # one padding id before and after each sentence
        **{f"from{i}": np.array([i]) for i in range(_WINDOW)},
        **{f"to{i}": np.array([i - _WINDOW + 1 or np.iinfo(np.int64).max]) for i in range(_WINDOW)},
    }
    node = helper.make_node
    nodes = [node("Pad", ["input_ids", "around"], ["padded"])]
    for i in range(_WINDOW):
        nodes += [
            node("Slice", ["padded", f"from{i}", f"to{i}", "time"], [f"ids{i}"]),
            node("Gather", [f"table{i}", f"ids{i}"], [f"rows{i}"]),
            node("Cast", [f"rows{i}"], [f"part{i}"], to=TensorProto.FLOAT),
        ]
    nodes += [
        node("Sum", [f"part{i}" for i in range(_WINDOW)], ["found"]),
        node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["mask", "last"], ["mask3"]),
        node("Sub", ["one", "mask3"], ["outside"]),
        node("Mul", ["outside", "low"], ["penalty"]),
        node("Add", ["found", "penalty"], ["inside"]),
        node("ReduceMax", ["inside", "time"], ["strongest"], keepdims=0),
        node("Mul", ["strongest", "scale"], ["scaled"]),
        node("Add", ["scaled", "window_bias"], ["shifted"]),
        node("Relu", ["shifted"], ["features"]),
        node("MatMul", ["features", "head"], ["from_windows"]),
        node("Gather", ["means", "input_ids"], ["votes"]),
        node("Mul", ["votes", "mask3"], ["counted"]),
        node("ReduceSum", ["counted", "time"], ["summed"], keepdims=0),
        node("ReduceSum", ["mask", "time"], ["length"], keepdims=1),
        node("Max", ["length", "one"], ["length1"]),
        node("Div", ["summed", "length1"], ["from_means"]),
        node("Sum", ["from_windows", "from_means", "bias"], ["logits"]),
    ]
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "length"]) for n in ("input_ids", "attention_mask")]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", len(bias)])]
    graph = helper.make_graph(
        nodes, "static", inputs, outputs, [numpy_helper.from_array(value, name) for name, value in constants.items()]
    )
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9, producer_name="framelens")
    onnx.checker.check_model(built)
    onnx.save(built, str(path))
