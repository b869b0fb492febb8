"""A causal convolutional network from mel frames to the feel of the music."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from kmidi_lab.contracts import FEEL
from kmidi_lab.models.feel.features import UNTAUGHT
from kmidi_lab.nn.audio import trunk
from kmidi_lab.nn.streaming import Chain


def feel_network(
    channels: int, first_kernel: int, kernel: int, dilations: Sequence[int], hidden: int, dropout: float
) -> Chain:
    """Frames `[B, T, 128]` to outputs `[B, T, 64]`; what is never taught is zero.

    The convolutions reach eight seconds back, so that they hear periods, and no further: what was before is forgotten,
    and nothing drifts in a long piece.

    Args:
        channels: of the trunk, as are the next three and `dropout` (`nn.audio.trunk`).
        first_kernel: taps of the first convolution.
        kernel: taps of the others.
        dilations: calls between taps, one a block.
        hidden: units of the dense layer behind the trunk.
        dropout: share of units dropped in training.
    """
    last = nn.Linear(hidden, FEEL.output_size)
    for name in UNTAUGHT:
        part = FEEL.output(name).index
        nn.init.zeros_(last.weight[part])
        nn.init.zeros_(last.bias[part])
    layers = trunk(channels, kernel, dilations, dropout, first_kernel)
    return Chain(*layers, nn.Linear(channels, hidden), nn.ReLU(), nn.Dropout(dropout), last)
