"""The table of layers that RTNeural's parser reads: PyTorch module in, JSON layers out (contract.md §6).

To add a layer type, write `f(module, size, where) -> list of layers` and give it a row in `WRITERS`.
A writer checks its module against the running size, so that no file with a wrong shape is ever made:
the real parser zero-fills, skips or crashes on most of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from kmidi_lab.errors import ExportError
from kmidi_lab.nn.layers import GRU, LSTM, CausalConv1d, Standardize

Layer = dict[str, Any]
Writer = Callable[[nn.Module, int, str], list[Layer]]


def weights_of(tensor: torch.Tensor, shape: tuple[int, ...], where: str, what: str) -> NDArray[np.float32]:
    """The tensor as contiguous float32 of exactly `shape`.

    Raises:
        ExportError: the shape differs, or a value is not finite or beyond float32.
    """
    if tuple(tensor.shape) != shape:
        raise ExportError(
            f"{where}: {what} is {list(tensor.shape)}, must be {list(shape)} for the size that reaches it"
        )
    values = tensor.detach().to("cpu", torch.float32).contiguous().numpy()
    bad = int(values.size - np.isfinite(values).sum())
    if bad:
        raise ExportError(f"{where}: {what} has {bad} of {values.size} values that are not finite in float32")
    return values


def json_layer(kind: str, size: int, weights: list[Any], **extra: Any) -> Layer:
    """One layer as RTNeural's parser wants it; it insists on all four keys.

    Raises:
        ExportError: a weight that was made from others left float32's range.
    """
    if not all(np.isfinite(part).all() for part in weights):
        raise ExportError(f"{kind} of size {size}: a weight is beyond float32 once bias or batchnorm is folded in")
    return {"type": kind, "activation": "", "shape": [None, None, size], "weights": weights, **extra}


def _linear(module: nn.Module, size: int, where: str) -> list[Layer]:
    assert isinstance(module, nn.Linear)
    out = module.out_features
    weight = weights_of(module.weight, (out, size), where, "weight")
    # An empty bias crashes the parser and a missing one is easily misread, so zeros are written.
    bias = torch.zeros(out) if module.bias is None else module.bias
    return [json_layer("dense", out, [np.ascontiguousarray(weight.T), weights_of(bias, (out,), where, "bias")])]


def _activation(name: str) -> Writer:
    def write(module: nn.Module, size: int, where: str) -> list[Layer]:
        return [json_layer("activation", size, [], activation=name)]

    return write


def _elu(module: nn.Module, size: int, where: str) -> list[Layer]:
    assert isinstance(module, nn.ELU)
    if module.alpha != 1.0:
        raise ExportError(f"{where}: ELU has alpha {module.alpha}; RTNeural's file knows only alpha 1, use nn.ELU()")
    return _activation("elu")(module, size, where)


def _softmax(module: nn.Module, size: int, where: str) -> list[Layer]:
    assert isinstance(module, nn.Softmax)
    if module.dim != -1:
        raise ExportError(f"{where}: Softmax has dim={module.dim}; RTNeural's runs over the features, use dim=-1")
    return _activation("softmax")(module, size, where)


def _prelu(module: nn.Module, size: int, where: str) -> list[Layer]:
    assert isinstance(module, nn.PReLU)
    count = 1 if module.num_parameters == 1 else size
    return [json_layer("prelu", size, [[weights_of(module.weight, (count,), where, "weight")]])]


def _leaky_relu(module: nn.Module, size: int, where: str) -> list[Layer]:
    assert isinstance(module, nn.LeakyReLU)
    slope = torch.tensor([module.negative_slope], dtype=torch.float64)
    return [json_layer("prelu", size, [[weights_of(slope, (1,), where, "negative_slope")]])]


def _batchnorm(module: nn.Module, size: int, where: str) -> list[Layer]:
    assert isinstance(module, nn.BatchNorm1d)
    if module.running_mean is None or module.running_var is None:
        raise ExportError(f"{where}: BatchNorm1d keeps no running statistics; use track_running_stats=True")
    gamma = torch.ones(size) if module.weight is None else module.weight
    beta = torch.zeros(size) if module.bias is None else module.bias
    tensors = {"weight": gamma, "bias": beta, "running_mean": module.running_mean, "running_var": module.running_var}
    vectors = [weights_of(tensor, (size,), where, what) for what, tensor in tensors.items()]
    if not (vectors[3] + np.float32(module.eps) > 0).all():
        raise ExportError(f"{where}: running_var + eps must be above 0")
    return [json_layer("batchnorm", size, vectors, epsilon=float(module.eps))]


def _standardize(module: nn.Module, size: int, where: str) -> list[Layer]:
    assert isinstance(module, Standardize)
    mean = weights_of(module.mean, (size,), where, "mean")
    # gamma = 1 / std with a variance of 1: squaring std would lose digits and could leave float32's range.
    gamma = weights_of(1.0 / module.std.double(), (size,), where, "1 / std")
    ones, zeros = np.ones(size, np.float32), np.zeros(size, np.float32)
    return [json_layer("batchnorm", size, [gamma, zeros, mean, ones], epsilon=0.0)]


def _conv1d(module: nn.Module, size: int, where: str) -> list[Layer]:
    assert isinstance(module, CausalConv1d)
    conv = module.conv
    (kernel,), (dilation,), groups, out = conv.kernel_size, conv.dilation, conv.groups, conv.out_channels
    # Checked first: the shape of a grouped weight does not tell the number of inputs.
    if conv.in_channels != size:
        raise ExportError(f"{where}: takes {conv.in_channels} channels, {size} reach it")
    if conv.bias is None:
        raise ExportError(f"{where}: has no bias, which RTNeural needs; keep the one CausalConv1d makes")
    weight = weights_of(conv.weight, (out, size // groups, kernel), where, "weight")
    weights = [np.ascontiguousarray(weight.transpose(2, 1, 0)), weights_of(conv.bias, (out,), where, "bias")]
    return [json_layer("conv1d", out, weights, kernel_size=[kernel], dilation=[dilation], groups=groups)]


def _recurrent(rnn: nn.RNNBase, gates: int, size: int, where: str) -> Iterator[list[NDArray[np.float32]]]:
    """The four weights of each layer in PyTorch's layout: W_ih, W_hh, b_ih, b_hh."""
    hidden = rnn.hidden_size
    for index in range(rnn.num_layers):
        inputs = hidden if index else size
        rows = gates * hidden
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, inputs), "weight_hh": (rows, hidden)}
        shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        yield [weights_of(getattr(rnn, f"{n}_l{index}"), shape, where, f"{n}_l{index}") for n, shape in shapes.items()]


def _gru(module: nn.Module, size: int, where: str) -> list[Layer]:
    assert isinstance(module, GRU)
    hidden = module.rnn.hidden_size
    # PyTorch's gates are r, z, n, RTNeural's z, r, n.
    order = np.r_[hidden : 2 * hidden, :hidden, 2 * hidden : 3 * hidden]
    layers = []
    for parts in _recurrent(module.rnn, 3, size, where):
        w_ih, w_hh, b_ih, b_hh = (part[order] for part in parts)
        weights = [np.ascontiguousarray(w_ih.T), np.ascontiguousarray(w_hh.T), np.stack([b_ih, b_hh])]
        layers.append(json_layer("gru", hidden, weights))
    return layers


def _lstm(module: nn.Module, size: int, where: str) -> list[Layer]:
    assert isinstance(module, LSTM)
    layers = []
    for w_ih, w_hh, b_ih, b_hh in _recurrent(module.rnn, 4, size, where):
        with np.errstate(over="ignore"):  # json_layer refuses what is not finite
            bias = b_ih + b_hh
        weights = [np.ascontiguousarray(w_ih.T), np.ascontiguousarray(w_hh.T), bias]
        layers.append(json_layer("lstm", module.rnn.hidden_size, weights))
    return layers


def _nothing(module: nn.Module, size: int, where: str) -> list[Layer]:
    return []


WRITERS: dict[type[nn.Module], Writer] = {
    nn.Linear: _linear,
    nn.Tanh: _activation("tanh"),
    nn.ReLU: _activation("relu"),
    nn.Sigmoid: _activation("sigmoid"),
    nn.Softmax: _softmax,
    nn.ELU: _elu,
    nn.PReLU: _prelu,
    nn.LeakyReLU: _leaky_relu,
    nn.BatchNorm1d: _batchnorm,
    Standardize: _standardize,
    CausalConv1d: _conv1d,
    GRU: _gru,
    LSTM: _lstm,
    nn.Dropout: _nothing,
    nn.Identity: _nothing,
}
"""Exact types only: a subclass may compute something else."""

_SMOOTH = "use nn.ReLU, nn.PReLU, nn.ELU or nn.Tanh"
_STUDENT = "distil into a recurrent student (kmidi_lab.nn.distillation)"
_INSTEAD = {
    "GELU": _SMOOTH,
    "SiLU": _SMOOTH,
    "Mish": _SMOOTH,
    "Hardswish": _SMOOTH,
    "LayerNorm": "use nn.BatchNorm1d, or Standardize for fixed statistics",
    "GroupNorm": "use nn.BatchNorm1d",
    "LogSoftmax": "use nn.Softmax(dim=-1) and take the logarithm in the loss",
    "Embedding": "use a one-hot input and nn.Linear",
    "CausalAttention": _STUDENT,
    "MultiheadAttention": _STUDENT,
    "TransformerEncoder": _STUDENT,
    "Conv1d": "use CausalConv1d",
    "GRU": "use GRU of kmidi_lab.nn.layers",
    "LSTM": "use LSTM of kmidi_lab.nn.layers",
    "ConvTranspose1d": "use CausalConv1d at the full rate",
    "add": "use Residual for x + body(x)",
    "cat": "use Heads, or one nn.Linear whose rows are the heads",
}


def instead_of(kind: str) -> str:
    """What to use in place of a module type or function that no RTNeural file can hold."""
    if kind in _INSTEAD:
        return _INSTEAD[kind]
    return f"use Chain, Residual, Heads and modules among {', '.join(t.__name__ for t in WRITERS)}"
