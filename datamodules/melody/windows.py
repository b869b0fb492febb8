"""Windows of melodies drawn for training, and whole pieces, as batches of contract vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import torch

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


class Pools:
    """Windows of a few hundred melodies that are read anew each time.

    Args:
        read: melodies, others for each seed.
        notes: of all melodies that are read from, which say how many windows there are.
        window, device, shares: as of `Windows`.
    """

    def __init__(
        self,
        read: Callable[[int], list[Melody]],
        notes: int,
        window: int,
        device: torch.device,
        shares: tuple[float, float, float],
    ) -> None:
        self._read, self._window, self.device, self._shares = read, window, device, shares
        self.count = -(-notes // window)

    def draw(self, index: torch.Tensor, generator: torch.Generator) -> tuple[Notes[torch.Tensor], torch.Tensor]:
        seed = int(torch.randint(2**31, (1,), generator=generator, device=self.device))
        return Windows(self._read(seed), self._window, self.device, self._shares).draw(index, generator)


def cut_windows(
    batch: tuple[Notes[torch.Tensor], torch.Tensor], size: int, contract: Contract = MELODY
) -> Iterator[MelodyBatch]:
    """Windows (notes `[B, window]`, real `[B, window]`) in batches of like length, cut to the longest, in mixed order."""
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
