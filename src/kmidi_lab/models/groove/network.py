"""A small recurrent network from the pattern of a bar to timing and velocity of its sixteenths."""

from __future__ import annotations

import torch
from torch import nn

from kmidi_lab.models.groove.contract import GROOVE
from kmidi_lab.nn.layers import GRU
from kmidi_lab.nn.streaming import Chain

_VELOCITY = GROOVE.output("velocity").index


def groove_network(inner: int, hidden: int, dropout: float) -> Chain:
    """`[B, T, 64]` bars to `[B, T, 32]`: timing in -1..1, velocity in 0..1.

    Args:
        inner: size of the layer that reads the bar.
        hidden: units of the GRU that remembers the bars before.
        dropout: share of both layers' units dropped in training.
    """
    return Chain(
        _reader(inner), nn.ELU(), nn.Dropout(dropout), GRU(inner, hidden), nn.Dropout(dropout),
        nn.Linear(hidden, GROOVE.output_size), nn.Tanh(), _to_ranges(),
    )  # fmt: skip


def _reader(inner: int) -> nn.Linear:
    """The first layer; what training may never see (a style, the mood) starts without any effect."""
    layer = nn.Linear(GROOVE.input_size, inner)
    with torch.no_grad():
        for name in ("style", "mood"):
            layer.weight[:, GROOVE.input(name).index] = 0.0
    return layer


def _to_ranges() -> nn.Linear:
    """Fixed: timing stays in -1..1, velocity goes from there to 0..1; a dense layer, since RTNeural holds those."""
    layer = nn.Linear(GROOVE.output_size, GROOVE.output_size)
    scale, shift = torch.ones(GROOVE.output_size), torch.zeros(GROOVE.output_size)
    scale[_VELOCITY], shift[_VELOCITY] = 0.5, 0.5
    with torch.no_grad():
        layer.weight.copy_(torch.diag(scale))
        layer.bias.copy_(shift)
    return layer.requires_grad_(False)
