"""MelodyDB: melodies from every source that is present, as `melody` contract vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch
from torch.utils.data import DataLoader

from datamodules.batches import IndexBatches
from datamodules.melody import library as melodies
from datamodules.splits import SPLITS
from kmidi_lab.contracts import MELODY
from kmidi_lab.errors import ConfigError, DataError, one_of
from kmidi_lab.features.melody import Melody, MelodyBatch, Notes, mood_proxy, notes_of, transpose, vectors

_LOW, _HIGH = 36, 96
_FROM_THE_START = 0.3
_WHOLE_PIECES = 16


class MelodyDB(L.LightningDataModule):
    """Tunes → notes → contract vectors, split by tune and its variants.

    Training cuts windows at random places and puts some into a random key, on the device and without copies of the data.

    Args:
        root: folder that holds `pop909/` and `jsb_chorales/`.
        cache_dir: where prepared melodies are kept, by content hash.
        sources: which of `datamodules.melody.library.SOURCES` to use; an absent folder is left out and said so.
        split: `train`, `val`, `test` or `all`: what `task=eval` scores.
        batch_size: windows a step. window: notes of a training window.
        windows_per_epoch: windows drawn for one epoch; 0 draws as many as the data fill.
        transpose_share: share of windows in a random key, pitches kept within MIDI 36 to 96.
        chord_dropout, mood_dropout: share of windows whose chords or mood are unknown.

    Raises:
        ConfigError: a value out of range. DataError: no source holds a usable melody.
    """

    id = "melody_db"
    contract = MELODY
    vocabulary: tuple[str, ...] = ()
    root_sources: tuple[str, ...] = ("pop909", "jsb_chorales")
    """Sources that lie under `root`; the others come with music21."""
    bytes_per_example = 8 * 2**20
    """Rough training memory of one window: inputs, activations, attention and their gradients."""

    def __init__(
        self,
        root: str,
        cache_dir: str,
        sources: Sequence[str] = melodies.SOURCES,
        split: str = "test",
        split_seed: int = 0,
        val_share: float = 0.1,
        test_share: float = 0.15,
        batch_size: int = 32,
        window: int = 256,
        windows_per_epoch: int = 0,
        transpose_share: float = 0.5,
        chord_dropout: float = 0.3,
        mood_dropout: float = 0.7,
        progress: bool = True,
    ) -> None:
        super().__init__()
        for name in sources:
            if name not in melodies.SOURCES:
                raise ConfigError(one_of("data.sources", name, melodies.SOURCES))
        if split not in (*SPLITS, "all"):
            raise ConfigError(one_of("data.split", split, (*SPLITS, "all")))
        shares = {
            "transpose_share": transpose_share, "chord_dropout": chord_dropout, "mood_dropout": mood_dropout,
        }  # fmt: skip
        for key, value in shares.items():
            if not 0 <= value <= 1:
                raise ConfigError(f"data.{key}={value} is not a share; give 0 to 1, such as data.{key}=0.3")
        if not (val_share > 0 and test_share > 0 and val_share + test_share < 0.9):
            raise ConfigError("data.val_share and data.test_share must be above 0 and together below 0.9")
        for key, number, least in (
            ("batch_size", batch_size, 1),
            ("window", window, 8),
            ("windows_per_epoch", windows_per_epoch, 0),
        ):
            if number < least:
                raise ConfigError(f"data.{key}={number} must be {least} or more")
        self.batch_size, self.split, self.window, self.windows_per_epoch = batch_size, split, window, windows_per_epoch
        self.transpose_share, self.chord_dropout, self.mood_dropout = transpose_share, chord_dropout, mood_dropout
        self._settings: dict[str, Any] = {
            "root": Path(root),
            "cache_dir": Path(cache_dir),
            "sources": tuple(sources),
            "seed": split_seed,
            "val": val_share,
            "test": test_share,
            "progress": progress,
        }
        self.library: melodies.Library | None = None
        self._windows: _Windows | None = None

    def prepare_data(self) -> None:
        melodies.load(**self._settings)

    def setup(self, stage: str | None = None) -> None:
        if self.library is None:
            self.library = melodies.load(**self._settings)
        if not self.songs("train") and stage == "fit":
            raise DataError(
                f"the training split is empty; add sources, such as data.sources=[{','.join(melodies.BOOKS)}]"
            )

    def songs(self, split: str) -> list[Melody]:
        """The melodies of `train`, `val`, `test` or `all`."""
        assert self.library is not None, "call setup() first"
        return [
            m for m, where in zip(self.library.melodies, self.library.splits, strict=True) if split in (where, "all")
        ]

    def probes(self) -> np.ndarray:
        """`[T, 64]` real inputs of the test split, piece after piece, for parity, golden vectors and timing."""
        chosen, total = [], 0
        for melody in self.songs("test"):
            chosen.append(vectors(notes_of(melody)).numpy())
            total += len(melody)
            if total >= 5000:
                break
        return np.concatenate(chosen)

    def seen(self, songs: Sequence[Melody]) -> int:
        """How many of `songs` would share a split with a melody that this data trains or validates on."""
        known = [*self.songs("train"), *self.songs("val")]
        groups = melodies.group([*known, *songs])
        taken = {groups.find(i) for i in range(len(known))}
        return sum(groups.find(len(known) + i) in taken for i in range(len(songs)))

    def write_problems(self, path: Path) -> None:
        """Every skipped file and tune as CSV."""
        assert self.library is not None, "call setup() first"
        melodies.write_problems(self.library.problems, path)

    def describe(self) -> dict[str, Any]:
        """The `data` object of run.json."""
        assert self.library is not None, "call setup() first"
        counts = {
            split: {"songs": len(songs), "notes": sum(map(len, songs))}
            for split in SPLITS
            for songs in [self.songs(split)]
        }
        return {"id": self.id, **self.library.description, "split": {**self.library.split_rule, **counts}}

    def train_dataloader(self) -> IndexBatches[MelodyBatch]:
        trainer = self.trainer
        rank, world = (trainer.global_rank, trainer.world_size) if trainer else (0, 1)
        device = trainer.strategy.root_device if trainer else torch.device("cpu")
        return self._batches(device, (lambda: int(trainer.current_epoch)) if trainer else (lambda: 0), rank, world)

    def val_dataloader(self) -> DataLoader[MelodyBatch]:
        return self._whole("val")

    def test_dataloader(self) -> DataLoader[MelodyBatch]:
        return self._whole("test")

    def _whole(self, split: str) -> DataLoader[MelodyBatch]:
        return DataLoader(list(whole_pieces(self.songs(split))), batch_size=None, collate_fn=lambda b: b)  # type: ignore[arg-type]

    def sequences(self, split: str) -> _Sequences:
        """What a student learns from: windows as in training, or whole pieces; another order and keys every time."""
        return _Sequences(self, split)

    def _batches(self, device: torch.device, epoch: Any, rank: int = 0, world: int = 1) -> IndexBatches[MelodyBatch]:
        if self._windows is None or self._windows.device != device:
            self._windows = _Windows(self.songs("train"), self.window, device)
        windows = self._windows
        size = self.windows_per_epoch or windows.count

        def gather(index: torch.Tensor, generator: torch.Generator) -> tuple[Notes, torch.Tensor]:
            shares = (self.transpose_share, self.chord_dropout, self.mood_dropout)
            return windows.draw(len(index), generator, shares)

        return IndexBatches(size, min(self.batch_size, size), gather, _cut, device, epoch, rank, world)  # type: ignore[arg-type]


class _Sequences:
    """Batches of (x `[B, T, 64]`, real `[B, T]`), iterated once an epoch."""

    def __init__(self, data: MelodyDB, split: str) -> None:
        self._data, self._split, self._epoch = data, split, 0

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        if self._split == "train":
            epoch, self._epoch = self._epoch, self._epoch + 1
            batches: Any = self._data._batches(torch.device("cpu"), lambda: epoch)
        else:
            batches = whole_pieces(self._data.songs(self._split))
        return ((batch.x, batch.real) for batch in batches)


class _Windows:
    """Training notes on the device, and windows drawn from them."""

    def __init__(self, songs: list[Melody], window: int, device: torch.device) -> None:
        self.device, self.window = device, window
        parts = [notes_of(m) for m in songs]
        joined = Notes(
            *(torch.cat(column) for column in zip(*(p._replace(mood=p.mood[:1]) for p in parts), strict=True))
        )
        self.notes = Notes(*(c.to(device) for c in joined._replace(mood=torch.tensor([mood_proxy(m) for m in songs]))))
        length = torch.tensor([len(m) for m in songs])
        self.length, self.start = length.to(device), (length.cumsum(0) - length).to(device)
        self.down = torch.tensor([_LOW - int(m.pitch.min()) for m in songs], device=device).clamp(-6, 0)
        self.up = torch.tensor([_HIGH - int(m.pitch.max()) for m in songs], device=device).clamp(0, 5)
        each = (length + window - 1) // window
        self.piece = torch.repeat_interleave(torch.arange(len(songs)), each).to(device)
        self.count = len(self.piece)

    def draw(
        self, count: int, generator: torch.Generator, shares: tuple[float, float, float]
    ) -> tuple[Notes, torch.Tensor]:
        """(notes `[count, window]`, real `[count, window]`): longer pieces more often, cut anywhere or from the start."""
        device = self.device

        def chance(share: float) -> torch.Tensor:
            return torch.rand(count, 1, generator=generator, device=device) < share

        piece = self.piece[torch.randint(self.count, (count,), generator=generator, device=device)]
        spare = (self.length[piece] - self.window).clamp(min=0)
        # Half a window beyond either end, so that ends are seen as often as middles.
        wide = torch.rand(count, generator=generator, device=device) * (spare + self.window) - self.window / 2
        first = torch.minimum(wide.long().clamp(min=0), spare) * ~chance(_FROM_THE_START)[:, 0]
        offset = first[:, None] + torch.arange(self.window, device=device)
        real = offset < self.length[piece][:, None]
        rows = self.start[piece][:, None] + torch.minimum(offset, self.length[piece][:, None] - 1)
        mood = self.notes.mood[piece] * ~chance(shares[2])
        notes = Notes._make([*(c[rows] for c in self.notes[:-1]), mood[:, None].expand(-1, self.window, -1)])
        notes = notes._replace(chord=notes.chord * ~chance(shares[1])[..., None])
        down, up = self.down[piece][:, None], self.up[piece][:, None]
        where = torch.rand(count, 1, generator=generator, device=device)
        shift = (down + where * (up - down + 1)).floor().long() * chance(shares[0])
        return transpose(notes, shift.expand(-1, self.window)), real


def _cut(drawn: tuple[Notes, torch.Tensor], size: int) -> Iterator[MelodyBatch]:
    """Batches of windows of like length, cut to the longest, in mixed order."""
    notes, real = drawn
    order = real.sum(1).argsort().split(size)
    for i in np.random.default_rng(len(order)).permutation(len(order)):
        rows = order[i]
        longest = int(real[rows].sum(1).max())
        part = Notes(*(c[rows, :longest] for c in notes))
        yield MelodyBatch(vectors(part), part.pitch, real[rows, :longest])


def whole_pieces(songs: Sequence[Melody]) -> Iterator[MelodyBatch]:
    """Whole melodies in batches of like length, mood unknown; padding repeats zeros."""
    order = np.argsort([-len(m) for m in songs], kind="stable")
    for at in range(0, len(order), _WHOLE_PIECES):
        chosen = [songs[i] for i in order[at : at + _WHOLE_PIECES]]
        longest = max(map(len, chosen))
        x = torch.zeros(len(chosen), longest, MELODY.input_size)
        pitch = torch.zeros(len(chosen), longest, dtype=torch.long)
        real = torch.zeros(len(chosen), longest, dtype=torch.bool)
        for row, melody in enumerate(chosen):
            x[row, : len(melody)] = vectors(notes_of(melody))
            pitch[row, : len(melody)] = torch.from_numpy(melody.pitch.astype(np.int64))
            real[row, : len(melody)] = True
        yield MelodyBatch(x, pitch, real)
