"""How loud rendered music is: each excerpt at a level of its own that is drawn by its name, so that its level tells nothing.

A renderer plays softly what was struck softly. A recording doesn't: its level is the engineer's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from datamodules.shared.augmentation import named_rng
from kmidi_lab.audio.decibels import softer as softer_frames
from kmidi_lab.models.feel.features import Excerpt

_SILENT = 1e-6


def loudest(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Samples with a peak of 1."""
    return samples / max(float(np.abs(samples).max()), _SILENT)


def at_levels(songs: Sequence[Excerpt], softest: float) -> list[Excerpt]:
    """Excerpts with a peak of 1, each softer by 0 to `softest` decibels."""
    return [softer(song, float(named_rng(f"{song.id} level").uniform(0, softest))) for song in songs]


def softer(song: Excerpt, decibels: float) -> Excerpt:
    """Frames and sound as if played softer."""
    frames = softer_frames(song.frames, decibels).astype(np.float16)
    if song.sound is None:
        return replace(song, frames=frames)
    return replace(song, frames=frames, sound=np.round(song.sound * 10 ** (-decibels / 20)).astype(np.int16))
