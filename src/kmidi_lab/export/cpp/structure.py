"""The layers of an RTNeural file with the paths that its format could not say: `x + body(x)` is a residual block again.

The writer (`export.rtneural.blocks`) carries x past the body through identity taps and adds it by [W, I]. Such columns
are recognised by their exact values, so this works for any file, without the network that it came from; what is not
recognised stays the layer that it is, which computes the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.export.rtneural.runtime import (
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

Index = NDArray[np.intp]


@dataclass(frozen=True)
class Affine:
    """A dense layer or a causal convolution: weight `[taps, in, out]`, the present tap last, bias `[out]`."""

    weight: Array
    bias: Array
    dilation: int = 1


@dataclass(frozen=True)
class Slopes:
    """PReLU, one slope a channel, `[size]`."""

    alpha: Array


@dataclass(frozen=True)
class Norm:
    """`scale * (x - mean) + beta`, each `[size]`."""

    scale: Array
    mean: Array
    beta: Array


@dataclass(frozen=True)
class Function:
    """An activation by its name in RTNeural's files."""

    name: str


@dataclass(frozen=True)
class Recurrent:
    """A GRU (2 biases of 3 gates) or LSTM (1 bias of 4 gates) of `hidden` units."""

    kind: str
    hidden: int
    kernel: Affine
    recurrent: Affine


@dataclass(frozen=True)
class Residual:
    """`x + body(x)`."""

    body: list[Node]


Node = Affine | Slopes | Norm | Function | Recurrent | Residual


def structured(layers: Sequence[Layer]) -> list[Node]:
    """The nodes of a file's layers, residual blocks recovered; computes the same up to rounding.

    Raises:
        TypeError: a layer of a type that the runtime has no operation for.
    """
    return _recovered([_node(layer) for layer in layers])


def _node(layer: Layer) -> Node:
    if isinstance(layer, Dense):
        return Affine(layer.weight[None], layer.bias)
    if isinstance(layer, Conv1d):
        return Affine(_ungrouped(layer), layer.bias, layer.dilation)
    if isinstance(layer, PReLU):
        return Slopes(np.broadcast_to(layer.alpha, layer.out_size).copy())
    if isinstance(layer, BatchNorm):
        return Norm(layer.scale, layer.mean, layer.beta)
    if isinstance(layer, Activation):
        return Function(layer.name)
    if isinstance(layer, GRU):
        kernel, recurrent = Affine(layer.kernel[None], layer.bias[0]), Affine(layer.recurrent[None], layer.bias[1])
        return Recurrent("gru", layer.out_size, kernel, recurrent)
    if isinstance(layer, LSTM):
        no_bias = np.zeros_like(layer.bias)
        kernel, recurrent = Affine(layer.kernel[None], layer.bias), Affine(layer.recurrent[None], no_bias)
        return Recurrent("lstm", layer.out_size, kernel, recurrent)
    raise TypeError(f"the C++ runtime has no operation for {type(layer).__name__}")


def _ungrouped(layer: Conv1d) -> Array:
    """`[taps, in, out]`, zeros where a group does not read."""
    groups, taps = len(layer.parts), layer.parts[0].shape[0] * len(layer.parts) // layer.past.shape[1]
    rows, columns = layer.past.shape[1] // groups, layer.out_size // groups
    weight = np.zeros((taps, layer.past.shape[1], layer.out_size), np.float32)
    for g, part in enumerate(layer.parts):
        weight[:, g * rows : (g + 1) * rows, g * columns : (g + 1) * columns] = part.reshape(taps, rows, columns)
    return weight


def _recovered(nodes: list[Node]) -> list[Node]:
    out: list[Node] = []
    at = 0
    while at < len(nodes):
        body = _body(nodes[at:])
        if body is None:
            out.append(nodes[at])
            at += 1
        else:
            out.append(Residual(_recovered(body)))
            at += len(body)
    return out


def _body(nodes: list[Node]) -> list[Node] | None:
    """The body of the residual block that begins here, as many nodes as it was made from; None where none does."""
    first = nodes[0]
    if not isinstance(first, Affine):
        return None
    size = first.weight.shape[1]
    carried = _carried(first, np.arange(size))
    if carried is None or first.weight.shape[2] <= size:
        return None
    inner = _rest(first.weight.shape[2], carried)
    body: list[Node] = [Affine(first.weight[:, :, inner], first.bias[inner], first.dilation)]
    for node in nodes[1:]:
        if isinstance(node, Affine):
            if _adds(node, carried):
                return [*body, Affine(node.weight[:, inner], node.bias, node.dilation)]
            onwards = _carried(node, carried)
            if onwards is None:
                return None
            outputs = _rest(node.weight.shape[2], onwards)
            if node.weight[:, carried][:, :, outputs].any():
                return None
            body.append(Affine(node.weight[:, inner][:, :, outputs], node.bias[outputs], node.dilation))
            carried, inner = onwards, outputs
        elif isinstance(node, Slopes) and (node.alpha[carried] == 1).all():
            alpha = node.alpha[inner]
            body.append(Slopes(alpha) if alpha.any() else Function("relu"))
        elif isinstance(node, Norm) and _leaves(node, carried):
            body.append(Norm(node.scale[inner], node.mean[inner], node.beta[inner]))
        else:
            return None
    return None


def _carried(node: Affine, channels: Index) -> Index | None:
    """For each of these inputs the last output that is an exact copy of it; None where one has no copy."""
    flat = node.weight.reshape(-1, node.weight.shape[2])
    copies = ((flat != 0).sum(0) == 1) & (node.bias == 0)
    present = (node.weight[-1][channels] == 1) & copies
    if not present.any(1).all():
        return None
    return present.shape[1] - 1 - present[:, ::-1].argmax(1)


def _adds(node: Affine, carried: Index) -> bool:
    """Whether the layer adds the carried channels to its outputs: [W, I]."""
    rows = node.weight[:, carried]
    identity = rows.shape[1] == rows.shape[2] and np.array_equal(rows[-1], np.eye(rows.shape[1]))
    return bool(identity) and not rows[:-1].any()


def _leaves(node: Norm, carried: Index) -> bool:
    return bool((node.scale[carried] == 1).all()) and not node.mean[carried].any() and not node.beta[carried].any()


def _rest(size: int, taken: Index) -> Index:
    return np.setdiff1d(np.arange(size), taken)
