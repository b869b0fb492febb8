"""The MLP from a text's vector to the emotion embedding, and what readers make of the embedding."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import atanh

import torch
from torch import nn

from kmidi_lab.emotion_embedding import BLOCK_PATTERN
from kmidi_lab.models.intent.contract import INTENT

_INPUT_GAIN = 4.0
"""First weights are larger by this: the values of a vector of length 1 are small."""
_SIGNED = tuple(INTENT.output(name).index for name in ("valence", "arousal", "dominance"))
_COMPLEXITY = INTENT.output("complexity").index


def embedding_network(hidden: Sequence[int], dropout: float) -> nn.Sequential:
    """Vectors `[B, 128]` to embeddings `[B, 64]`, with rectified layers of `hidden` units."""
    sizes = (INTENT.input_size, *hidden)
    layers: list[nn.Module] = []
    for before, after in pairwise(sizes):
        layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
    with torch.no_grad():
        layers[0].weight.mul_(_INPUT_GAIN)  # type: ignore[operator]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], INTENT.output_size))


def read(embedding: torch.Tensor) -> torch.Tensor:
    """What readers make of `[..., 64]`: `[..., 4]`, as `emotion_embedding.read_scalars`."""
    summed = [torch.tanh(embedding[..., block].sum(-1) / 8) for block in _SIGNED]
    return torch.stack([*summed, embedding[..., _COMPLEXITY].abs().mean(-1)], -1)


def free(embedding: torch.Tensor) -> torch.Tensor:
    """`[..., 48]`: what three blocks of `[..., 64]` hold beside the contract's pattern for what they read as."""
    pattern, most = embedding.new_tensor(BLOCK_PATTERN), 8 * atanh(0.99)
    blocks = [embedding[..., block] for block in _SIGNED]
    return torch.cat([b - b.sum(-1, keepdim=True).clamp(-most, most) * pattern for b in blocks], -1)
