"""The same music under another name: keys that are equal for copies, sketches that are alike for versions of a piece."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from datamodules.shared.splits import Groups
from kmidi_lab.midi.piece import Piece

GRID = 24
"""Onsets are compared in twenty-fourths of a quarter: thirty-second notes and sixteenth triplets fall on it."""
KEY_BYTES = 16
SKETCH = 32
"""Numbers in a sketch."""
_BAND = 4
_GRAM, _WIDEST = 8, 24
_FEWEST_GRAMS = 16

Key = NDArray[np.uint8]
Sketch = NDArray[np.uint64]


def notes_key(piece: Piece) -> Key:
    """`[16]` bytes, equal for pieces with the same pitches at the same onsets on the grid, counted from the first note.

    Names, programs, the order of tracks, velocities, durations, tempo and resolution make no difference.
    """
    onsets, pitches, drums = _canonical(piece)
    return _digest(onsets * 256 + drums * 128 + pitches)


def transposed_key(piece: Piece) -> Key:
    """As `notes_key`, but the same in every key: pitches, drums aside, are counted from the lowest."""
    onsets, pitches, drums = _canonical(piece)
    lowest = pitches[~drums].min(initial=127)
    return _digest(onsets * 256 + drums * 128 + np.where(drums, pitches, pitches - lowest))


def _canonical(piece: Piece) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    starts = np.concatenate([t.notes["start"] for t in piece.tracks]).astype(np.int64)
    pitches = np.concatenate([t.notes["pitch"] for t in piece.tracks]).astype(np.int64)
    drums = np.concatenate([np.full(len(t.notes), t.is_drum) for t in piece.tracks])
    half = piece.ticks_per_quarter // 2
    return ((starts - starts.min()) * GRID + half) // piece.ticks_per_quarter, pitches, drums


def _digest(numbers: NDArray[np.int64]) -> Key:
    """Of a set: the same for any order, and for a note that two tracks play."""
    data = np.unique(numbers).astype("<i8").tobytes()
    return np.frombuffer(hashlib.blake2b(data, digest_size=KEY_BYTES).digest(), np.uint8)


def sketch(piece: Piece) -> Sketch:
    """`[32]` MinHash (A. Broder 1997) of the runs of eight intervals in the upper line of every pitched track.

    The share of equal numbers in two sketches estimates the share of runs that two pieces have in common, in any key,
    tempo and metre. All zeros for a piece with fewer than 16 different runs: too little to know it by.
    """
    return _min_hash([r for t in piece.tracks if not t.is_drum for r in _runs(t.notes["start"], t.notes["pitch"])])


def line_sketch(pitches: NDArray[np.int64]) -> Sketch:
    """As `sketch`, of one line `[T]`: alike for a tune whatever accompanies it."""
    return _min_hash(_runs(np.arange(len(pitches)), pitches))


def _min_hash(runs: Sequence[np.uint64] | NDArray[np.uint64]) -> Sketch:
    distinct = np.unique(np.array(runs, np.uint64))
    if len(distinct) < _FEWEST_GRAMS:
        return np.zeros(SKETCH, np.uint64)
    seeds = np.arange(1, SKETCH + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.array([_mix(distinct + seed).min() for seed in seeds], np.uint64)


def _runs(starts: np.ndarray, pitches: np.ndarray) -> NDArray[np.uint64]:
    line = pitches[np.append(starts[1:] != starts[:-1], True)].astype(
        np.int64
    )  # sorted: the last of an onset is the top
    steps = np.clip(np.diff(line), -_WIDEST, _WIDEST)
    if len(steps) < _GRAM:
        return np.zeros(0, np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(steps, _GRAM)
    windows = windows[(windows != 0).sum(1) > _GRAM // 2]  # repeated notes are in every piece
    places = (2 * _WIDEST + 1) ** np.arange(_GRAM, dtype=np.int64)
    return ((windows + _WIDEST) @ places).astype(np.uint64)


def _mix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser (G. Steele et al. 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def groups(keys: np.ndarray, sketches: np.ndarray) -> Groups:
    """Pieces that must not be divided between splits.

    Args:
        keys: `[P, 16]` of `transposed_key`.
        sketches: `[P, 32]` of `sketch`.

    Two pieces are joined when their keys are equal or one of eight bands of four numbers of their sketches is: for
    pieces with half of their runs in common that happens 40 times in 100, with four fifths 98 times, with a fifth once.
    """
    joined = Groups(len(keys))
    joined.join_equal(key.tobytes() for key in keys)
    join_alike(joined, sketches)
    return joined


def join_alike(joined: Groups, sketches: np.ndarray) -> None:
    """Joins pieces one of whose bands of sketches `[P, 32]` are equal, as `groups` says."""
    for at in range(0, SKETCH, _BAND):
        bands = sketches[:, at : at + _BAND]
        joined.join_equal(band.tobytes() if band.any() else None for band in bands)
