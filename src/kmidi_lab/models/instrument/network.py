"""A causal convolutional network from mel frames to two heads, one technical and one emotional."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from kmidi_lab.models.instrument.contract import INSTRUMENT
from kmidi_lab.nn.audio import trunk
from kmidi_lab.nn.streaming import Chain, Heads

HEAD_SIZE = 80


def two_headed_network(
    channels: int,
    first_kernel: int,
    kernel: int,
    dilations: Sequence[int],
    hidden: int,
    dropout: float,
    cepstra: int,
) -> Chain:
    """Frames `[B, T, 128]` to logits `[B, T, 160]`, zero until training moves the heads' last layers.

    Args:
        channels: of the trunk, as are `first_kernel`, `kernel`, `dilations` and `cepstra` (`nn.audio.trunk`).
        first_kernel: taps of the first convolution.
        kernel: taps of the others.
        dilations: calls between taps, one a block.
        hidden: units of each head.
        dropout: share of units dropped in training.
        cepstra: coefficients that the convolutions see; 0 is the bands themselves.
    """
    return Chain(
        *trunk(channels, kernel, dilations, dropout, first_kernel, cepstra),
        nn.Dropout(dropout),
        Heads(*(_head(channels, hidden, dropout) for _ in range(INSTRUMENT.output_size // HEAD_SIZE))),
    )


class LastLayers(nn.Module):
    """The heads' last layers, each on its own share of what stands before them `[..., H]`: to `[..., 160]`."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shares = x.chunk(len(self.layers), -1)
        return torch.cat([layer(part) for layer, part in zip(self.layers, shares, strict=True)], -1)


def last_layers(network: Chain) -> tuple[Chain, LastLayers]:
    """All layers of a `two_headed_network` but the heads' last, and these; they are the network's own, no copies."""
    *trunk, heads = network
    assert isinstance(heads, Heads)
    branches = [list(branch) for branch in heads.branches]  # type: ignore[call-overload]
    before = Heads(*(Chain(*branch[:-1]) for branch in branches))
    return Chain(*trunk, before), LastLayers(*(branch[-1] for branch in branches))


@torch.no_grad()
def scale_logits(network: Chain, part: slice, by: float) -> None:
    """Multiplies some of the outputs of a `two_headed_network`, which lie in one head, by a number."""
    *_, heads = network
    assert isinstance(heads, Heads)
    number, first = divmod(part.start, HEAD_SIZE)
    *_, last = heads.branches[number].modules()
    rows = slice(first, first + part.stop - part.start)
    for values in (last.weight, last.bias):
        values[rows] *= by


def _head(channels: int, hidden: int, dropout: float) -> Chain:
    last = nn.Linear(hidden, HEAD_SIZE)
    nn.init.zeros_(last.weight)
    nn.init.zeros_(last.bias)
    return Chain(nn.Linear(channels, hidden), nn.ReLU(), nn.Dropout(dropout), last)
