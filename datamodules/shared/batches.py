"""Index batches over tensors that stay on the device: no workers, no copies, no collate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import torch

from kmidi_lab.seeds import epoch_seed

Batch = TypeVar("Batch")
_CHUNK = 64


def rows_of(batch: Any, size: int) -> Iterator[Any]:
    """A named tuple of tensors, cut to batches of `size` rows."""
    for parts in zip(*(column.split(size) for column in batch), strict=True):
        yield type(batch)._make(parts)


class IndexBatches(Generic[Batch]):
    """Shuffled batches. `gather(indices, generator)` builds a batch; `split(batch, size)` cuts a large one.

    Gathering and augmenting 64 batches at a time and handing out slices keeps the cost of a step
    close to that of the network alone. Under DDP every rank takes its own share of the shuffle.
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
    ) -> None:
        self._size, self._batch, self._gather, self._split = size, batch_size, gather, split
        self._device, self._epoch, self._rank, self._world = device, epoch, rank, world

    def __len__(self) -> int:
        return max(1, self._size // self._world // self._batch)

    def __iter__(self) -> Iterator[Batch]:
        seed = epoch_seed(self._epoch())
        generator = torch.Generator().manual_seed(seed)
        augment = torch.Generator(self._device).manual_seed(seed + self._rank)
        order = torch.randperm(self._size, generator=generator)[self._rank :: self._world].to(self._device)
        order = order[: len(self) * self._batch]
        for chunk in order.split(_CHUNK * self._batch):
            yield from self._split(self._gather(chunk, augment), self._batch)
