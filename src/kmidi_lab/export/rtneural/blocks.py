"""Blocks with more than one path, rewritten as the straight chain of layers that computes the same.

`widened`: `x + body(x)`. The first affine layer of the body gets further outputs that carry x through identity taps,
the activations leave these channels alone (PReLU with alpha 1), the last affine layer adds them: [W, I].
`merged`: branches side by side; the first layer's columns stand beside each other, later layers are block-diagonal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.errors import ExportError
from kmidi_lab.export.rtneural.layers import Layer, json_layer

Array = NDArray[np.float32]
Index = NDArray[np.intp]


@dataclass(frozen=True)
class _Affine:
    """A dense or conv1d layer as one ungrouped kernel: weight `[taps, in, out]`, the present tap last."""

    name: str
    weight: Array
    bias: Array
    dilation: int
    groups: int

    def layer(self, name: str) -> Layer:
        taps, _, out = self.weight.shape
        if taps == 1 and self.groups == 1:
            return {"name": name, **json_layer("dense", out, [self.weight[0], self.bias])}
        weight = np.concatenate([part[:, rows] for part, rows in self._blocks()], axis=2)
        extra = {"kernel_size": [taps], "dilation": [self.dilation], "groups": self.groups}
        return {"name": name, **json_layer("conv1d", out, [weight, self.bias], **extra)}

    def _blocks(self) -> list[tuple[Array, slice]]:
        """Columns of each group, with the rows that they read."""
        rows = self.weight.shape[1] // self.groups
        columns = np.split(self.weight, self.groups, axis=2)
        return [(part, slice(g * rows, (g + 1) * rows)) for g, part in enumerate(columns)]


def widened(layers: list[Layer], size: int, name: str, where: str) -> list[Layer]:
    """The layers of `x + body(x)` from those of the body, `size` channels in and out.

    Raises:
        ExportError: the body changes the number of channels or has a layer that x can't be carried past.
    """
    if not layers or layers[-1]["shape"][-1] != size:
        channels = layers[-1]["shape"][-1] if layers else "no layers"
        raise ExportError(f"{where}: the body of a residual block must keep {size} channels, it gives {channels}")
    body = _folded(layers)
    if not isinstance(body[0], _Affine):
        body.insert(0, _identity(size))
    if not isinstance(body[-1], _Affine):
        body.append(_identity(size))
    affine = [i for i, part in enumerate(body) if isinstance(part, _Affine)]
    plain = np.arange(size)
    inner, carried, width, layout = plain, plain, size, 0
    out: list[Layer] = []
    for index, part in enumerate(body):
        if not isinstance(part, _Affine):
            out.append(_beside(part, width, inner, where))
            continue
        last = index == affine[-1]
        groups = part.groups if layout in (0, part.groups) and size % part.groups == 0 else 1
        if last:
            to_inner, to_carried, to_width = plain, plain, size
        else:
            following = body[affine[affine.index(index) + 1]]
            assert isinstance(following, _Affine)
            # The order of the outputs is ours to choose, so the next layer's groups can stay groups.
            layout = groups if groups > 1 else following.groups if size % following.groups == 0 else 1
            outputs = part.weight.shape[2]
            to_inner, to_carried, to_width = *_interleaved(outputs, size, layout), outputs + size
        weight = np.zeros((len(part.weight), width, to_width), np.float32)
        weight[:, inner[:, None], to_inner] = part.weight
        weight[-1, carried, to_carried] += 1
        bias = np.zeros(to_width, np.float32)
        bias[to_inner] = part.bias
        grown = _Affine(part.name, weight, bias, part.dilation, groups)
        out.append(grown.layer(name if last else f"{part.name} beside x"))
        inner, carried, width = to_inner, to_carried, to_width
    return out


def merged(branches: Sequence[list[Layer]], name: str, where: str) -> list[Layer]:
    """The layers of branches over the same input, outputs one behind the other.

    Raises:
        ExportError: the branches differ in their kinds of layers, or have a kind that does not go side by side.
    """
    if len({len(b) for b in branches}) != 1 or not branches[0]:
        counts = [len(b) for b in branches]
        raise ExportError(f"{where}: branches of {counts} layers; give every branch the same kinds of layers")
    out: list[Layer] = []
    for position, layers in enumerate(zip(*branches, strict=True)):
        last = position == len(branches[0]) - 1
        label = name if last else f"{layers[0]['name']} and its neighbours"
        parts = [_affine(layer) for layer in layers]
        affine_parts = [part for part in parts if part is not None]
        if len(affine_parts) == len(parts):
            out.append(_side_by_side(affine_parts, position == 0, where).layer(label))
        elif position == 0:
            raise ExportError(f"{where}: branches must begin with nn.Linear or CausalConv1d")
        else:
            out.append({**_pointwise(layers, where), "name": label})
    return out


def _side_by_side(parts: list[_Affine], shared: bool, where: str) -> _Affine:
    taps = {(len(p.weight), p.dilation if len(p.weight) > 1 else 1) for p in parts}
    if len(taps) != 1:
        raise ExportError(f"{where}: branches with kernels and dilations {sorted(taps)}; give them the same")
    weight = np.concatenate([p.weight for p in parts], 2) if shared else _diagonal([p.weight for p in parts])
    return _Affine("", weight, np.concatenate([p.bias for p in parts]), parts[0].dilation, 1)


def _diagonal(blocks: list[Array]) -> Array:
    out = np.zeros((len(blocks[0]), sum(b.shape[1] for b in blocks), sum(b.shape[2] for b in blocks)), np.float32)
    row = column = 0
    for block in blocks:
        out[:, row : row + block.shape[1], column : column + block.shape[2]] = block
        row, column = row + block.shape[1], column + block.shape[2]
    return out


def _pointwise(layers: Sequence[Layer], where: str) -> Layer:
    sizes = [layer["shape"][-1] for layer in layers]
    slopes = [_slopes(layer) for layer in layers]
    if all(slope is not None for slope in slopes):
        return json_layer("prelu", sum(sizes), [[np.concatenate([s for s in slopes if s is not None])]])
    kinds = {(layer["type"], layer["activation"]) for layer in layers}
    if kinds == {("batchnorm", "")}:
        parts = [scaled(layer) for layer in layers]
        return _norm(*(np.concatenate(vectors) for vectors in zip(*parts, strict=True)))
    if len(kinds) == 1 and next(iter(kinds)) in {("activation", a) for a in ("tanh", "sigmoid", "elu")}:
        return json_layer("activation", sum(sizes), [], activation=layers[0]["activation"])
    kind_names = ", ".join(sorted(activation or kind for kind, activation in kinds))
    raise ExportError(f"{where}: {kind_names} can't stand side by side in branches; use one layer before or after them")


def _beside(layer: Layer, width: int, inner: Index, where: str) -> Layer:
    """A pointwise layer of the body that leaves the carried channels as they are."""
    label = f"{layer['name']} beside x"
    slopes = _slopes(layer)
    if slopes is not None:
        alpha = np.ones(width, np.float32)
        alpha[inner] = slopes
        return {"name": label, **json_layer("prelu", width, [[alpha]])}
    if layer["type"] == "batchnorm":
        gamma, beta, mean = np.ones(width, np.float32), np.zeros(width, np.float32), np.zeros(width, np.float32)
        gamma[inner], beta[inner], mean[inner] = scaled(layer)
        return {"name": label, **_norm(gamma, beta, mean)}
    kind = layer["activation"] or layer["type"]
    raise ExportError(
        f"{where}: x can't be carried past {layer['name']} ({kind}); in a residual block use nn.Linear, CausalConv1d, "
        "BatchNorm1d, ReLU, PReLU, LeakyReLU"
    )


def _folded(layers: list[Layer]) -> list[_Affine | Layer]:
    """Affine layers unpacked, each with the batchnorm that follows it."""
    out: list[_Affine | Layer] = []
    for layer in layers:
        affine, before = _affine(layer), out[-1] if out else None
        if layer["type"] == "batchnorm" and isinstance(before, _Affine):
            gamma, beta, mean = scaled(layer)
            bias = ((before.bias.astype(np.float64) - mean) * gamma + beta).astype(np.float32)
            out[-1] = _Affine(before.name, before.weight * gamma, bias, before.dilation, before.groups)
        else:
            out.append(layer if affine is None else affine)
    return out


def _affine(layer: Layer) -> _Affine | None:
    if layer["type"] == "dense":
        weight, bias = layer["weights"]
        return _Affine(layer["name"], weight[None], bias, 1, 1)
    if layer["type"] != "conv1d":
        return None
    weight, bias = layer["weights"]
    groups = layer["groups"]
    blocks = np.split(weight, groups, axis=2)
    return _Affine(layer["name"], _diagonal(blocks), bias, layer["dilation"][0], groups)


def _identity(size: int) -> _Affine:
    return _Affine("identity", np.eye(size, dtype=np.float32)[None], np.zeros(size, np.float32), 1, 1)


def _interleaved(inner: int, carried: int, groups: int) -> tuple[Index, Index]:
    """Places of the body's outputs and of the carried x, group after group."""
    places = np.arange(inner + carried).reshape(groups, -1)
    split = inner // groups
    return places[:, :split].ravel(), places[:, split:].ravel()


def _slopes(layer: Layer) -> Array | None:
    """Of a PReLU or ReLU, one for each channel."""
    size = layer["shape"][-1]
    if layer["type"] == "prelu":
        return np.broadcast_to(layer["weights"][0][0], size)
    relu = layer["type"] == "activation" and layer["activation"] == "relu"
    return np.zeros(size, np.float32) if relu else None


def scaled(layer: Layer) -> tuple[Array, Array, Array]:
    """(scale, beta, mean) of a batchnorm, each `[size]`; the variance is in the scale."""
    gamma, beta, mean, variance = layer["weights"]
    scale = gamma / np.sqrt(variance.astype(np.float64) + np.float64(layer["epsilon"]))
    return scale.astype(np.float32), beta, mean


def _norm(gamma: Array, beta: Array, mean: Array) -> Layer:
    return json_layer("batchnorm", len(gamma), [gamma, beta, mean, np.ones(len(gamma), np.float32)], epsilon=0.0)
