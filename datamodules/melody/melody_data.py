"""What data modules of melodies share: windows for training, whole pieces for validation, sequences for a student."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import numpy as np
import torch
from annotated_types import Ge

from datamodules.melody import library as melodies
from datamodules.melody.windows import Drawing, Windows, cut_windows, whole_pieces
from datamodules.shared.batches import IndexBatches
from datamodules.shared.library import SplitLibrary
from datamodules.shared.module import LabData
from datamodules.shared.splits import Groups
from kmidi_lab.bounds import CountOrNone, Share
from kmidi_lab.models.melody.contract import MELODY
from kmidi_lab.models.melody.features import (
    Melody,
    MelodyBatch,
    Notes,
    notes_of,
    vectors,
)


class MelodyData(LabData[Melody, MelodyBatch]):
    """Melodies → notes → contract vectors.

    Training cuts windows at random places and puts some into a random key, on the device and without copies of the
    data.

    Args:
        load, split, batch_size: as of LabData; a step takes `batch_size` windows.
        window: notes of a training window.
        windows_per_epoch: windows drawn for one epoch; 0 draws as many as the data fill.
        transpose_share: share of windows in a random key, pitches kept within MIDI 36 to 96.
        chord_dropout, mood_dropout: share of windows whose chords or mood are unknown.

    Raises:
        ConfigError: a value out of range.
    """

    contract = MELODY
    bytes_per_example = 8 * 2**20

    def __init__(
        self,
        load: Callable[[], SplitLibrary[Melody]],
        split: str,
        batch_size: int,
        window: Annotated[int, Ge(8)],
        windows_per_epoch: CountOrNone,
        transpose_share: Share,
        chord_dropout: Share,
        mood_dropout: Share,
    ) -> None:
        super().__init__(load, split, batch_size)
        self.window, self.windows_per_epoch = window, windows_per_epoch
        self.shares = (transpose_share, chord_dropout, mood_dropout)
        self._windows: Drawing | None = None

    def probes(self) -> np.ndarray:
        """`[T, 64]` real inputs of the test split, piece after piece, for parity, golden vectors and timing."""
        chosen, total = [], 0
        for melody in self.songs("test"):
            chosen.append(vectors(notes_of(melody), self.contract))
            total += len(melody)
            if total >= 5000:
                break
        return np.concatenate(chosen)

    def grouped(self, songs: list[Melody]) -> Groups:
        return melodies.group(songs)

    def counts(self, split: str) -> dict[str, int]:
        songs = self.songs(split)
        return {"songs": len(songs), "notes": sum(map(len, songs))}

    def uneven(self) -> str:
        """Why baselines fitted on the training songs are no match for a network trained on this data; empty if they are."""
        return ""

    def train_dataloader(self) -> IndexBatches[MelodyBatch]:
        return self.index_batches(self.epoch_windows, self.windows(self.device).draw, self.cut)

    def whole(self, split: str) -> list[MelodyBatch]:
        device = self.device
        return [MelodyBatch(*(column.to(device) for column in batch)) for batch in self.pieces(split)]

    def pieces(self, split: str) -> Iterator[MelodyBatch]:
        """Whole melodies of a split, on the CPU."""
        return whole_pieces(self.songs(split), self.contract)

    def cut(self, batch: tuple[Notes[torch.Tensor], torch.Tensor], size: int) -> Iterator[MelodyBatch]:
        """As `cut_windows`."""
        return cut_windows(batch, size, self.contract)

    def sequences(self, split: str) -> _Sequences:
        """What a student learns from: windows as in training, or whole pieces; another order and keys every time."""
        return _Sequences(self, split)

    @property
    def epoch_windows(self) -> int:
        """Training windows of an epoch."""
        return self.windows_per_epoch or self.windows(self.device).count

    def windows(self, device: torch.device) -> Drawing:
        """The training melodies, to draw windows on `device` from."""
        if self._windows is None or self._windows.device != device:
            self._windows = self.drawing(device)
        return self._windows

    def drawing(self, device: torch.device) -> Drawing:
        """As `windows`, made anew."""
        return Windows(self.songs("train"), self.window, device, self.shares)


class _Sequences:
    """Batches of (x `[B, T, 64]`, real `[B, T]`), iterated once an epoch."""

    def __init__(self, data: MelodyData, split: str) -> None:
        self._data, self._split, self._epoch = data, split, 0

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        if self._split == "train":
            epoch, self._epoch = self._epoch, self._epoch + 1
            data, size, cpu = self._data, self._data.epoch_windows, torch.device("cpu")
            draw = data.windows(cpu).draw
            batches: Any = IndexBatches(size, min(data.batch_size, size), draw, data.cut, cpu, lambda: epoch)
        else:
            batches = self._data.pieces(self._split)
        return ((batch.x, batch.real) for batch in batches)
