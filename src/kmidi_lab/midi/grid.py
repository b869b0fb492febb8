"""Whether the notes of a file are written on a grid or were played, and the same notes on the grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kmidi_lab.midi.piece import Piece

_GRIDS = (4, 6)
"""Places of a quarter: sixteenths, and triplets of eighths and sixteenths."""
_FINER = (8, 12, 5, 7, 64)
"""Other places that a score may write: 32nds, their triplets, groups of five and seven, and what programs round to."""
_OFF_MS, _EXACT_MS = 4.0, 1.0
_MOST = 0.5
_TICK = 1.0
_AROUND, _BETTER = 2, 0.7
"""Beats before and after that also count, and what share of the sixteenths' error triplets must have."""
_LEAST = 8
"""Onsets below which nothing is said."""


def played_share(piece: Piece, parts: np.ndarray) -> float:
    """Share of onsets that lie more than 4 ms off the grid of sixteenths and triplets, and on no finer one; 0 of few.

    Args:
        piece: the file.
        parts: `[K]` which of its tracks.
    """
    starts = np.unique(np.concatenate([piece.tracks[p].notes["start"].astype(np.float64) for p in parts] or [[]]))
    if len(starts) < _LEAST:
        return 0.0
    off = np.min([_distance(piece, starts, places) for places in _GRIDS], axis=0) > _OFF_MS
    # A grid finer than a few ticks holds everything; there it tells nothing.
    finer = [_distance(piece, starts, n) > _EXACT_MS for n in _FINER if piece.ticks_per_quarter / n > 8 * _TICK]
    return float((off & np.all(finer, axis=0)).mean()) if finer else float(off.mean())


def is_played(share: float) -> bool:
    """Whether most onsets are off the grid."""
    return share > _MOST


def quantised(piece: Piece) -> Piece:
    """The piece with every note on the nearest sixteenth, or on triplets where these fit a beat and those around it better.

    The notes of a track stay in their order; two of one key that fall together do so.
    """
    quarter = piece.ticks_per_quarter
    starts = np.concatenate([t.notes["start"].astype(np.float64) for t in piece.tracks] or [np.zeros(0)])
    beats = np.floor(starts / quarter + 1 / 8).astype(np.int64)
    errors = [np.bincount(beats, np.abs(starts - _nearest(starts, quarter / n))) for n in (4, 3)]
    even, triple = (np.convolve(e, np.ones(2 * _AROUND + 1))[_AROUND:-_AROUND] for e in errors)
    triplet = triple < _BETTER * even
    tracks = []
    for track in piece.tracks:
        own = track.notes["start"].astype(np.float64)
        beat = np.floor(own / quarter + 1 / 8).astype(np.int64)
        on = np.where(triplet[beat], _nearest(own, quarter / 3), _nearest(own, quarter / 4))
        notes = track.notes.copy()
        notes["start"] = np.rint(on).astype(np.int64)
        tracks.append(replace(track, notes=notes))
    return replace(piece, tracks=tuple(tracks))


def _nearest(starts: np.ndarray, step: float) -> np.ndarray:
    return np.floor(starts / step + 0.5) * step


def _distance(piece: Piece, starts: np.ndarray, places: int) -> np.ndarray:
    """Milliseconds to the nearest of so many places of a quarter, less what rounding to ticks makes."""
    on = _nearest(starts, piece.ticks_per_quarter / places)
    ticks = np.maximum(np.abs(starts - on) - _TICK / 2, 0)
    return np.asarray(1000 * (piece.seconds(on + ticks) - piece.seconds(on)))
