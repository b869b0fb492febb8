"""A causal convolutional network from mel frames to the feel of the music: one part for its pulse, one for its values."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from kmidi_lab.audio.mel import BANDS
from kmidi_lab.models.feel.contract import FEEL
from kmidi_lab.models.feel.features import SPREADS, UNTAUGHT
from kmidi_lab.nn.audio import trunk
from kmidi_lab.nn.layers import Standardize
from kmidi_lab.nn.streaming import Chain, Heads

PULSE = ("tempo", "beat", "downbeat", "onsets", "density", "confidence")
"""Slices that the first part tells; the second tells the others. Density is how many onsets there are."""
USUAL = {
    "energy": 0.58, "density": 0.48, "brightness": 0.12, "swing": 0.18, "regularity": 0.77, "dynamic_range": 0.65,
    "flatness": 0.43, "percussive_share": 0.55, "voices": 0.25, "roughness": 0.06, "register": 0.48,
    "register_width": 0.42, "articulation": 0.89, "low_share": 0.21, "valence": 0.0, "arousal": 0.0, "key_clarity": 0.45,
}  # fmt: skip
"""Mean of each value over training: what a network says that knows nothing yet."""


def feel_network(
    channels: Sequence[int], first_kernel: int, kernel: int, dilations: Sequence[int], hidden: int, dropout: float
) -> Chain:
    """Frames `[B, T, 128]` to outputs `[B, T, 64]`; what is never taught is zero.

    Tempo and values are told by parts of their own that share nothing but the input's statistics, so that neither is
    learnt at the other's cost. The convolutions reach eight seconds back, so that they hear periods, and no further:
    what was before is forgotten, and nothing drifts in a long piece.

    Args:
        channels: of the trunk of the pulse and of that of the values; the other arguments are the same for both.
        first_kernel: taps of the first convolution (`nn.audio.trunk`).
        kernel: taps of the others.
        dilations: calls between taps, one a block.
        hidden: units of the dense layer behind a trunk.
        dropout: share of units dropped in training.
    """
    told = [[s for s in FEEL.outputs if (s.name in PULSE) == of_pulse] for of_pulse in (True, False)]
    parts = []
    for size, slices in zip(channels, told, strict=True):
        layers = trunk(size, kernel, dilations, dropout, first_kernel)[1:]
        last = nn.Linear(hidden, sum(s.size for s in slices))
        parts.append(Chain(*layers, nn.Linear(size, hidden), nn.ReLU(), nn.Dropout(dropout), last))
        untaught = torch.cat([torch.full((s.size,), s.name in UNTAUGHT) for s in slices])
        with torch.no_grad():
            last.weight[untaught] = 0
            last.bias[untaught] = 0
    order = [place for slices in told for s in slices for place in range(s.start, s.stop)]
    return Chain(Standardize(torch.zeros(BANDS), torch.ones(BANDS)), Heads(*parts), _in_place(order))


def pulse_part(network: Chain) -> tuple[Chain, nn.Linear]:
    """All layers of the first part of a `feel_network` but its last, and this; they are the network's own, no copies.

    What the last says of a frame begins with the tempo's logits, the beat's is behind them.
    """
    standardize, parts, _ = network
    assert isinstance(parts, Heads)
    layers = list(parts.branches[0])  # type: ignore[call-overload]
    return Chain(standardize, *layers[:-1]), layers[-1]


def _in_place(places: Sequence[int]) -> nn.Linear:
    """Puts what arrives n-th at `places[n]`, values in standard deviations from their mean; training leaves it alone."""
    scale, usual = torch.ones(len(places)), torch.zeros(len(places))
    for name, mean in USUAL.items():
        scale[FEEL.output(name).start], usual[FEEL.output(name).start] = SPREADS[name], mean
    layer = nn.Linear(len(places), len(places)).requires_grad_(False)
    layer.weight.zero_()
    layer.weight[places, range(len(places))] = scale[list(places)]
    layer.bias.copy_(usual)
    return layer
