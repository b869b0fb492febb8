"""What the three audio models share: standardised frames, and a causal convolutional trunk over them."""

from __future__ import annotations

from collections.abc import Sequence
from math import pi, sqrt
from typing import Annotated

import torch
from annotated_types import Interval
from torch import nn
from torch.nn import functional as F

from kmidi_lab.audio.mel import BANDS
from kmidi_lab.nn.layers import CausalConv1d, Standardize
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import Chain, Heads, Residual

Cepstra = Annotated[int, Interval(ge=0, le=BANDS)]
"""Coefficients that the convolutions see; 0 is the bands themselves."""


def trunk(
    channels: int,
    kernel: int,
    dilations: Sequence[int],
    dropout: float,
    first_kernel: int | None = None,
    cepstra: int = 0,
) -> list[nn.Module]:
    """Layers from frames `[B, T, 128]` to `[B, T, channels]`.

    They hold the statistics of the input, one convolution, and residual blocks. Each block adds a dilated convolution
    and a dense layer to its input (He et al., *Deep Residual Learning for Image Recognition*, 2016). The receptive
    field is `first_kernel + (kernel - 1) * sum(dilations)` frames of 16 ms; `first_kernel` is `kernel` where it is not
    given. With `cepstra` the convolutions see that many coefficients of the bands' cosine transform and not the bands:
    little is lost of a spectrum's shape, and less is learnt by heart.

    Args:
        channels: of every convolution.
        kernel: taps of the convolutions in the blocks.
        dilations: calls between these taps, one a block.
        dropout: share of units dropped in training.
        first_kernel: taps of the first convolution.
        cepstra: coefficients that the convolutions see, up to 128; 0 is the bands themselves.
    """
    first_kernel = kernel if first_kernel is None else first_kernel
    layers: list[nn.Module] = [
        Standardize(torch.zeros(BANDS), torch.ones(BANDS)),
        *([cosine_transform(cepstra)] if cepstra else []),
        CausalConv1d(cepstra or BANDS, channels, first_kernel),
        nn.BatchNorm1d(channels),
        nn.ReLU(),
    ]
    for dilation in dilations:
        body = (
            CausalConv1d(channels, channels, kernel, dilation),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(channels, channels),
        )
        layers += [Residual(*body), nn.BatchNorm1d(channels), nn.ReLU()]
    return layers


def clip_mean(outputs: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Mean over the frames of weight 1: `[B, T, C]` and `[B, T]` to `[B, C]`."""
    return (outputs * weight[..., None]).sum(1) / weight.sum(1, keepdim=True).clamp_min(1)


def cosine_transform(size: int) -> nn.Linear:
    """`[..., 128]` to the first `size` coefficients of the orthonormal DCT-II; training leaves it alone."""
    layer = nn.Linear(BANDS, size).requires_grad_(False)
    k, n = torch.arange(size, dtype=torch.float64)[:, None], torch.arange(BANDS, dtype=torch.float64)
    rows = torch.cos(pi * k * (2 * n + 1) / (2 * BANDS)) * sqrt(2 / BANDS)
    rows[0] /= sqrt(2)
    layer.weight.copy_(rows)
    layer.bias.zero_()
    return layer


def strided_forward(network: nn.Module, x: torch.Tensor, stride: int) -> torch.Tensor:
    """Every `stride`-th output of `network(x)`, from the first, for that share of the work.

    An output of a convolution with dilation d needs inputs d calls apart, so where all dilations but those of the first
    convolutions are multiples of `stride` the outputs in between need not be computed; the network's function is
    the same. (Statistics of batch normalisation in training are those of the outputs computed.)

    Args:
        network: a trunk and what follows it, or several side by side in a `Heads`, causal.
        x: `[B, T, C]`.
        stride: calls from one output to the next.

    Returns:
        `[B, ceil(T / stride), C']`.

    Raises:
        ValueError: a dilation behind a first convolution is no multiple of `stride`.
    """

    def run(module: nn.Module, x: torch.Tensor, apart: int) -> tuple[torch.Tensor, int]:
        """`x` holds every `apart`-th call, as does what is returned with it."""
        if isinstance(module, Chain):
            for part in module:
                x, apart = run(part, x, apart)
            return x, apart
        if isinstance(module, Residual):
            return x + run(module.body, x, apart)[0], apart
        if isinstance(module, Heads):
            branches, ends = zip(*(run(branch, x, apart) for branch in module.branches), strict=True)
            return torch.cat(branches, -1), ends[0]
        if isinstance(module, CausalConv1d):
            conv, step = module.conv, stride // apart
            if conv.dilation[0] % apart:
                raise ValueError(f"dilations behind the first convolution must be multiples of {stride}")
            padded = F.pad(x, (0, 0, module.past // apart, 0)).transpose(1, 2)
            y = F.conv1d(padded, conv.weight, conv.bias, step, 0, conv.dilation[0] // apart, conv.groups)
            return y.transpose(1, 2), stride
        return module(x.flatten(0, 1)).unflatten(0, x.shape[:2]), apart

    return run(network, x, 1)[0]


class AudioModule(LabModule):
    """A model of mel frames whose `network` begins with `trunk`; takes the training frames' statistics before training.

    Weights that it starts from belong to the statistics of their own training, which stay.

    The data module gives them: `statistics()` returns mean and standard deviation `[128]` of its training frames.
    """

    def setup(self, stage: str) -> None:
        if stage != "fit" or self.has_start:
            return
        mean, std = self.trainer.datamodule.statistics()  # type: ignore[attr-defined]
        for layer in self.modules():
            if isinstance(layer, Standardize):
                layer.mean.copy_(mean)
                layer.std.copy_(std)
