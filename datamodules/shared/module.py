"""What data modules share: songs that are read once and split, and whole splits as batches."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch.utils.data import DataLoader

from datamodules.shared.batches import IndexBatches, rows_of
from datamodules.shared.library import SplitLibrary, write_problems
from datamodules.shared.settings import check_split
from datamodules.shared.splits import SPLITS, Groups
from kmidi_lab.bounds import Count
from kmidi_lab.data import ALL, DataModule
from kmidi_lab.errors import DataError

Song = TypeVar("Song")
Batch = TypeVar("Batch")


class LabData(DataModule, Generic[Song, Batch]):
    """Songs of one or more sources as contract vectors, split so that nothing crosses.

    A subclass says what it is (`id`, `contract`, …), gives `load`, and implements `grouped`, `counts`, `probes`,
    `whole` and `train_dataloader`.

    Args:
        load: reads and splits, or takes the prepared result from the cache; called again in every process (see `load_of`).
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        batch_size: examples a step.

    Raises:
        ConfigError: a value out of range.
    """

    remedy = "give other data.val_share or data.split_seed"
    other_settings: tuple[str, ...] = ()
    """All arguments but `identity_settings` and `COMMON_SETTINGS`: what is made of the examples, where they lie, how they are read."""

    def __init__(self, load: Callable[..., SplitLibrary[Song]], split: str, batch_size: Count) -> None:
        super().__init__()
        check_split(split)
        self.batch_size, self.split = batch_size, split
        self._load = load
        self._library: SplitLibrary[Song] | None = None

    @property
    def library(self) -> SplitLibrary[Song]:
        """All songs; there after `setup`."""
        assert self._library is not None, "call setup() first"
        return self._library

    @property
    def device(self) -> torch.device:
        """Where training batches are made."""
        return self.trainer.strategy.root_device if self.trainer else torch.device("cpu")

    def prepare_data(self) -> None:
        if self._library is None:
            self._library = self._load()

    def setup(self, stage: str | None = None) -> None:
        """Raises DataError for an empty training or validation split at stage `fit`."""
        LabData.prepare_data(self)
        empty = [split for split in ("train", "val") if not self.songs(split)]
        if stage == "fit" and empty:
            raise DataError(f"nothing is left for {' and '.join(empty)}; {self.remedy}")

    def songs(self, split: str) -> list[Song]:
        """The songs of `train`, `val`, `test` or `all`; with `train_on` all, `train` is all of them."""
        if split == "train" and self.train_on == ALL:
            return list(self.library.songs)
        places = zip(self.library.songs, self.library.splits, strict=True)
        return [song for song, where in places if split in (where, "all")]

    @abstractmethod
    def grouped(self, songs: list[Song]) -> Groups:
        """Which of `songs` must share a split."""

    def overlap(self, songs: Sequence[Song]) -> int:
        """How many of `songs` would share a split with one that this data trains or validates on."""
        trained = [*self.songs("train"), *self.songs("val")]
        groups = self.grouped([*trained, *songs])
        taken = {groups.find(i) for i in range(len(trained))}
        return sum(groups.find(len(trained) + i) in taken for i in range(len(songs)))

    def write_problems(self, path: Path) -> None:
        """Everything that was left out as CSV."""
        write_problems(self.library.problems, path)

    @abstractmethod
    def counts(self, split: str) -> dict[str, int]:
        """What a split holds, `songs` first."""

    def describe(self) -> dict[str, Any]:
        """The `data` object of run.json."""
        counts = {split: self.counts(split) for split in SPLITS}
        rule = self.library.split_rule
        if self.train_on == ALL:
            none = dict.fromkeys(counts["train"], 0)
            rule, counts = {**rule, "train_on": ALL}, {**counts, "val": none, "test": none}
        return {"id": self.id, **self.library.description, "split": {**rule, **counts}}

    def index_batches(
        self,
        size: int,
        gather: Callable[[torch.Tensor, torch.Generator], Any],
        cut: Callable[[Any, int], Iterator[Batch]] = rows_of,
    ) -> IndexBatches[Any]:
        """Shuffled batches of `size` examples an epoch on this rank's device; `gather` and `cut` as of IndexBatches."""
        trainer = self.trainer
        rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        epoch = (lambda: int(trainer.current_epoch)) if trainer else (lambda: 0)
        batch_size = min(self.batch_size, size)
        return IndexBatches(size, batch_size, gather, cut, self.device, epoch, rank, world, self._done)

    def _done(self) -> int:
        """Batches of this epoch that were trained before the run went on within it; Lightning counts them, and skips none."""
        if self.trainer is None or not self.trainer.training:
            return 0
        return int(self.trainer.fit_loop.epoch_loop.batch_progress.current.ready)

    @abstractmethod
    def whole(self, split: str) -> Sequence[Batch]:
        """Every example of a split in order, on `device`, as the batches that validation goes through."""

    def val_dataloader(self) -> DataLoader[Batch] | list[Batch]:
        """Nothing where the validation part is trained on, too: its loss would choose the epoch that knows it best by heart."""
        return [] if self.train_on == ALL else self._in_order("val")

    def test_dataloader(self) -> DataLoader[Batch]:
        return self._in_order("test")

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Any:
        return batch

    def _in_order(self, split: str) -> DataLoader[Batch]:
        return DataLoader(list(self.whole(split)), batch_size=None, collate_fn=lambda b: b)  # type: ignore[arg-type]
