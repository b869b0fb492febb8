"""Small melodies made here, for tests."""

from __future__ import annotations

import numpy as np

from kmidi_lab.chords.chord import Key
from kmidi_lab.models.melody.features import Melody

C_MAJOR = Key(0, 1)


def melody(
    pitches: list[int], durations: list[float] | None = None, name: str = "m", source: str = "aird", key: Key = C_MAJOR,
    bar: float = 4.0, chord: np.ndarray | None = None, given: str | None = None,
) -> Melody:  # fmt: skip
    """Notes one after the other from the start of a bar; the first starts the only phrase."""
    duration = np.array(durations or [1.0] * len(pitches), np.float32)
    onset = np.cumsum(duration) - duration
    first = np.arange(len(pitches)) == 0
    return Melody(
        name, source, name, key, np.array(pitches, np.uint8), duration, (onset % bar).astype(np.float32),
        np.full(len(pitches), bar, np.float32), np.zeros(len(pitches), bool), first, chord, given,
    )  # fmt: skip


def random_tunes(count: int, notes: int, seed: int, name: str = "t") -> list[Melody]:
    """Walks in C major that return to their first bars, so that there is something to learn and to copy."""
    rng = np.random.default_rng(seed)
    scale = [60, 62, 64, 65, 67, 69, 71, 72, 74, 76]
    out = []
    for i in range(count):
        place = np.clip(np.cumsum(rng.choice([-1, 1], notes // 2)) + 4, 0, 9)
        out.append(melody([scale[p] for p in [*place, *place]], [0.5] * (notes // 2 * 2), f"{name}{i}"))
    return out
