"""Which mel frames hold speech and not the silence around it.

A causal energy detector with a falling peak. A frame counts where its power is within 26 dB of the loudest so far, which
is forgotten by 3 dB a second, and clearly above the front-end's floor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.mel_scale import FRAME_S

_NEPERS = np.log(10) / 10
BELOW_PEAK = 26 * _NEPERS
LOWEST = -11.0
"""Natural logarithm of the mean power of the bands; the floor is at -13.8."""
FALL = 3 * _NEPERS * FRAME_S
"""Of the peak, a frame."""


class VoiceActivity:
    """Whether frames hold speech, one after the other; `speech.active` is the same for whole clips at once."""

    def __init__(self) -> None:
        self._peak = -np.inf

    def __call__(self, frame: NDArray[np.floating]) -> bool:
        """Whether the next frame `[128]` holds speech."""
        level = float(np.log(np.exp(np.asarray(frame, np.float64)).mean()))
        self._peak = max(level, self._peak - FALL)
        return level > max(self._peak - BELOW_PEAK, LOWEST)
