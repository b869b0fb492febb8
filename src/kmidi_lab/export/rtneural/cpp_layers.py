"""RTNeural JSON layers as types of RTNeural's compile-time API.

To add a layer type, write `f(layer, inputs, outputs) -> types, floats` and give it a row in `KINDS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Layer = dict[str, Any]
Types = tuple[list[str], int]
"""One or two C++ types, and the number of floats in the largest fixed-size matrix of RTNeural's Eigen backend."""

_ACTIVATIONS = {
    "tanh": "TanhActivationT",
    "relu": "ReLuActivationT",
    "sigmoid": "SigmoidActivationT",
    "softmax": "SoftmaxActivationT",
    "elu": "ELuActivationT",
}


def layer_types(file: dict[str, Any]) -> Types:
    """All layers of a parsed file that `RTNeuralModel` accepts."""
    size, largest = int(file["in_shape"][-1]), 0
    types: list[str] = []
    for layer in file["layers"]:
        outputs = int(layer["shape"][-1])
        found, floats = KINDS[layer["type"]](layer, size, outputs)
        types += found
        size, largest = outputs, max(largest, floats)
    return types, largest


def _activation(layer: Layer, inputs: int, outputs: int) -> Types:
    name = layer.get("activation", "")
    # `ModelT` reads the activation of a dense or conv1d layer as a layer of its own, after it.
    return ([f"{_ACTIVATIONS[name]}<float, {outputs}>"] if name else []), outputs


def _dense(layer: Layer, inputs: int, outputs: int) -> Types:
    no_bias = "" if len(layer["weights"]) == 2 else ", false"
    after, _ = _activation(layer, inputs, outputs)
    return [f"DenseT<float, {inputs}, {outputs}{no_bias}>", *after], (inputs + 1) * outputs


def _prelu(layer: Layer, inputs: int, outputs: int) -> Types:
    return [f"PReLUActivationT<float, {outputs}>"], outputs


def _batchnorm(layer: Layer, inputs: int, outputs: int) -> Types:
    affine = "true" if len(layer["weights"]) == 4 else "false"
    return [f"BatchNorm1DT<float, {outputs}, {affine}>"], outputs


def _conv1d(layer: Layer, inputs: int, outputs: int) -> Types:
    kernel, dilation, groups = layer["kernel_size"][0], layer["dilation"][0], layer.get("groups", 1)
    after, _ = _activation(layer, inputs, outputs)
    conv = f"Conv1DT<float, {inputs}, {outputs}, {kernel}, {dilation}, {groups}>"
    state = inputs * ((kernel - 1) * dilation + 1)
    return [conv, *after], max(state, outputs)


def _gru(layer: Layer, inputs: int, outputs: int) -> Types:
    return [f"GRULayerT<float, {inputs}, {outputs}>"], 3 * outputs * (max(inputs, outputs) + 1)


def _lstm(layer: Layer, inputs: int, outputs: int) -> Types:
    return [f"LSTMLayerT<float, {inputs}, {outputs}>"], 4 * outputs * (inputs + outputs + 1)


KINDS: dict[str, Callable[[Layer, int, int], Types]] = {
    "dense": _dense,
    "time-distributed-dense": _dense,
    "activation": _activation,
    "prelu": _prelu,
    "batchnorm": _batchnorm,
    "conv1d": _conv1d,
    "gru": _gru,
    "lstm": _lstm,
}
"""By the file's `type`: (layer, its inputs, its outputs) to its types."""
