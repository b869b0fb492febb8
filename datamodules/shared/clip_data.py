"""What data modules of clips share: mel frames of whole splits, their statistics, and what a proof is fed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import torch

from datamodules.shared.batches import FrameStore
from datamodules.shared.clips import grouped
from datamodules.shared.module import LabData
from datamodules.shared.splits import Groups
from kmidi_lab.audio.clips import Clip

Batch = TypeVar("Batch")
_TOGETHER = 64


class ClipData(LabData[Clip, Batch]):
    """Clips → frames."""

    def grouped(self, songs: list[Clip]) -> Groups:
        return grouped(songs)

    def probes(self) -> np.ndarray:
        """`[T, 128]` frames of the test split, one clip after the other."""
        return np.concatenate([clip.sound.frames for clip in self.songs("test")]).astype(np.float32)

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation `[128]` of the clean frames that training hears."""
        return FrameStore([c.sound.frames[c.sound.trained] for c in self.songs("train")]).statistics()

    def in_order(self, clips: Sequence[Clip]) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        """Every clip from its first frame to its last, 64 at a time, on `device`.

        Yields:
            Places in `clips` `[B]`, frames `[B, T, 128]`, and `[B, T]`, True where there is a frame.
        """
        store = FrameStore([clip.sound.frames for clip in clips], self.device)
        for index in torch.arange(len(clips), device=self.device).split(_TOGETHER):
            yield index, *store.take(index, torch.zeros_like(index), int(store.lengths[index].max()))
