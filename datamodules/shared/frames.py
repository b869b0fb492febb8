"""Frames of many clips on the device, cut to batches of one length."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from kmidi_lab.audio.mel_scale import BANDS, FLOOR

_PART = 65_536


class FrameStore:
    """Clips of mel frames behind each other, as float16 in one tensor.

    Args:
        clips: `[T_i, 128]` each, in order.
    """

    def __init__(self, clips: Sequence[NDArray[np.floating]], device: torch.device | str = "cpu") -> None:
        lengths = np.array([len(c) for c in clips], np.int64)
        ends = np.cumsum(lengths)
        silence = np.full((1, BANDS), np.log(FLOOR), np.float16)
        frames = np.concatenate([*(np.asarray(c, np.float16) for c in clips), silence])
        self.frames = torch.from_numpy(frames).to(device)
        self.starts = torch.from_numpy(ends - lengths).to(device)
        self.lengths = torch.from_numpy(lengths).to(device)

    def __len__(self) -> int:
        return len(self.lengths)

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation `[128]` of all frames, float32; a band that never changes has 1."""
        frames = self.frames[:-1]
        # A part at a time: all of them as float32 would take twice the memory of the store itself.
        mean = sum(part.float().sum(0) for part in frames.split(_PART)) / len(frames)
        square = sum((part.float() - mean).square().sum(0) for part in frames.split(_PART))
        std = (square / max(1, len(frames) - 1)).sqrt()
        return mean, torch.where(std > 1e-3, std, torch.ones_like(std))

    def take(self, clips: torch.Tensor, begin: torch.Tensor, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """`length` frames of clips `[B]` from frame `begin` `[B]` on: `[B, length, 128]` float32, and `[B, length]`
        that is True where there was a frame; silence where there was none.
        """
        at = begin[:, None] + torch.arange(length, device=self.frames.device)
        real = at < self.lengths[clips][:, None]
        rows = torch.where(real, self.starts[clips][:, None] + at, len(self.frames) - 1)
        return self.frames[rows].float(), real
