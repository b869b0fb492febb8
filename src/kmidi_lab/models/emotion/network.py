"""A causal convolutional network from mel frames to the emotion embedding, and what readers make of the embedding."""

from __future__ import annotations

from collections.abc import Sequence
from math import atanh

import torch
from torch import nn

from kmidi_lab.contracts import EMOTION
from kmidi_lab.emotion_embedding import BLOCK_PATTERN
from kmidi_lab.models.emotion.features import SCALARS
from kmidi_lab.nn.audio import trunk
from kmidi_lab.nn.streaming import Chain

_BLOCKS = tuple(EMOTION.output(name).index for name in SCALARS)


def embedding_network(
    channels: int, kernel: int, dilations: Sequence[int], dropout: float, first_kernel: int, cepstra: int
) -> Chain:
    """Frames `[B, T, 128]` to embeddings `[B, T, 64]`; the arguments are those of `nn.audio.trunk`."""
    parts = trunk(channels, kernel, dilations, dropout, first_kernel, cepstra)
    return Chain(*parts, nn.Dropout(dropout), nn.Linear(channels, EMOTION.output_size))


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
