"""Index batches over tensors and clips of frames that stay on the device: no workers, no copies, no collate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from kmidi_lab.audio.mel import BANDS, FLOOR
from kmidi_lab.nn.schedule import epoch_seed

Batch = TypeVar("Batch")
_CHUNK = 64
_PART = 65_536


def rows_of(batch: Any, size: int) -> Iterator[Any]:
    """A named tuple of tensors, cut to batches of `size` rows; fields that are None, which are the last, stay so."""
    for parts in zip(*(column.split(size) for column in batch if column is not None), strict=True):
        yield type(batch)(*parts)


class IndexBatches(Generic[Batch]):
    """Shuffled batches. `gather(indices, generator)` builds a batch; `split(batch, size)` cuts a large one.

    Gathering and augmenting 64 batches at a time and handing out slices keeps the cost of a step
    close to that of the network alone. Under DDP every rank takes its own share of the shuffle. A run that goes
    on within an epoch leaves out the batches that are `done`.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        gather: Callable[[torch.Tensor, torch.Generator], Batch],
        split: Callable[[Batch, int], Iterator[Batch]],
        device: torch.device,
        epoch: Callable[[], int],
        rank: int = 0,
        world: int = 1,
        done: Callable[[], int] = lambda: 0,
    ) -> None:
        self._size, self._batch, self._gather, self._split = size, batch_size, gather, split
        self._device, self._epoch, self._rank, self._world = device, epoch, rank, world
        self._done = done

    def __len__(self) -> int:
        return max(1, self._size // self._world // self._batch)

    def __iter__(self) -> Iterator[Batch]:
        yield from islice(self._all(), self._done() % len(self), None)

    def _all(self) -> Iterator[Batch]:
        seed = epoch_seed(self._epoch())
        generator = torch.Generator().manual_seed(seed)
        augment = torch.Generator(self._device).manual_seed(seed + self._rank)
        order = torch.randperm(self._size, generator=generator)[self._rank :: self._world].to(self._device)
        order = order[: len(self) * self._batch]
        for chunk in order.split(_CHUNK * self._batch):
            yield from self._split(self._gather(chunk, augment), self._batch)


class FrameStore:
    """Clips of mel frames, or of what is known of each frame, behind each other, as float16 in one tensor.

    Args:
        clips: `[T_i, C]` each, in order; C is 128 for mel frames.
    """

    def __init__(self, clips: Sequence[NDArray[np.floating]], device: torch.device | str = "cpu") -> None:
        lengths = np.array([len(c) for c in clips], np.int64)
        ends = np.cumsum(lengths)
        silence = np.full((1, np.shape(clips[0])[1] if len(clips) else BANDS), np.log(FLOOR), np.float16)
        frames = np.concatenate([*(np.asarray(c, np.float16) for c in clips), silence])
        self.frames = torch.from_numpy(frames).to(device)
        self.starts = torch.from_numpy(ends - lengths).to(device)
        self.lengths = torch.from_numpy(lengths).to(device)

    def __len__(self) -> int:
        return len(self.lengths)

    def statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation `[C]` of all frames, float32; a band that never changes has 1."""
        frames = self.frames[:-1]
        # A part at a time: all of them as float32 would take twice the memory of the store itself.
        mean = sum(part.float().sum(0) for part in frames.split(_PART)) / len(frames)
        square = sum((part.float() - mean).square().sum(0) for part in frames.split(_PART))
        std = (square / max(1, len(frames) - 1)).sqrt()
        return mean, torch.where(std > 1e-3, std, torch.ones_like(std))

    def take(self, clips: torch.Tensor, begin: torch.Tensor, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """`length` frames of clips `[B]` from frame `begin` `[B]` on: `[B, length, C]` float32, and `[B, length]`
        that is True where there was a frame; silence where there was none.
        """
        at = begin[:, None] + torch.arange(length, device=self.frames.device)
        real = at < self.lengths[clips][:, None]
        rows = torch.where(real, self.starts[clips][:, None] + at, len(self.frames) - 1)
        return self.frames[rows].float(), real
