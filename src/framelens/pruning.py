"""A smaller encoder cut out of a larger one, to be trained on: its first layers, and the strongest neurons of each."""

from __future__ import annotations

from typing import Any

from framelens.errors import ConfigError, MissingExtraError

try:
    import torch
    from torch import nn
except ImportError as error:
    raise MissingExtraError.for_extra("training", "train") from error


def prune(encoder: Any, layers: int | None = None, neurons: int | None = None) -> Any:
    """Keep the first ``layers`` layers and, of each layer's feed-forward network, the ``neurons`` of the largest weights.

    A neuron counts for the product of the norms of what goes into it and of what it adds to. The first layers serve
    a short student better than any others where it learns from a teacher's outputs (Sun et al. 2019).

    Args:
        encoder: of the BERT family; changed in place.
        layers: None keeps all.
        neurons: None keeps all.

    Raises:
        ConfigError: an encoder of another family, or more asked for than there is.
    """
    if layers is None and neurons is None:
        return encoder
    stack = getattr(getattr(encoder, "encoder", None), "layer", None)
    if stack is None or not hasattr(stack[0], "intermediate"):
        raise ConfigError(f"layers and neurons can be cut from encoders like BERT; received {type(encoder).__name__}")
    config = encoder.config
    for name, asked, there in (("layers", layers, len(stack)), ("neurons", neurons, config.intermediate_size)):
        if asked is not None and not 1 <= asked <= there:
            raise ConfigError(f"model.{name} must be 1 to {there}, as the base has; received {asked}")
    if layers is not None:
        encoder.encoder.layer = stack[:layers]
        config.num_hidden_layers = layers
    if neurons is not None:
        for layer in encoder.encoder.layer:
            _keep_neurons(layer, neurons)
        config.intermediate_size = neurons
    return encoder


def _keep_neurons(layer: Any, number: int) -> None:
    into, out = layer.intermediate.dense, layer.output.dense
    with torch.no_grad():
        kept = torch.topk(into.weight.norm(dim=1) * out.weight.norm(dim=0), number).indices.sort().values
        layer.intermediate.dense = _linear(into.weight[kept], into.bias[kept])
        layer.output.dense = _linear(out.weight[:, kept], out.bias)


def _linear(weight: torch.Tensor, bias: torch.Tensor) -> nn.Linear:
    made = nn.Linear(weight.shape[1], weight.shape[0])
    made.weight.data, made.bias.data = weight.detach().clone(), bias.detach().clone()
    return made
