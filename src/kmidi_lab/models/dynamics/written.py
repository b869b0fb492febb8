"""The dynamics that a score holds already, and the model's shape on top of them.

What is written gives the level, the model how the notes of a phrase differ from each other. Networks of version 1 of
the contract have no input for a written dynamic; there what is written inside a phrase is added.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.score import PHRASE_BARS, Floats, ScoreNotes


def says_something(velocity: np.ndarray) -> bool:
    """Whether written velocities `[N]` are dynamics: a score that a program wrote without any has one velocity throughout."""
    return len(np.unique(velocity)) > 1


def written_dynamics(piece: Piece, notes: ScoreNotes) -> Floats:
    """`[N]` the velocities of a score's notes, NaN where they are one and the same throughout."""
    velocity = np.array(
        [piece.tracks[t].notes[i]["velocity"] for t, i in zip(notes.track, notes.index, strict=True)], float
    )
    return velocity if says_something(velocity) else np.full(len(velocity), np.nan)


def shaped(
    written: np.ndarray, played: np.ndarray, notes: ScoreNotes, raised: float = 0.0, knew: bool = False
) -> NDArray[np.int64]:
    """Velocities 1..127, `[N]`: as written, plus how far the model plays each above its own mean of the phrase.

    So every part keeps in every phrase of four bars the mean that is written. What is written inside a phrase stays,
    too; a model that knew it has played it.

    Args:
        written: 1..127 `[N]`.
        played: the model's, 1..127 `[N]`.
        notes: which part and which bar each belongs to.
        raised: how much louder the emotion asked for makes the model play.
        knew: the model was given what is written.
    """
    phrase = np.floor(notes.score.bar / PHRASE_BARS).astype(np.int64)
    _, group = np.unique(np.stack([notes.track, phrase], 1), axis=0, return_inverse=True)
    group = group.ravel()
    count = np.bincount(group)
    mean = np.bincount(group, played) / count
    level = (np.bincount(group, written) / count)[group] if knew else written
    return np.clip(np.rint(level + played - mean[group] + raised), 1, 127).astype(np.int64)
