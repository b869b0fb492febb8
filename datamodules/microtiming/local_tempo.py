"""How much later than written a note without a click was played: its distance from the local tempo.

The local tempo at an onset is the straight line, fitted by least squares, through all onsets of up to a quarter note
before and after it (its own included), at least five of them: written place in quarters to seconds played. A chord
counts once, by the median of its notes. What is left is the micro-timing: the spread of chords, melodies that lead,
notes that hurry or wait within the beat. Slower changes of tempo are no part of it. The line is centred on the note, so
it needs the future. Targets are made with it, and so is the input of the last four offsets
(`EncodedTakes.with_history`): those tell something of the note to come, even where timing is random (R² 0.18 in
sixteenths). See docs/microtiming.md, Results.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

REACH = 1.0
FEWEST = 5
FARTHEST_MS = 125.0
"""Notes farther from the line are ornaments, broken chords, fermatas and wrong matches."""


def offsets(quarters: np.ndarray, seconds: np.ndarray) -> tuple[NDArray[np.float64], float]:
    """(offset of each note in ms `[N]`, tempo of the whole in quarter notes a minute).

    Args:
        quarters: written onsets `[N]`, rising.
        seconds: as played `[N]`, NaN where a note was not played.

    An offset is NaN where the note was not played, or is farther than FARTHEST_MS from the line.
    """
    out = np.full(len(quarters), np.nan)
    heard = np.isfinite(seconds)
    places, at = np.unique(quarters[heard], return_inverse=True)
    if len(places) < FEWEST:
        return out, 120.0
    order = np.argsort(at, kind="stable")
    groups = np.split(seconds[heard][order], np.cumsum(np.bincount(at))[:-1])
    times = np.array([np.median(group) for group in groups])
    line = _lines(places, times)
    late = 1000 * (seconds[heard] - line[at])
    out[heard] = np.where(np.abs(late) <= FARTHEST_MS, late, np.nan)
    slope = float(np.polyfit(places, times, 1)[0])
    return out, 60 / max(slope, 1e-3)


def _lines(places: np.ndarray, times: np.ndarray) -> NDArray[np.float64]:
    """The value of each place's own line there, `[K]`."""
    k = len(places)
    first = np.searchsorted(places, places - REACH - 1e-9)
    last = np.searchsorted(places, places + REACH + 1e-9, side="right")
    middle = np.arange(k)
    few = last - first < FEWEST
    first = np.where(few, np.clip(middle - FEWEST // 2, 0, k - FEWEST), first)
    last = np.where(few, first + FEWEST, last)

    def total(values: np.ndarray) -> np.ndarray:
        sums = np.append(0.0, np.cumsum(values))
        return np.asarray(sums[last] - sums[first])

    x, y = places - places.mean(), times - times.mean()
    count = (last - first).astype(np.float64)
    mean_x, mean_y = total(x) / count, total(y) / count
    variance = np.maximum(total(x * x) / count - mean_x**2, 1e-9)
    slope = (total(x * y) / count - mean_x * mean_y) / variance
    return np.asarray(mean_y + slope * (x - mean_x) + times.mean())
