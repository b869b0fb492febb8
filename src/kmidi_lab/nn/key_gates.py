"""Parts of dense layers that turn what is heard into the frame of the key, and back, by gates."""

from __future__ import annotations

import torch
from torch import nn

FLOOR, SHUT = 12.0, 36.0
"""Logits below -12 are cut off; a shut gate stays shut for logits up to 24. Small, since they cost float32 digits."""


def zero_linear(inputs: int, outputs: int) -> nn.Linear:
    """A dense layer whose weights and biases are 0."""
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def beside(weight: torch.Tensor, bias: torch.Tensor, kept: int, sees: int = 0) -> nn.Linear:
    """A dense layer that hands the last `kept` inputs through beside its own outputs.

    Args:
        weight: `[O, I]`, the last `sees` columns for the last kept inputs.
        bias: `[O]`.
        kept: inputs that are handed through.
        sees: how many of them it sees itself, too.
    """
    outputs, own = weight.shape[0], weight.shape[1] - sees
    layer = zero_linear(own + kept, outputs + kept)
    layer.weight[:outputs, :own] = weight[:, :own].cpu()
    layer.weight[:outputs, own + kept - sees : own + kept] = weight[:, own:].cpu()
    layer.bias[:outputs] = bias.cpu()
    layer.weight[outputs:, -kept:] = torch.eye(kept)
    return layer
