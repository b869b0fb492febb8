"""The loss of training clips: their labels, as a whole and from a random beginning, by themselves and by peers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional as F

_SHORTEST = 24
"""Frames of the shortest beginning that is judged: before that there is nothing yet to go by."""


def beginnings(weight: torch.Tensor, stride: int) -> torch.Tensor:
    """`[B, T]`: 1 on a random beginning of each clip, as long as the whole at most, and 0 behind it.

    Args:
        weight: `[B, T]`, 1 where a frame counts, else 0.
        stride: calls from one of these frames to the next.
    """
    shortest = _SHORTEST // stride
    room = (weight.sum(1) - shortest).clamp_min(0)
    length = shortest + torch.rand(len(weight), device=weight.device) * room
    return (weight.cumsum(1) <= length[:, None]).float()


def cross_entropy(logits: torch.Tensor, shares: torch.Tensor, smoothing: float) -> torch.Tensor:
    """`[..., K]` and the shares of the labels to `[...]`; `smoothing` of each share is spread over all labels."""
    smoothed = (1 - smoothing) * shares + smoothing / shares.shape[-1]
    return -(smoothed * F.log_softmax(logits, -1)).sum(-1)


def codistilled(
    own: torch.Tensor, by_label: torch.Tensor, peers: Sequence[torch.Tensor], shares: torch.Tensor, smoothing: float
) -> torch.Tensor:
    """`[2]`: the loss of a network that learns half from labels and half from the mean answer of peers, and theirs.

    Args:
        own: its logits `[2, B, K]`.
        by_label: its loss by the labels alone, `[2]`.
        peers: their logits, one at least.
        shares: of the labels, `[B, K]`.
        smoothing: of the cross-entropies.
    """
    peer_mean = torch.stack(list(peers)).detach().softmax(-1).mean(0)
    loss = (by_label - (peer_mean * F.log_softmax(own, -1)).sum(-1).mean(1)) / 2
    return loss + sum(cross_entropy(answer, shares, smoothing).mean(1) for answer in peers)
