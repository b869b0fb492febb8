"""Which performed note is which score note, given the times of the beats in both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.midi.reading import MidiError

_FIRST_TOLERANCE, _SECOND_TOLERANCE = 0.5, 0.25
_NEIGHBOURS = 15
_MOST_PAIRS = 20_000_000
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BeatMap:
    """Score quarter notes to performed seconds, straight between the beats, at the edge tempo beyond them.

    `quarters`, `seconds` `[K]`, both rising.
    """

    quarters: Floats
    seconds: Floats

    def __call__(self, quarters: np.ndarray) -> Floats:
        q, s = self.quarters, self.seconds
        at = np.clip(np.searchsorted(q, quarters, side="right") - 1, 0, len(q) - 2)
        return np.asarray(s[at] + (quarters - q[at]) * (s[at + 1] - s[at]) / (q[at + 1] - q[at]))

    def inside(self, quarters: np.ndarray) -> NDArray[np.bool_]:
        """Whether a place lies between the first and the last beat."""
        return np.asarray((quarters >= self.quarters[0]) & (quarters <= self.quarters[-1]))

    @property
    def tempo(self) -> float:
        """Quarter notes a minute over the whole."""
        return float(60 * np.ptp(self.quarters) / np.ptp(self.seconds))


def match(
    pitch: np.ndarray, expected: np.ndarray, played_pitch: np.ndarray, played_at: np.ndarray
) -> NDArray[np.int64]:
    """For each score note the performed note of its pitch, or -1.

    Pairs are taken nearest first within half a second of `expected`; a second pass looks within a quarter of a second
    of where the notes around were found, so that a passage played early or late as a whole is matched as a whole.
    """
    places = _nearest_first(pitch, expected, played_pitch, played_at, _FIRST_TOLERANCE)
    there = np.flatnonzero(places >= 0)
    if not len(there):
        return places
    late = played_at[places[there]] - expected[there]
    padded = np.pad(late, _NEIGHBOURS // 2, mode="edge")
    around = np.median(np.lib.stride_tricks.sliding_window_view(padded, _NEIGHBOURS), axis=1)
    shift = np.interp(np.arange(len(pitch)), there, around)
    return _nearest_first(pitch, expected + shift, played_pitch, played_at, _SECOND_TOLERANCE)


def _nearest_first(
    pitch: np.ndarray, expected: np.ndarray, played_pitch: np.ndarray, played_at: np.ndarray, tolerance: float
) -> NDArray[np.int64]:
    places = np.full(len(pitch), -1, np.int64)
    if not len(pitch) or not len(played_at):
        return places
    # Pitches so far apart on one line that a window never reaches into the next.
    low = min(expected.min(), played_at.min())
    stride = max(expected.max(), played_at.max()) - low + 2 * tolerance + 1
    order = np.argsort(played_pitch * stride + played_at - low, kind="stable")
    line = (played_pitch * stride + played_at - low)[order]
    place = pitch * stride + expected - low
    first, last = np.searchsorted(line, place - tolerance), np.searchsorted(line, place + tolerance, side="right")
    counts = last - first
    if counts.sum() > _MOST_PAIRS:
        raise MidiError("too many notes at one place", f"{counts.sum()} pairs to compare, at most {_MOST_PAIRS}")
    notes = np.repeat(np.arange(len(pitch)), counts)
    candidates = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
    taken = np.zeros(len(played_at), bool)
    for k in np.argsort(np.abs(line[candidates] - place[notes]), kind="stable"):
        note, candidate = notes[k], candidates[k]
        if places[note] < 0 and not taken[candidate]:
            places[note], taken[candidate] = order[candidate], True
    return places
