"""The layers of an RTNeural file as C++ types of `ModelT`, and names as C++ identifiers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from kmidi_lab.errors import ExportError

_RESERVED = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t char8_t class co_await
co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do
double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace
new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return
short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef
typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq
"""
_KEYWORDS = frozenset(_RESERVED.split())
"""Of C++20, so that the headers stay valid in newer programs than they ask for."""

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


def identifier(name: str) -> str:
    """`name` as a C++ identifier; a keyword gets an underscore at its end.

    Raises:
        ExportError: the name is not made of lower-case words.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise ExportError(f"{name!r} is no C++ name; use lower-case letters, digits and single underscores")
    return f"{name}_" if name in _KEYWORDS else name


def layer_types(file: dict[str, Any]) -> Types:
    """All layers of a parsed file that `RTNeuralModel` accepts."""
    size, largest = int(file["in_shape"][-1]), 0
    types: list[str] = []
    for layer in file["layers"]:
        outputs = int(layer["shape"][-1])
        types_of_layer, floats = KINDS[layer["type"]](layer, size, outputs)
        types += types_of_layer
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
"""By the file's `type`: (layer, its inputs, its outputs) to its types. A new layer type is a row here."""
