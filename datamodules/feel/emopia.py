"""EMOPIA's piano clips for feel: they teach valence, arousal, energy, density and texture, since nobody marked beats in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from datamodules.feel.scores import Score
from datamodules.shared import emopia
from datamodules.shared.emopia import NAME as NAME
from datamodules.shared.library import Reading

FAR = 0.6
"""Valence and arousal of a quadrant are this far from 0."""
_QUADRANTS = ((FAR, FAR), (-FAR, FAR), (-FAR, -FAR), (FAR, -FAR))


def files(root: Path) -> list[Path]:
    """The clips by name; empty where the set is not there."""
    return [path for path in emopia.files(root) if path.suffix == ".mid"]


def read(paths: list[Path]) -> Reading[Score]:
    """Every clip of eight seconds or more; clips of one recording are a group."""
    reading, none = emopia.read(paths), np.zeros(0)
    scores: Reading[Score] = Reading(NAME, reading.licence, problems=reading.problems)
    for clip in reading.items:
        valence, arousal = _QUADRANTS[clip.quadrant]
        affect = {"valence": valence, "arousal": arousal}
        scores.items.append(Score(f"{NAME}/{clip.name}", NAME, clip.song, (clip.piano,), none, none, affect))
    return scores
