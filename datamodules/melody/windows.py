"""What data modules of melodies share: windows drawn for training, whole pieces for validation, sequences for a student."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Protocol

import numpy as np
import torch
from annotated_types import Ge

from datamodules.melody import library as melodies
from datamodules.shared.batches import IndexBatches
from datamodules.shared.library import SplitLibrary
from datamodules.shared.module import LabData
from datamodules.shared.splits import Groups
from kmidi_lab.bounds import CountOrNone, Share
from kmidi_lab.contract_types import Contract
from kmidi_lab.models.melody.contract import MELODY
from kmidi_lab.models.melody.features import (
    KEYS,
    LENGTHS,
    Melody,
    MelodyBatch,
    Notes,
    fill,
    mood_proxy,
    notes_of,
    vectors,
)
from kmidi_lab.models.melody.recall import NO_NOTE

_LOW, _HIGH = 36, 96
_FROM_THE_START = 0.3
_WHOLE_PIECES = 16


class Drawing(Protocol):
    """Where windows are drawn from; `count` is how many the data fill."""

    count: int
    device: torch.device

    def draw(self, index: torch.Tensor, generator: torch.Generator) -> tuple[Notes[torch.Tensor], torch.Tensor]:
        """As many windows as `index` is long: (notes `[B, window]`, real `[B, window]`)."""
        ...


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
        """Batches of windows of like length, cut to the longest, in mixed order."""
        return _cut(batch, size, self.contract)

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


class Windows:
    """Training notes on the device, and windows drawn from them."""

    def __init__(
        self, songs: list[Melody], window: int, device: torch.device, shares: tuple[float, float, float]
    ) -> None:
        self.device, self.window, self._shares = device, window, shares
        parts = [tensors(notes_of(m)) for m in songs]
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

    def draw(self, index: torch.Tensor, generator: torch.Generator) -> tuple[Notes[torch.Tensor], torch.Tensor]:
        """As many windows as `index` is long: (notes `[B, window]`, real `[B, window]`); longer pieces more often, cut
        anywhere or from the start.
        """
        device, count, shares = self.device, len(index), self._shares

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
        notes: Notes[torch.Tensor] = Notes._make(
            [*(c[rows] for c in self.notes[:-1]), mood[:, None].expand(-1, self.window, -1)]
        )
        notes = notes._replace(chord=notes.chord * ~chance(shares[1])[..., None])
        down, up = self.down[piece][:, None], self.up[piece][:, None]
        where = torch.rand(count, 1, generator=generator, device=device)
        shift = (down + where * (up - down + 1)).floor().long() * chance(shares[0])
        return transpose(notes, shift.expand(-1, self.window)), real


def _cut(
    batch: tuple[Notes[torch.Tensor], torch.Tensor], size: int, contract: Contract = MELODY
) -> Iterator[MelodyBatch]:
    notes, real = batch
    order = real.sum(1).argsort().split(size)
    for i in np.random.default_rng(len(order)).permutation(len(order)):
        rows = order[i]
        longest = int(real[rows].sum(1).max())
        part = Notes(*(c[rows, :longest] for c in notes))
        yield MelodyBatch(tensor_vectors(part, contract), part.pitch, real[rows, :longest])


def whole_pieces(songs: Sequence[Melody], contract: Contract = MELODY) -> Iterator[MelodyBatch]:
    """Whole melodies in batches of like length, mood unknown; padding repeats zeros."""
    order = np.argsort([-len(m) for m in songs], kind="stable")
    for at in range(0, len(order), _WHOLE_PIECES):
        chosen = [songs[i] for i in order[at : at + _WHOLE_PIECES]]
        longest = max(map(len, chosen))
        x = torch.zeros(len(chosen), longest, MELODY.input_size)
        pitch = torch.zeros(len(chosen), longest, dtype=torch.long)
        real = torch.zeros(len(chosen), longest, dtype=torch.bool)
        for row, melody in enumerate(chosen):
            x[row, : len(melody)] = torch.from_numpy(vectors(notes_of(melody), contract))
            pitch[row, : len(melody)] = torch.from_numpy(melody.pitch.astype(np.int64))
            real[row, : len(melody)] = True
        yield MelodyBatch(x, pitch, real)


def tensors(notes: Notes[np.ndarray]) -> Notes[torch.Tensor]:
    """The same notes as tensors on the CPU."""
    return Notes._make(torch.from_numpy(column) for column in notes)


def transpose(notes: Notes[torch.Tensor], semitones: torch.Tensor) -> Notes[torch.Tensor]:
    """Every note up by `semitones` `[..]` (the notes' shape): pitches, tonic and chroma; NO_NOTE stays."""
    turned = (torch.arange(12, device=semitones.device) - semitones[..., None]) % 12
    return notes._replace(
        before=torch.where(notes.before == NO_NOTE, NO_NOTE, notes.before + semitones),
        recalled=torch.where(notes.recalled == NO_NOTE, NO_NOTE, notes.recalled + semitones),
        pitch=notes.pitch + semitones,
        tonic=(notes.tonic + semitones) % 12,
        chord=notes.chord.gather(-1, turned),
    )


def tensor_vectors(notes: Notes[torch.Tensor], contract: Contract = MELODY) -> torch.Tensor:
    """`features.vectors` of tensors `[..]` on any device: `[.., 64]` float32 there, equal to the last bit."""
    device = notes.before.device
    x = torch.empty(*notes.before.shape, contract.input_size, device=device)
    keys, lengths = (torch.from_numpy(np.ascontiguousarray(table)).to(device) for table in (KEYS, LENGTHS))
    return fill(x, notes, (torch.eye(12, device=device), keys, lengths), contract)
