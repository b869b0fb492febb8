"""The dynamics that a score holds already, and the model's shape on top of them.

The network has no input for a written dynamic (contract.md §3), so the two are added: what is written gives the level, the
model how the notes of a phrase differ from each other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.midi.score import PHRASE_BARS, ScoreNotes


def says_something(velocity: np.ndarray) -> bool:
    """Whether written velocities `[N]` are dynamics: a score that a program wrote without any has one velocity throughout."""
    return len(np.unique(velocity)) > 1


def shaped(written: np.ndarray, played: np.ndarray, notes: ScoreNotes, raised: float = 0.0) -> NDArray[np.int64]:
    """Velocities 1..127, `[N]`: each as written, plus how far the model plays it above its own mean of the phrase.

    So every part keeps in every phrase of four bars the mean that is written, and what is written inside a phrase stays.

    Args:
        written: 1..127 `[N]`.
        played: the model's, 1..127 `[N]`.
        notes: which part and which bar each belongs to.
        raised: how much louder the emotion asked for makes the model play.
    """
    phrase = np.floor(notes.score.bar / PHRASE_BARS).astype(np.int64)
    _, group = np.unique(np.stack([notes.track, phrase], 1), axis=0, return_inverse=True)
    group = group.ravel()
    mean = np.bincount(group, played) / np.bincount(group)
    return np.clip(np.rint(written + played - mean[group] + raised), 1, 127).astype(np.int64)
