"""What the model hears of sounds in recording conditions: from where sound begins, as `task=predict` does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.level import levelled_sounds

IN_ONE_KEY = {
    "node_in_one_key": "node_accuracy",
    "same_node_in_one_key": "",
    "quadrant_in_one_key": "quadrant_accuracy",
}
"""Metrics that are told by condition, and what they are called of all clips; the second has no such name."""


class Sounding(NamedTuple):
    """Inputs `[T, 128]` from the first frame that counts on, and `[T]`, which frames count."""

    frames: NDArray[np.float32]
    counts: NDArray[np.bool_]


def sounding(sounds: Sequence[NDArray[np.floating]]) -> list[Sounding]:
    """Of sounds `[T_i, 128]` of `mel128-v1`; all of one in which nothing counts.

    A sound begins anew where what was heard before turns out to be background (`LevelledFrames.afresh`).
    """
    out = []
    for frames, counts, afresh in levelled_sounds(sounds):
        starts = np.flatnonzero(afresh)
        begin = int(starts[-1]) if len(starts) else int(counts.argmax())
        part = counts[begin:]
        out.append(Sounding(frames[begin:], part) if part.any() else Sounding(frames, np.ones(len(frames), bool)))
    return out
