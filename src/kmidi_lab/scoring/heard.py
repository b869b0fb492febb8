"""Test items that can be listened to: a few seconds as written, as played by a person, by the model and by a rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SECONDS = 8.0
"""Of an item that are heard."""
MOST = 2
"""Items of a run: with four versions each they are half a megabyte of its report."""


@dataclass(frozen=True)
class Sounding:
    """Notes as they sound: arrays `[K]`.

    Args:
        start: seconds, a little below 0 for what comes early.
        length: seconds.
        pitch: MIDI pitches.
        velocity: 1..127; rounded and clipped where they are written.
        drums: on the drum channel.
    """

    start: NDArray[np.floating]
    length: NDArray[np.floating]
    pitch: NDArray[np.integer]
    velocity: NDArray[np.floating]
    drums: bool = False


@dataclass(frozen=True)
class HeardItem:
    """One song or take of a split, its `versions` by what made them; name and source as of a ScoredItem."""

    name: str
    source: str
    versions: Mapping[str, Sounding]


def by_chance(events: Sequence[int], fewest: int = 12) -> list[int]:
    """At most `MOST` items with at least `fewest` events each, the same ones in every run; places in `events`."""
    enough = [place for place, count in enumerate(events) if count >= fewest]
    return [enough[i] for i in np.random.default_rng(0).permutation(len(enough))[:MOST]]


def in_seconds(quarters: NDArray[np.floating], tempo: NDArray[np.floating]) -> NDArray[np.float64]:
    """`[K]` of rising places in quarters, the first of them at 0, each tempo (quarters a minute) from its note on."""
    steps = np.diff(np.asarray(quarters, np.float64)) * 60 / tempo[:-1]
    return np.concatenate([[0.0], np.cumsum(steps)])[: len(quarters)]
