"""Single examples of a test as a table shows them: the songs, takes, clips or sentences on which a model errs most, and their picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.chords.spelling import SHARP_NAMES

MOST = 50


@dataclass(frozen=True)
class Roll:
    """Notes, chords or strokes over time, each with its error: a piano roll.

    Args:
        start: `[K]` in `unit`.
        length: `[K]`, the same.
        row: `[K]` index into `rows`.
        error: `[K]` from 0 up, of any scale; NaN where it is not known.
        rows: names of the rows, the lowest first.
        unit: of the time, such as bars.
    """

    start: NDArray[np.floating]
    length: NDArray[np.floating]
    row: NDArray[np.integer]
    error: NDArray[np.floating]
    rows: Sequence[str]
    unit: str


@dataclass(frozen=True)
class Frames:
    """Mel frames `[T, 128]` of a sound, `seconds` apart."""

    frames: NDArray[np.floating]
    seconds: float


@dataclass(frozen=True)
class Text:
    """A text of `words`, each with its error `[K]` from 0 up, of any scale."""

    words: Sequence[str]
    error: NDArray[np.floating]


Picture = Callable[[], Roll | Frames | Text]


@dataclass(frozen=True)
class ScoredItem:
    """One song, take, clip or sentence of a split.

    Args:
        name: as its source names it.
        source: of the data module's.
        loss: the model's on it, the mean over its events.
        events: how many were scored.
        picture: makes what can be drawn of it.
        said: what was right and what the model said, where that is one word each.
    """

    name: str
    source: str
    loss: float
    events: int
    picture: Picture
    said: str = ""


def worst(items: Iterable[ScoredItem], most: int = MOST) -> list[ScoredItem]:
    """Those of greatest loss, the worst first; equal ones by name."""
    scored = [item for item in items if math.isfinite(item.loss)]
    return sorted(scored, key=lambda item: (-item.loss, item.source, item.name))[:most]


def pitch_roll(pitch: NDArray[Any], start: NDArray[Any], length: NDArray[Any], error: NDArray[Any], unit: str) -> Roll:
    """A roll of MIDI pitches `[K]`, its rows those between the lowest and the highest."""
    low, high = (int(pitch.min()), int(pitch.max())) if len(pitch) else (60, 60)
    names = [f"{SHARP_NAMES[p % 12]}{p // 12 - 1}" for p in range(low, high + 1)]
    return Roll(start, length, np.asarray(pitch, np.int64) - low, error, names, unit)
