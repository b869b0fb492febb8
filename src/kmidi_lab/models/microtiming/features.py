"""Written notes as `microtiming` contract vectors, and performances as training arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kmidi_lab.midi.styles import STYLES, SWING
from kmidi_lab.models.microtiming.contract import MICROTIMING
from kmidi_lab.models.microtiming.notes import WrittenNotes

if TYPE_CHECKING:
    import torch

STEPS = 16
SLOWEST, FASTEST = 30.0, 300.0
PHRASE_BARS = 8
LEAD_MS = 30.0
"""A lead of 1."""
HISTORY = MICROTIMING.input("played_offsets").size
UNIT_MS = 62.5
"""An offset of 1 (60 ticks at 480 a quarter) at 120 bpm: what the training loss measures offsets in."""
_QUARTERS_PER_UNIT = 60 / 480
_IN = {s.name: s.index for s in MICROTIMING.inputs}


def milliseconds(bpm: np.ndarray) -> np.ndarray:
    """What an offset of 1 lasts at a tempo."""
    return np.asarray(60_000 * _QUARTERS_PER_UNIT / np.clip(bpm, SLOWEST, FASTEST))


def note_vectors(
    notes: WrittenNotes, style: str | None = None, swing: float | None = None, phrased: bool = True
) -> np.ndarray:
    """`[N, 64]` float32 of consecutive notes; lead and played offsets stay zero, as all that is unknown.

    Args:
        notes: of one performance.
        style: one of STYLES, or None.
        swing: 0..1; None is the style's own.
        phrased: bar 0 begins a phrase.
    """
    n = len(notes)
    x = np.zeros((n, MICROTIMING.input_size), np.float32)
    if style is not None:
        x[:, _IN["style"].start + STYLES.index(style)] = 1.0
        x[:, _IN["swing"]] = SWING[style] if swing is None else swing
    rows = np.arange(n)
    x[rows, _IN["step"].start + steps_of(notes)] = 1.0
    x[rows, _IN["role"].start + notes.role] = 1.0
    x[:, _IN["tempo"].start] = (np.clip(notes.bpm, SLOWEST, FASTEST) - 120) / 60
    x[:, _IN["inter_onset"]] = _inter_onsets(notes)
    x[:, _IN["duration"].start] = _log(notes.duration)
    x[:, _IN["pitch"].start] = notes.pitch / 127
    size, rank = _chords(notes.onset)
    x[:, _IN["chord_size"].start] = np.minimum(size / 10, 2)
    x[:, _IN["chord_rank"].start] = rank / np.maximum(size - 1, 1)
    if phrased:
        angle = 2 * np.pi * np.floor(notes.bar + 1e-6) / PHRASE_BARS
        x[:, _IN["phrase_position"]] = np.stack([np.sin(angle), np.cos(angle)], 1)
    x[:, _IN["written_dynamic"].start] = notes.dynamic
    return x


def steps_of(notes: WrittenNotes) -> np.ndarray:
    """The nearest sixteenth of the bar, `[N]`, 0..15; longer bars begin again at 0."""
    within = (notes.bar - np.floor(notes.bar + 1e-6)) * notes.bar_quarters * 4
    return np.asarray(np.floor(within + 0.5).astype(np.int64) % STEPS)


def _inter_onsets(notes: WrittenNotes) -> np.ndarray:
    """`[N, 2]`: to the onset before and the one after in the same line."""
    out = np.zeros((len(notes), 2))
    for line in np.unique(notes.line):
        own = np.flatnonzero(notes.line == line)
        onsets, at = np.unique(notes.onset[own], return_inverse=True)
        gaps = np.diff(onsets)
        out[own, 0] = _log(np.append(0.0, gaps))[at]
        out[own, 1] = _log(np.append(gaps, 0.0))[at]
    return out


def _log(quarters: np.ndarray) -> np.ndarray:
    """log2 / 4, held to -1..1; 0 where there is none."""
    return np.asarray(np.where(quarters > 0, np.clip(np.log2(np.maximum(quarters, 1e-6)) / 4, -1, 1), 0.0))


def _chords(onset: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(notes at each note's onset, its place among them from below) `[N]`; notes are sorted by onset, then pitch."""
    _, first, at, count = np.unique(onset, return_index=True, return_inverse=True, return_counts=True)
    return count[at], np.arange(len(onset)) - first[at]


@dataclass(frozen=True)
class Take:
    """A performance of written notes.

    `offset` `[N]` in ms, how much later than written each was played, NaN where unknown; `velocity` `[N]` 0..1, NaN
    where unknown. `kind` is drums or piano; `player` is who played, `work` what was played, "" where each take is its
    own.
    """

    id: str
    source: str
    kind: str
    player: str
    work: str
    notes: WrittenNotes
    offset: np.ndarray
    velocity: np.ndarray
    style: str | None = None
    swing: float | None = None
    phrased: bool = True

    @property
    def lead(self) -> float:
        """How late the player is as a whole: the median offset, in ms."""
        heard = self.offset[np.isfinite(self.offset)]
        return float(np.median(heard)) if len(heard) else 0.0


@dataclass(frozen=True)
class EncodedTakes:
    """Arrays over the notes of many takes, each take's notes in a row.

    `x` `[E, 64]` without lead and played offsets; `offset` `[E]` ms, `velocity` `[E]` 0..1, NaN where unknown; `unit`
    `[E]` ms of an offset of 1; `lead` `[E]` ms of the take; `song` `[E]` index of the take, `starts` `[S + 1]` its
    first note; `role`, `step`, `style` `[E]` places in their lists, style -1 where unknown.
    """

    x: np.ndarray
    offset: np.ndarray
    velocity: np.ndarray
    unit: np.ndarray
    lead: np.ndarray
    song: np.ndarray
    starts: np.ndarray
    role: np.ndarray
    step: np.ndarray
    style: np.ndarray

    @property
    def known(self) -> np.ndarray:
        """`[E]` bool: the notes that were played, and not too far from where they are written."""
        return np.isfinite(self.offset)

    def with_lead(self) -> np.ndarray:
        """`x` where each take's lead is given."""
        return lead_given(self.x, self.lead)

    def with_history(self) -> np.ndarray:
        """`x` where the last four offsets as played are given."""
        x = self.x.copy()
        x[:, _IN["played_offsets"]] = history(self.offset / self.unit, self.starts)
        return x


def lead_given(x: np.ndarray, lead: np.ndarray | float) -> np.ndarray:
    """`[E, 64]` with a player's lead in ms, one or `[E]`."""
    x = x.copy()
    x[:, _IN["lead"].start] = np.clip(lead / LEAD_MS, -1, 1)
    return x


def history(offset: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """`[E, 4]`: the four offsets before each note in its take, oldest first; 0 where there is none or it is unknown."""
    heard = np.clip(np.nan_to_num(offset), -1, 1)
    out = np.zeros((len(offset), HISTORY), np.float32)
    place = np.arange(len(offset)) - np.repeat(starts[:-1], np.diff(starts))
    for age in range(1, HISTORY + 1):
        there = np.flatnonzero(place >= age)
        out[there, HISTORY - age] = heard[there - age]
    return out


def encode_takes(takes: Sequence[Take]) -> EncodedTakes:
    """Contract vectors and targets of every note."""
    lengths = np.array([len(t.notes) for t in takes], np.int64)

    def all_of(parts: list[np.ndarray], kind: type = np.float32) -> np.ndarray:
        return np.concatenate([np.zeros(0), *parts]).astype(kind)

    vectors = [note_vectors(t.notes, t.style, t.swing, t.phrased) for t in takes]
    return EncodedTakes(
        np.concatenate([np.zeros((0, MICROTIMING.input_size), np.float32), *vectors]),
        all_of([t.offset for t in takes]),
        all_of([t.velocity for t in takes]),
        all_of([milliseconds(t.notes.bpm) for t in takes]),
        np.repeat([t.lead for t in takes], lengths).astype(np.float32),
        np.repeat(np.arange(len(takes)), lengths),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        all_of([t.notes.role for t in takes], np.int64),
        all_of([steps_of(t.notes) for t in takes], np.int64),
        np.repeat([-1 if t.style is None else STYLES.index(t.style) for t in takes], lengths).astype(np.int64),
    )


class MicrotimingBatch(NamedTuple):
    """Sequences of notes.

    `x` `[B, T, 64]`; `offset` `[B, T]` in the outputs' unit, `velocity` `[B, T]` 0..1, `weight` `[B, T]` 1 where both
    are known; `unit` `[B, T]` ms of an offset of 1, over UNIT_MS.
    """

    x: torch.Tensor
    offset: torch.Tensor
    velocity: torch.Tensor
    weight: torch.Tensor
    unit: torch.Tensor
