"""One voice on a grid, and the key of its notes: what the readers of MIDI files share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kmidi_lab.chords.chord import Key

REST, _PHRASE = 0.5, 1.0
"""Quarter notes of silence that are a rest, and that end a phrase."""
_PROFILES = {
    1: np.array([6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88]),
    -1: np.array([6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17]),
}
"""Of C major and C minor (C. Krumhansl, *Cognitive Foundations of Musical Pitch*, 1990)."""


@dataclass(frozen=True)
class Voice:
    """Notes one after the other, arrays `[T]`: `pitch` MIDI, `onset`, `duration` in quarter notes (or beats).

    `rest` says whether a rest stands before the note, `phrase` whether it starts a phrase.
    """

    pitch: np.ndarray
    onset: np.ndarray
    duration: np.ndarray
    rest: np.ndarray
    phrase: np.ndarray


def single(starts: np.ndarray, ends: np.ndarray, pitch: np.ndarray, grid: int) -> Voice:
    """Onsets on the nearest of `grid` places a quarter note, of notes on one place the highest, each ended by the next.

    A gap below half a quarter note is articulation: the note lasts to the next one.
    """
    onset = np.round(starts * grid) / grid
    order = np.lexsort((-pitch.astype(int), onset))
    order = order[np.concatenate([[True], np.diff(onset[order]) > 0])] if len(order) else order
    onset, end = onset[order], ends[order]
    following = np.append(onset[1:], np.inf)
    end = np.clip(np.round(end * grid) / grid, onset + 1 / grid, following)
    gap = onset - np.concatenate([[-np.inf], end[:-1]])
    duration = np.where(following - end < REST, following, end) - onset
    return Voice(pitch[order].astype(np.uint8), onset, duration, np.isfinite(gap) & (gap >= REST), gap >= _PHRASE)


def uncovered(starts: np.ndarray, ends: np.ndarray, pitch: np.ndarray, tolerance: float) -> np.ndarray:
    """Places of the notes that no higher note sounds over, in order of onset; times in any unit.

    A note that starts while a higher one still sounds for more than `tolerance` belongs to another voice.
    """
    until = np.full(129, -np.inf)
    kept = []
    for i in np.lexsort((-pitch.astype(int), starts)):
        if until[int(pitch[i]) + 1 :].max() <= starts[i] + tolerance:
            kept.append(i)
        until[pitch[i]] = max(until[pitch[i]], ends[i])
    return np.array(kept, np.int64)


def key_of_chroma(weights: np.ndarray) -> Key:
    """The key of notes whose source does not say it: the best of 24 for the duration of each pitch class `[12]`.

    C major for a flat histogram.
    """
    if np.ptp(weights) == 0:
        return Key(0, 1)
    keys = [Key(tonic, mode) for tonic in range(12) for mode in (1, -1)]
    return max(keys, key=lambda k: float(np.corrcoef(np.roll(_PROFILES[k.mode], k.tonic), weights)[0, 1]))
