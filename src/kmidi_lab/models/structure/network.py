"""An MLP from what is known of a song so far to its next section."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from kmidi_lab.models.structure.contract import STRUCTURE

ANSWERED = STRUCTURE.output("reserved").start
"""Outputs that mean something; those behind are always zero."""
_UNSEEN = ("arc", "mood")
"""Inputs that no data set knows of: with random weights they would be noise that training never removes."""


def structure_network(hidden: Sequence[int], dropout: float) -> nn.Sequential:
    """`[B, 64]` to `[B, 32]`.

    Args:
        hidden: sizes of the hidden layers.
        dropout: share of hidden units dropped in training.
    """
    sizes = [STRUCTURE.input_size, *hidden]
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout)]
    network = nn.Sequential(*layers, nn.Linear(sizes[-1], ANSWERED), _zeros_behind())
    first = network[0]
    assert isinstance(first, nn.Linear)
    with torch.no_grad():
        for name in _UNSEEN:
            first.weight[:, STRUCTURE.input(name).index] = 0
    return network


def _zeros_behind() -> nn.Linear:
    """A fixed layer that passes its inputs on and adds the outputs that stay zero."""
    layer = nn.Linear(ANSWERED, STRUCTURE.output_size)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(STRUCTURE.output_size, ANSWERED))
        layer.bias.zero_()
    return layer.requires_grad_(False)
