"""A small recurrent network from a written note to the quantiles of its offset and its velocity."""

from __future__ import annotations

import torch
from torch import nn

from kmidi_lab.models.microtiming.contract import MICROTIMING
from kmidi_lab.nn.layers import GRU
from kmidi_lab.nn.streaming import Chain

ANSWERED = MICROTIMING.output("reserved").start
"""Outputs that mean something; those behind are always zero."""
_HALVED = ("velocity", "velocity_spread")
_UNSEEN = ("mood", "reserved")
"""Inputs that no data set knows of: with random weights they would be noise that training never removes."""


def microtiming_network(inner: int, hidden: int, dropout: float) -> Chain:
    """`[B, T, 64]` notes to `[B, T, 16]`: offsets in -1..1, velocity and its spread in 0..1, zeros behind.

    Args:
        inner: size of each of the two layers that read the note; one alone hardly multiplies a lead in ms by the tempo.
        hidden: units of the GRU that remembers the notes before.
        dropout: share of every layer's units dropped in training.
    """
    return Chain(
        _reader(inner), nn.ELU(), nn.Dropout(dropout), nn.Linear(inner, inner), nn.ELU(), nn.Dropout(dropout),
        GRU(inner, hidden), nn.Dropout(dropout), nn.Linear(hidden, ANSWERED), nn.Tanh(), _to_ranges(),
    )  # fmt: skip


def _reader(inner: int) -> nn.Linear:
    layer = nn.Linear(MICROTIMING.input_size, inner)
    with torch.no_grad():
        for name in (*_UNSEEN, "style"):
            layer.weight[:, MICROTIMING.input(name).index] = 0.0
    return layer


def _to_ranges() -> nn.Linear:
    """Fixed: offsets stay in -1..1, velocities go from there to 0..1, and zeros are added behind; RTNeural holds it."""
    layer = nn.Linear(ANSWERED, MICROTIMING.output_size)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(MICROTIMING.output_size, ANSWERED))
        layer.bias.zero_()
        for name in _HALVED:
            at = MICROTIMING.output(name).start
            layer.weight[at, at], layer.bias[at] = 0.5, 0.5
    return layer.requires_grad_(False)
