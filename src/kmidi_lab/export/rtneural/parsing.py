"""Strict parsing of RTNeural JSON layers, from contract.md §6 alone.

Refuses whatever the real parser crashes on, skips or misreads, so that a file which gets through here means the
same thing there. Every refusal is a `RTNeuralFormatError` that names the layer and the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from kmidi_lab.errors import UserError
from kmidi_lab.export.rtneural.runtime import (
    ACTIVATIONS,
    GRU,
    LSTM,
    Activation,
    Array,
    BatchNorm,
    Conv1d,
    Dense,
    Layer,
    PReLU,
)


class RTNeuralFormatError(UserError, ValueError):
    """A file that RTNeural's parser would crash on, skip parts of, or misread."""


class Fields:
    """One layer's JSON object; every access checks, and every refusal says which layer."""

    def __init__(self, where: str, data: dict[str, Any]) -> None:
        self.where, self.data = where, data

    def refuse(self, reason: str) -> NoReturn:
        raise RTNeuralFormatError(f"{self.where}: {reason}")

    def get(self, key: str) -> Any:
        if key not in self.data:
            self.refuse(f"key {key!r} is missing")
        return self.data[key]

    def last_size(self, key: str) -> int:
        """The last entry of a shape list; the parser multiplies two entries of four-entry shapes, so those are out."""
        shape = self.get(key)
        if not isinstance(shape, list) or not 1 <= len(shape) <= 3:
            self.refuse(f"{key!r} must be a list of 1 to 3 entries that ends in the size")
        return self._count(key, shape[-1])

    def one_count(self, key: str) -> int:
        value = self.get(key)
        if not isinstance(value, list) or len(value) != 1:
            self.refuse(f"{key!r} must be a list of one number")
        return self._count(key, value[0])

    def groups(self) -> int:
        return self._count("groups", self.data.get("groups", 1))

    def _count(self, key: str, value: Any) -> int:
        if type(value) is not int or not 1 <= value < 2**31:
            self.refuse(f"{key!r} holds {value!r}, not a whole number above 0")
        return value

    def epsilon(self) -> np.float32:
        value = self.get("epsilon")
        if type(value) not in (int, float) or not 0 <= value <= np.finfo(np.float32).max:
            self.refuse(f"'epsilon' is {value!r}, not a float32 number of 0 or more")
        return np.float32(value)

    def activation(self, allowed: tuple[str, ...]) -> str:
        value = self.data.get("activation", "")
        if not isinstance(value, str):
            self.refuse(f"'activation' is {value!r}, not a string")
        if value not in allowed:
            names = ", ".join(repr(a) for a in allowed)
            self.refuse(f"activation {value!r} would crash or be ignored; allowed here: {names}")
        return value

    def weights(self, *counts: int) -> list[Any]:
        """The `weights` list, which must hold one of these numbers of parts."""
        parts = self.get("weights")
        if not isinstance(parts, list):
            self.refuse("'weights' is not a list")
        if len(parts) not in counts:
            self.refuse(f"'weights' has {len(parts)} parts, expected {' or '.join(map(str, counts))}")
        return parts

    def array(self, value: Any, shape: tuple[int, ...], what: str) -> Array:
        """Nested lists of numbers of exactly this shape, as finite float32."""
        self._check_nested(value, shape, what)
        with np.errstate(over="ignore"):
            out = np.array(value, np.float64).astype(np.float32)
        if not np.isfinite(out).all():
            self.refuse(f"{what} holds a number beyond float32")
        return out

    def _check_nested(self, value: Any, shape: tuple[int, ...], what: str) -> None:
        if not isinstance(value, list):
            self.refuse(f"{what} holds {value!r:.40} where a list of {shape[0]} belongs")
        if len(value) != shape[0]:
            self.refuse(f"{what} has {len(value)} entries where {shape[0]} belong")
        if len(shape) > 1:
            for row in value:
                self._check_nested(row, shape[1:], what)
        elif strange := set(map(type, value)) - {int, float}:
            self.refuse(f"{what} holds a {strange.pop().__name__} where a number belongs")


_ANY_ACTIVATION = ("", *ACTIVATIONS)


def _with_activation(layer: Layer, name: str) -> list[Layer]:
    return [layer, Activation(name, layer.out_size)] if name else [layer]


def _dense(f: Fields, size: int, out: int) -> list[Layer]:
    parts = f.weights(1, 2)
    weight = f.array(parts[0], (size, out), "weight")
    bias = f.array(parts[1], (out,), "bias") if len(parts) == 2 else np.zeros(out, np.float32)
    return _with_activation(Dense(weight, bias), f.activation(_ANY_ACTIVATION))


def _activation(f: Fields, size: int, out: int) -> list[Layer]:
    f.weights(0)
    _same_size(f, size, out)
    f.get("activation")
    return [Activation(f.activation(tuple(ACTIVATIONS)), size)]


def _prelu(f: Fields, size: int, out: int) -> list[Layer]:
    _same_size(f, size, out)
    f.activation(("",))
    rows = f.weights(1)[0]
    if not isinstance(rows, list) or len(rows) != 1 or not isinstance(rows[0], list):
        f.refuse("alpha must be [[…]], one list in a list")
    count = 1 if len(rows[0]) == 1 else size
    return [PReLU(f.array(rows[0], (count,), "alpha"), size)]


def _batchnorm(f: Fields, size: int, out: int) -> list[Layer]:
    _same_size(f, size, out)
    f.activation(("",))
    parts = f.weights(2, 4)
    names = ("gamma", "beta", "mean", "variance")[-len(parts) :]
    vectors = [f.array(part, (size,), name) for part, name in zip(parts, names, strict=True)]
    if len(vectors) == 2:
        vectors = [np.ones(size, np.float32), np.zeros(size, np.float32), *vectors]
    gamma, beta, mean, variance = vectors
    epsilon = f.epsilon()
    if not (variance + epsilon > 0).all():
        f.refuse("variance + epsilon must be above 0")
    return [BatchNorm(gamma, beta, mean, variance, epsilon)]


def _conv1d(f: Fields, size: int, out: int) -> list[Layer]:
    kernel, dilation, groups = f.one_count("kernel_size"), f.one_count("dilation"), f.groups()
    if size % groups or out % groups:
        f.refuse(f"groups {groups} does not divide {size} inputs and {out} outputs")
    parts = f.weights(2)
    weight = f.array(parts[0], (kernel, size // groups, out), "weight")
    conv = Conv1d(weight, f.array(parts[1], (out,), "bias"), dilation, groups)
    return _with_activation(conv, f.activation(_ANY_ACTIVATION))


def _recurrent(f: Fields, size: int, out: int, gates: int) -> tuple[Array, Array, Any]:
    # The parser ignores the activation here; 'tanh' is what Keras writes and what the layer does.
    f.activation(("", "tanh"))
    parts = f.weights(3)
    kernel = f.array(parts[0], (size, gates * out), "input weight")
    return kernel, f.array(parts[1], (out, gates * out), "recurrent weight"), parts[2]


def _gru(f: Fields, size: int, out: int) -> list[Layer]:
    kernel, recurrent, bias = _recurrent(f, size, out, 3)
    return [GRU(kernel, recurrent, f.array(bias, (2, 3 * out), "bias"))]


def _lstm(f: Fields, size: int, out: int) -> list[Layer]:
    kernel, recurrent, bias = _recurrent(f, size, out, 4)
    return [LSTM(kernel, recurrent, f.array(bias, (4 * out,), "bias"))]


def _same_size(f: Fields, size: int, out: int) -> None:
    if size != out:
        f.refuse(f"'shape' says {out}, but {size} values arrive and this type keeps the size")


PARSERS: dict[str, Callable[[Fields, int, int], list[Layer]]] = {
    "dense": _dense,
    "time-distributed-dense": _dense,
    "activation": _activation,
    "prelu": _prelu,
    "batchnorm": _batchnorm,
    "conv1d": _conv1d,
    "gru": _gru,
    "lstm": _lstm,
}
"""By the file's `type`: (fields, running size, size in `shape`) to one or two layers."""
