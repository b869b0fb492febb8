"""What the lab keeps of a MIDI file: notes by track and the maps of tempo, metre and key, as plain arrays.

A piece has no object of the library that read it, so it goes between processes and into shards cheaply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

NOTE = np.dtype([("start", "<i4"), ("duration", "<i4"), ("pitch", "u1"), ("velocity", "u1")])
"""Start and duration in ticks; sorted by start, then pitch."""
Notes = NDArray[np.void]
Ticks = NDArray[np.float64]


@dataclass(frozen=True)
class Track:
    """`program` 0..127; `notes` of dtype NOTE; `pedals` `[P, 2]` start and end ticks of the sustain pedal; `channel` 0..15."""

    name: str
    program: int
    is_drum: bool
    notes: Notes
    pedals: NDArray[np.int64]
    channel: int = 0


@dataclass(frozen=True)
class Piece:
    """A MIDI file as numbers, each table sorted by tick.

    `tempos` `[K, 2]` (tick, quarter notes a minute), `metres` `[K, 3]` (tick, numerator, denominator), `keys` `[K, 3]`
    (tick, tonic 0..11, 1 minor); the first tempo stands at tick 0, 120 where the file has none. `flaws` counts what could
    only be read with a repair, or not at all, such as notes that never end.
    """

    ticks_per_quarter: int
    tracks: tuple[Track, ...]
    tempos: NDArray[np.float64]
    metres: NDArray[np.int64]
    keys: NDArray[np.int64]
    flaws: Mapping[str, int] = field(default_factory=dict)

    @property
    def worst_flaw(self) -> tuple[str, str]:
        """(the flaw that is counted most often, all of them with their counts); there must be one."""
        counts = sorted(self.flaws.items(), key=lambda flaw: -flaw[1])
        return counts[0][0], ", ".join(f"{count} {reason}" for reason, count in counts)

    def seconds(self, ticks: np.ndarray) -> Ticks:
        """Ticks, any shape, to seconds from the start of the file."""
        starts, begun, per_tick = self._tempo_map()
        at = np.asarray(ticks, np.float64)
        part = _segment(starts, at)
        return np.asarray(begun[part] + (at - starts[part]) * per_tick[part])

    def ticks(self, seconds: np.ndarray) -> Ticks:
        """The inverse of `seconds`, not rounded."""
        starts, begun, per_tick = self._tempo_map()
        at = np.asarray(seconds, np.float64)
        part = _segment(begun, at)
        return np.asarray(starts[part] + (at - begun[part]) / per_tick[part])

    def _tempo_map(self) -> tuple[Ticks, Ticks, Ticks]:
        """First tick, first second and seconds a tick of each stretch of one tempo."""
        starts = self.tempos[:, 0]
        per_tick = 60.0 / (self.tempos[:, 1] * self.ticks_per_quarter)
        return starts, np.concatenate([[0.0], np.cumsum(np.diff(starts) * per_tick[:-1])]), per_tick


def _segment(starts: Ticks, at: Ticks) -> NDArray[np.intp]:
    return np.clip(np.searchsorted(starts, at, side="right") - 1, 0, len(starts) - 1)
