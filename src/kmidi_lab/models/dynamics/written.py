"""The dynamics that a score holds already, and the model's shape on top of them.

What is written stays, and the model says how the notes of a phrase differ beside it. Networks of version 1 of the
contract have no input for a written dynamic. Those of version 2 follow it already, less far than it is written, because
pianists' velocities differ less than those of many scores; that part of theirs is left out.
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

    So every part keeps in every phrase of four bars the mean that is written, and every note its distance to what is
    written around it. Of a model that knew what is written, its own answer to that (least squares inside the phrases
    of all parts) is taken out first.

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
    added = played - _means(played, group)
    if knew:
        inside = written - _means(written, group)
        added = added - inside * (inside @ added) / max(float(inside @ inside), 1.0)
    return np.clip(np.rint(written + added + raised), 1, 127).astype(np.int64)


def beside_drums(level: float, played: np.ndarray, raised: float = 0.0) -> NDArray[np.int64]:
    """Velocities 1..127, `[N]`, moved as a whole to a mean of `level`, plus `raised`, as far as none is cut off.

    For a score of one velocity whose drums keep theirs: played around any other, the parts would drown or drown them.
    """
    moved = np.clip(np.rint(level + raised - played.mean()), 1 - played.min(), 127 - played.max())
    return (played + moved).astype(np.int64)


def _means(values: np.ndarray, group: NDArray[np.intp]) -> Floats:
    """`[N]` the mean of each value's group."""
    return (np.bincount(group, values) / np.bincount(group))[group]
