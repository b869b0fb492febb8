"""What the lab keeps of a MIDI file: notes by track and the maps of tempo, metre and key, as plain arrays; drums by voice.

A piece has no object of the library that read it, so it goes between processes and into shards cheaply. Percussion
follows General MIDI's map (MIDI Manufacturers Association, 1991), with the notes that Roland kits add to it: what is
struck with the foot pedal of the bass drum is low, what lies in a drummer's (or hand drummer's) middle - snares, toms,
hand drums - is mid, what rings or keeps time is high.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.midi.names import plain

NOTE = np.dtype([("start", "<i4"), ("duration", "<i4"), ("pitch", "u1"), ("velocity", "u1")])
"""Start and duration in ticks; sorted by start, then pitch."""
Notes = NDArray[np.void]
Ticks = NDArray[np.float64]
VOICES = ("low", "mid", "high")
DRUM_CHANNEL = 9
"""General MIDI's channel 10, counted from 0."""
_LOW = (35, 36)
_MID = (
    *(31, 37, 38, 39, 40),  # sticks, side stick, snares, clap
    *(41, 43, 45, 47, 48, 50, 58),  # toms; 58 is the rim of Roland's third
    *range(60, 67),  # bongos, congas, timbales
    86, 87,  # surdos
)  # fmt: skip
_TABLE = np.full(128, VOICES.index("high"), np.int64)
_TABLE[list(_LOW)] = VOICES.index("low")
_TABLE[list(_MID)] = VOICES.index("mid")


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
    (tick, tonic 0..11, 1 minor); the first tempo stands at tick 0, 120 where the file has none. `flaws` counts what
    could only be read with a repair, or not at all, such as notes that never end.
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


def voices_of(pitches: np.ndarray) -> np.ndarray:
    """MIDI pitches 0..127, any shape, to indices into `VOICES`; notes outside the map count as high."""
    return np.asarray(_TABLE[np.asarray(pitches, np.int64)])


_DRUM_NAMES = re.compile(
    r"drum(?!mer boy)|perc(?!ol|y\b)|\bkit\b|batterie|schlagzeug|schlagwerk|bateria|batteria|trommel|ударн|барабан|ドラム|打楽器|爵士鼓|鼓|드럼"
)
_PITCHED_NAMES = re.compile(
    r"steel|kettle|timpani|pauken|tongue|hang ?drum|taiko|melodic|pitched|orgel|organ(?!ic)|perc\S* (?:bass|piano|guitar|synth|pad)"
)
_KIT = range(35, 60)
_MAPPED = range(27, 88)
_DRUM_BANKS = {120: range(128), 127: (0, 1, 8, 16, 24, 25, 32, 40, 48)}
"""Banks of kits, and the programs that are kits there: General MIDI 2's, and XG's, which other makers give to sounds."""
_SECOND_CHANNEL = 10
"""General MIDI 2's second channel that may hold drums, counted from 0."""
_KICKS, _SNARES, _HATS = (35, 36), (38, 40), (42, 44, 46)


def are_drums(name: str, channel: int, program: int, pitches: np.ndarray, others: bool, bank: int = 0) -> bool:
    """Whether a part plays drums: on channel 10, named so, a kit's bank, or a kit on channel 11 of a file without drums elsewhere.

    Args:
        name: of its track, empty where the track plays other parts, too, and channel 10 among them.
        channel: 0..15.
        program: 0..127; a part that was given an instrument is none by what it plays alone.
        pitches: of its notes.
        others: whether the file has notes on channel 10.
        bank: 0..127, that the part chose (controller 0).
    """
    if channel == DRUM_CHANNEL:
        return True
    plain_name = plain(name)
    if _DRUM_NAMES.search(plain_name) and not _PITCHED_NAMES.search(plain_name):
        return bool(np.isin(pitches, _MAPPED).all())
    if program in _DRUM_BANKS.get(bank, ()):
        return is_kit(pitches)
    return channel == _SECOND_CHANNEL and program == 0 and not others and is_kit(pitches)


def is_kit(pitches: np.ndarray) -> bool:
    """Whether notes are those of a drum kit: kick, snare and hat, and nothing that a kit has not."""
    return bool(np.isin(pitches, _KIT).all() and all(np.isin(pitches, some).any() for some in (_KICKS, _SNARES, _HATS)))
