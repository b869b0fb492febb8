"""RTNeural's layers in numpy float32, one call at a time, from contract.md §6 alone.

Each layer maps `[size in]` to `[size out]`, keeps its own state and forgets it on `reset()`. The arrays it is
given have been checked by `rtneural_parsing`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def _sigmoid(x: Array) -> Array:
    return np.float32(1) / (np.float32(1) + np.exp(-x))


def _softmax(x: Array) -> Array:
    # No maximum is subtracted, as in RTNeural: logits beyond about 88 overflow to NaN here too.
    e = np.exp(x)
    return np.asarray(e / e.sum(dtype=np.float32), np.float32)


def _elu(x: Array) -> Array:
    return np.where(x > 0, x, np.expm1(x))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, np.float32(0)),
    "sigmoid": _sigmoid,
    "softmax": _softmax,
    "elu": _elu,
}


class Layer:
    """One layer: `out_size`, the number of stored `parameters`, a call and a reset."""

    def __init__(self, out_size: int, parameters: int) -> None:
        self.out_size, self.parameters = out_size, parameters

    def __call__(self, x: Array) -> Array:
        raise NotImplementedError

    def reset(self) -> None:
        """Forgets the state; layers without state do nothing."""

    @property
    def receptive_field(self) -> int | None:
        """How many calls an output depends on; None where the state has no end."""
        return 1


class Dense(Layer):
    """`x W + b`; weight `[in, out]`, bias `[out]`."""

    def __init__(self, weight: Array, bias: Array) -> None:
        super().__init__(weight.shape[1], weight.size + bias.size)
        self.weight, self.bias = weight, bias

    def __call__(self, x: Array) -> Array:
        return x @ self.weight + self.bias


class Activation(Layer):
    """One of `ACTIVATIONS`."""

    def __init__(self, name: str, size: int) -> None:
        super().__init__(size, 0)
        self.name, self.function = name, ACTIVATIONS[name]

    def __call__(self, x: Array) -> Array:
        return self.function(x)


class PReLU(Layer):
    """`x` where it is at least 0, else `alpha x`; alpha `[1]` or `[size]`."""

    def __init__(self, alpha: Array, size: int) -> None:
        super().__init__(size, alpha.size)
        self.alpha = alpha

    def __call__(self, x: Array) -> Array:
        return np.where(x >= 0, x, self.alpha * x)


class BatchNorm(Layer):
    """`gamma (x - mean) / sqrt(variance + epsilon) + beta`, all `[size]`."""

    def __init__(self, gamma: Array, beta: Array, mean: Array, variance: Array, epsilon: np.float32) -> None:
        super().__init__(mean.size, 4 * mean.size)
        self.scale: Array = gamma / np.sqrt(variance + epsilon)
        self.beta, self.mean = beta, mean

    def __call__(self, x: Array) -> Array:
        return self.scale * (x - self.mean) + self.beta


class Conv1d(Layer):
    """Causal convolution, weight `[kernel, in / groups, out]`, bias `[out]`; the past is zeros after a reset."""

    def __init__(self, weight: Array, bias: Array, dilation: int, groups: int) -> None:
        super().__init__(weight.shape[2], weight.size + bias.size)
        self.bias, self.dilation = bias, dilation
        # One matrix a group, [kernel * in / groups, out / groups], so that a call is one product a group.
        self.parts = [part.reshape(-1, part.shape[2]) for part in np.split(weight, groups, axis=2)]
        self.past = np.zeros(((weight.shape[0] - 1) * dilation + 1, weight.shape[1] * groups), np.float32)

    def __call__(self, x: Array) -> Array:
        self.past = np.concatenate([self.past[1:], x[None]])
        taps = self.past[:: self.dilation]
        inputs = np.split(taps, len(self.parts), axis=1)
        return np.concatenate([x.ravel() @ part for x, part in zip(inputs, self.parts, strict=True)]) + self.bias

    def reset(self) -> None:
        self.past = np.zeros_like(self.past)

    @property
    def receptive_field(self) -> int:
        return len(self.past)


class GRU(Layer):
    """Kernel `[in, 3H]`, recurrent `[H, 3H]`, biases `[2, 3H]` (input, recurrent); gate order z, r, n."""

    def __init__(self, kernel: Array, recurrent: Array, bias: Array) -> None:
        super().__init__(recurrent.shape[0], kernel.size + recurrent.size + bias.size)
        self.kernel, self.recurrent, self.bias = kernel, recurrent, bias
        self.h: Array = np.zeros(self.out_size, np.float32)

    def __call__(self, x: Array) -> Array:
        a = np.split(x @ self.kernel + self.bias[0], 3)
        b = np.split(self.h @ self.recurrent + self.bias[1], 3)
        z, r = _sigmoid(a[0] + b[0]), _sigmoid(a[1] + b[1])
        n = np.tanh(a[2] + r * b[2])
        self.h = (np.float32(1) - z) * n + z * self.h
        return self.h

    @property
    def receptive_field(self) -> None:
        return None

    def reset(self) -> None:
        self.h = np.zeros(self.out_size, np.float32)


class LSTM(Layer):
    """Kernel `[in, 4H]`, recurrent `[H, 4H]`, bias `[4H]`; gate order i, f, g, o."""

    def __init__(self, kernel: Array, recurrent: Array, bias: Array) -> None:
        super().__init__(recurrent.shape[0], kernel.size + recurrent.size + bias.size)
        self.kernel, self.recurrent, self.bias = kernel, recurrent, bias
        self.h: Array = np.zeros(self.out_size, np.float32)
        self.c: Array = np.zeros(self.out_size, np.float32)

    def __call__(self, x: Array) -> Array:
        i, f, g, o = np.split(x @ self.kernel + self.h @ self.recurrent + self.bias, 4)
        self.c = _sigmoid(f) * self.c + _sigmoid(i) * np.tanh(g)
        self.h = _sigmoid(o) * np.tanh(self.c)
        return self.h

    @property
    def receptive_field(self) -> None:
        return None

    def reset(self) -> None:
        self.h, self.c = np.zeros(self.out_size, np.float32), np.zeros(self.out_size, np.float32)
