"""Where notes begin and end that were moved: none overtakes another of its part, and lengths stay; how far chords are spread."""

from __future__ import annotations

import numpy as np


def kept_in_order(start: np.ndarray, moved: np.ndarray, part: np.ndarray) -> np.ndarray:
    """New onsets in ticks `[N]` that keep the order of writing in each part.

    A note that would come before one that is written earlier begins with it. Notes of one written onset are free among
    themselves.

    Args:
        start: where notes are written, in ticks.
        moved: where they would begin.
        part: of each note.
    """
    out = np.asarray(moved, np.int64).copy()
    for p in np.unique(part):
        own = np.flatnonzero(part == p)
        onsets, at = np.unique(start[own], return_inverse=True)
        latest = np.full(len(onsets), np.iinfo(np.int64).min)
        np.maximum.at(latest, at, out[own])
        before = np.append(np.iinfo(np.int64).min, np.maximum.accumulate(latest)[:-1])
        out[own] = np.maximum(out[own], before[at])
    return out


def chord_widths(onset: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """How far the first and the last note of each written onset of several notes lie apart, in the unit of `shift` `[N]`."""
    _, at, count = np.unique(onset, return_inverse=True, return_counts=True)
    latest, earliest = np.full(len(count), -np.inf), np.full(len(count), np.inf)
    np.maximum.at(latest, at, shift)
    np.minimum.at(earliest, at, shift)
    return np.asarray((latest - earliest)[count > 1])


def new_ends(start: np.ndarray, end: np.ndarray, moved: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Ends in ticks `[N]`: each note keeps its length unless the same key is struck again before.

    Args:
        start: where notes are written.
        end: where they end there.
        moved: where they begin now.
        key: equal for notes of one key of one part.
    """
    out = np.maximum(end + moved - start, moved + 1)
    following: dict[int, tuple[int, int]] = {}
    for i in np.lexsort((moved, start))[::-1].tolist():
        written, played = following.get(int(key[i]), (-1, -1))
        if written >= 0 and end[i] <= written:
            out[i] = max(min(int(out[i]), played), int(moved[i]) + 1)
        following[int(key[i])] = int(start[i]), int(moved[i])
    return out
