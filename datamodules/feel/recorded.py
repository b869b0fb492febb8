"""Excerpts as a recording condition leaves them (`audio.conditions`)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from datamodules.shared.augmentation import named_rng
from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.models.feel.features import FULL_SCALE, Excerpt


def changed(song: Excerpt, condition: str) -> Excerpt:
    """An excerpt that holds its sound, in one of CHANGES; what is put before the sound moves what happens in it."""
    assert song.sound is not None
    heard = np.asarray(song.sound / FULL_SCALE, np.float32)
    samples = CHANGES[condition](heard, named_rng(f"{song.id} {condition}"))
    later = (len(samples) - len(heard)) / 2 / RATE
    return replace(
        song, frames=log_mel(samples), beats=song.beats + later, downbeats=song.downbeats + later,
        strokes=np.add(song.strokes, [later, 0, 0]), sound=None,
    )  # fmt: skip
