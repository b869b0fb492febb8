"""A causal network from mel frames to the emotion embedding, and what readers make of the embedding."""

from __future__ import annotations

from collections.abc import Sequence
from math import atanh

import torch
from torch import nn

from kmidi_lab.emotion_embedding import BLOCK_PATTERN
from kmidi_lab.models.emotion.contract import EMOTION
from kmidi_lab.models.emotion.features import SCALARS
from kmidi_lab.nn.audio import trunk
from kmidi_lab.nn.layers import GRU
from kmidi_lab.nn.streaming import Chain

_LINEAR = (nn.Linear, nn.BatchNorm1d, nn.Dropout)
_BLOCKS = tuple(EMOTION.output(name).index for name in SCALARS)


def embedding_network(
    channels: int,
    kernel: int,
    dilations: Sequence[int],
    dropout: float,
    first_kernel: int,
    cepstra: int,
    recurrent: Sequence[int] = (),
    discriminants: int = 0,
) -> Chain:
    """Frames `[B, T, 128]` to embeddings `[B, T, 64]`.

    Args:
        channels: of the convolutions, as are all arguments but the last two (`nn.audio.trunk`).
        kernel: taps of the convolutions in the blocks.
        dilations: of the blocks.
        dropout: share of units dropped in training.
        first_kernel: taps of the first convolution.
        cepstra: coefficients that the convolutions see.
        recurrent: units of the GRU layers that stand in the place of the blocks; none keeps the blocks.
        discriminants: numbers that a layer behind the GRUs leaves of their units (`discriminants.fit_discriminants`); 0
            is no such layer.
    """
    parts = trunk(channels, kernel, () if recurrent else dilations, dropout, first_kernel, cepstra)
    size = channels
    for units in recurrent:
        parts.append(GRU(size, units))
        size = units
    if recurrent:
        # What a GRU gives is small and uneven; a dense layer learns slowly from it.
        parts.append(nn.BatchNorm1d(size))
    if discriminants:
        parts.append(nn.Linear(size, discriminants))
        size = discriminants
    return Chain(*parts, nn.Dropout(dropout), nn.Linear(size, EMOTION.output_size))


def linear_part(network: Chain) -> tuple[Chain, Chain]:
    """The layers up to the last that is not linear, and those behind it: what they say of a mean is the mean of what they say.

    They are the network's own, no copies.
    """
    parts = list(network)
    first = len(parts)
    while isinstance(parts[first - 1], _LINEAR):
        first -= 1
    return Chain(*parts[:first]), Chain(*parts[first:])


def read(embedding: torch.Tensor) -> torch.Tensor:
    """What readers make of `[..., 64]`: `[..., 4]`, as `emotion_embedding.read_scalars`."""
    valence, arousal, dominance, complexity = (embedding[..., block] for block in _BLOCKS)
    summed = [torch.tanh(block.sum(-1) / 8) for block in (valence, arousal, dominance)]
    return torch.stack([*summed, complexity.abs().mean(-1)], -1)


def free(embedding: torch.Tensor) -> torch.Tensor:
    """`[..., 48]`: what three blocks of `[..., 64]` hold beside the contract's pattern for what they read as."""
    pattern = embedding.new_tensor(BLOCK_PATTERN)
    most = 8 * atanh(0.99)
    rest = []
    for block in _BLOCKS[:3]:
        values = embedding[..., block]
        rest.append(values - values.sum(-1, keepdim=True).clamp(-most, most) * pattern)
    return torch.cat(rest, -1)
