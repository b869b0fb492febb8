"""An MLP from one note of a score, and how loud the notes before were, to how it is played."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

from kmidi_lab.models.dynamics.contract import DYNAMICS
from kmidi_lab.nn.layers import Standardize

PLAYED = DYNAMICS.output("reserved").start
"""Outputs that mean something; those behind are always zero."""
_PEDAL_UP = -2.0
"""Bias of the pedal's logit where no data tell of it."""


def dynamics_network(hidden: Sequence[int], dropout: float) -> nn.Sequential:
    """`[B, 32]` to `[B, 16]` in 0..1; the first layer holds the inputs' statistics, 0 and 1 until training sets them.

    Args:
        hidden: sizes of the hidden layers.
        dropout: share of hidden units dropped in training.
    """
    sizes = [DYNAMICS.input_size, *hidden]
    layers: list[nn.Module] = [Standardize(torch.zeros(DYNAMICS.input_size), torch.ones(DYNAMICS.input_size))]
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU(), nn.Dropout(dropout)]
    network = nn.Sequential(*layers, nn.Linear(sizes[-1], PLAYED), nn.Sigmoid(), _zeros_behind(PLAYED))
    _quiet_where_unseen(network[1], network[-3])
    return network


def begin_with_hinges(network: nn.Sequential, quantiles: torch.Tensor) -> None:
    """Each unit of the first layer begins as a ramp, up or down, of one input, to which half of its random weights are added.

    The ramps begin at quantiles of the inputs `[Q, 32]`, so that there are bends where boosted trees have their steps.
    Emotion and previous velocities have none.
    """
    statistics, first = network[0], network[1]
    assert isinstance(statistics, Standardize) and isinstance(first, nn.Linear)
    at = (quantiles.to(statistics.mean) - statistics.mean) / statistics.std
    bent = [
        c for s in DYNAMICS.inputs if s.name not in ("emotion", "previous_velocities") for c in range(s.start, s.stop)
    ]
    with torch.no_grad():
        first.weight.mul_(0.5)
        for unit in range(first.out_features):
            turn, which = divmod(unit, len(bent))
            column, direction = bent[which], 1 - 2 * (turn % 2)
            first.weight[unit, column] += direction
            first.bias[unit] = -direction * at[torch.randint(len(at), ()), column]


def _zeros_behind(size: int) -> nn.Linear:
    """A fixed layer that passes its inputs on and adds the outputs that stay zero."""
    layer = nn.Linear(size, DYNAMICS.output_size)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(DYNAMICS.output_size, size))
        layer.bias.zero_()
    return layer.requires_grad_(False)


def _quiet_where_unseen(first: nn.Module, last: nn.Module) -> None:
    """Random weights that a data set has no evidence on would be noise that training never removes.

    No data here has dominance or complexity; the stand-in has no pedal, which then stays up.
    """
    assert isinstance(first, nn.Linear) and isinstance(last, nn.Linear)
    emotion, pedal = DYNAMICS.input("emotion"), DYNAMICS.output("pedal").start
    with torch.no_grad():
        first.weight[:, emotion.start + 2 : emotion.stop] = 0
        last.weight[pedal] = 0
        last.bias[pedal] = _PEDAL_UP
