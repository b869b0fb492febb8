"""What an arrangement is made of. All places and lengths are in quarter notes from the start of the song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from kmidi_lab.chords.chord import Chord, Key
from kmidi_lab.errors import UserError

ROLES = ("lead", "bass", "comp", "pad", "drums", "other")
SLOWEST, FASTEST = 20.0, 400.0
"""Tempos that a song may have, in quarter notes a minute."""
MAX_BARS = 2000
MAX_CHORDS = 10_000
LONGEST_NAME = 200
DENOMINATORS = (1, 2, 4, 8, 16, 32)


class ArrangementError(UserError):
    """An arrangement that can't be; the message says what is wrong and what is allowed."""


class Metre(NamedTuple):
    """The metre of a bar."""

    numerator: int = 4
    denominator: int = 4

    @property
    def quarters(self) -> float:
        """Length of the bar."""
        return 4.0 * self.numerator / self.denominator


class Tempo(NamedTuple):
    """`tempo` in quarter notes a minute from `start` on."""

    start: float
    tempo: float


class Marker(NamedTuple):
    """A text at a place."""

    start: float
    text: str


class Bend(NamedTuple):
    """A part is `semitones` sharp (below 0 flat) from `start` on, at most `BEND_RANGE`."""

    start: float
    semitones: float


class Level(NamedTuple):
    """A part is as loud as `level` (MIDI's expression, 0..127) from `start` on."""

    start: float
    level: int


class PlacedKey(NamedTuple):
    """A key from `start` on; `tonic` is its name, such as F# or Gb, empty where it has the usual one."""

    start: float
    key: Key
    tonic: str = ""


class PlacedChord(NamedTuple):
    """A chord from `start` on for `length`; where none is placed, none sounds."""

    start: float
    length: float
    chord: Chord

    @property
    def stop(self) -> float:
        return self.start + self.length


class Note(NamedTuple):
    """`pitch` is a MIDI number 0..127, `velocity` 1..127. It may sound past the end of the song."""

    start: float
    duration: float
    pitch: int
    velocity: int

    @property
    def stop(self) -> float:
        return self.start + self.duration


@dataclass(frozen=True)
class Section:
    """A part of the form: `bars` bars from bar `start` (from 0) on. `energy`, `density`, `tension` in 0..1."""

    name: str
    start: int
    bars: int
    energy: float = 0.5
    density: float = 0.5
    tension: float = 0.5


@dataclass(frozen=True)
class Part:
    """One player: becomes a track.

    Args:
        name: of the track.
        role: one of `ROLES`; `lead` is the voice that sings.
        program: General MIDI sound, 0..127.
        channel: 0..15; 9 with the role `drums` only. No two pitched parts share one.
        notes: by start, then pitch.
        volume: of the channel, 0..127.
        pan: 0 left, 64 middle, 127 right.
        bends: by start.
        levels: by start; a part without any is as loud as its notes are.
    """

    name: str
    role: str
    program: int
    channel: int
    notes: tuple[Note, ...] = ()
    volume: int = 100
    pan: int = 64
    bends: tuple[Bend, ...] = ()
    levels: tuple[Level, ...] = ()

    @property
    def is_drums(self) -> bool:
        return self.role == "drums"

    def with_notes(self, notes: Sequence[Note]) -> Part:
        """The same player with these notes, in any order."""
        return replace(self, notes=tuple(sorted(notes)))
