"""Blocks that every artefact format can hold, beside those of `torch.nn`."""

from __future__ import annotations

import torch
from torch import nn


class Standardize(nn.Module):
    """`(x - mean) / std` with fixed statistics: the input normalisation that ships inside the network.

    Args:
        mean, std: `[N]`, of the training split, in the units of the input.

    Raises:
        ValueError: shapes differ or are not `[N]`, a value is not finite, or a std is not above 0.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, mean: torch.Tensor, std: torch.Tensor) -> None:
        super().__init__()
        if mean.ndim != 1 or mean.shape != std.shape:
            raise ValueError(f"mean and std must both be [N], not {list(mean.shape)} and {list(std.shape)}")
        if not (torch.isfinite(mean).all() and torch.isfinite(std).all() and (std > 0).all()):
            raise ValueError("mean and std must be finite and std above 0; give a constant feature a std of 1")
        self.register_buffer("mean", mean.detach().clone().float())
        self.register_buffer("std", std.detach().clone().float())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`[..., N]` to `[..., N]`."""
        return (x - self.mean) / self.std
