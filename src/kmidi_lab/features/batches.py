"""Batches that data modules make and models read: named tensors, all on one device."""

from __future__ import annotations

from typing import NamedTuple

import torch


class HarmonyBatch(NamedTuple):
    """`x` `[B, 128]`; `root`, `quality`, `bass`, `joint` `[B]` class indices; `voices` `[B, 4]` semitones."""

    x: torch.Tensor
    root: torch.Tensor
    quality: torch.Tensor
    bass: torch.Tensor
    joint: torch.Tensor
    voices: torch.Tensor
