"""Decibels in mel frames, which are natural logarithms of power."""

from __future__ import annotations

from math import log

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.mel import FLOOR

LN_PER_DB = log(10) / 10
"""What a decibel adds to a frame."""


def softer(frames: NDArray[np.floating], decibels: float) -> NDArray[np.float32]:
    """Frames of `mel128-v1` as if played softer: bands that fall below the front-end's floor lie on it."""
    return np.maximum(np.asarray(frames, np.float32) - decibels * LN_PER_DB, log(FLOOR))
