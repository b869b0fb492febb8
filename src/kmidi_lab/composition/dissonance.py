"""Notes of a tune that are not of its chord: what people sing on strong beats, too, and resolve by step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kmidi_lab.chords.chord import Chord
from kmidi_lab.song import Note

_STEP = 2
"""Semitones of a step."""
_SOON = 4.0
"""Quarters within which a note is resolved."""


def foreign(tune: Sequence[Note], over: Sequence[Chord]) -> np.ndarray:
    """Of each note `[T]` whether it is not of the chord that it begins over."""
    return np.array([n.pitch % 12 not in c.tones for n, c in zip(tune, over, strict=True)], bool)


def unresolved(tune: Sequence[Note], over: Sequence[Chord]) -> np.ndarray:
    """Of each note `[T]` whether it is foreign and nothing resolves it.

    A step to the next pitch does, or a chord that the same pitch, sung again, is of.
    """
    out = foreign(tune, over)
    for at in np.flatnonzero(out).tolist():
        out[at] = not _resolves(tune, over, at)
    return out


def _resolves(tune: Sequence[Note], over: Sequence[Chord], at: int) -> bool:
    first = tune[at]
    for note, chord in zip(tune[at + 1 :], over[at + 1 :], strict=True):
        if note.start - first.start > _SOON:
            return False
        if note.pitch != first.pitch:
            return abs(note.pitch - first.pitch) <= _STEP
        if note.pitch % 12 in chord.tones:
            return True
    return False


def clashes(tune: Sequence[Note], over: Sequence[Chord]) -> np.ndarray:
    """Of each note `[T]` whether it is foreign, and a semitone from a tone of its chord."""
    near = [(n.pitch + 1) % 12 in c.tones or (n.pitch - 1) % 12 in c.tones for n, c in zip(tune, over, strict=True)]
    return np.asarray(foreign(tune, over) & np.array(near, bool))


def leapt_clashes(tune: Sequence[Note], over: Sequence[Chord]) -> np.ndarray:
    """Of each note `[T]` whether it clashes, and is reached by more than a step."""
    leap = np.abs(np.diff([n.pitch for n in tune], prepend=tune[0].pitch)) > _STEP
    return np.asarray(clashes(tune, over) & leap)
