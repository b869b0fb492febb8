"""What is heard of a stretch of rendered sound: its mel frames at full scale, however loud it was rendered."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.mel import RATE, log_mel

_PEAK, _SILENT = 0.9, 1e-4


def heard_of(wave: NDArray[np.float32], begin: float, seconds: float) -> NDArray[np.float16]:
    """Frames `[T, 128]` of `mel128-v1` of the stretch, its largest sample at 0.9; a stretch without sound stays silent.

    Args:
        wave: samples at 16 kHz; silent behind their end.
        begin: of the stretch, seconds.
        seconds: its length.
    """
    size, first = round(seconds * RATE), round(begin * RATE)
    part = np.zeros(size, np.float32)
    there = wave[first : first + size]
    part[: len(there)] = there
    return log_mel(part * (_PEAK / max(float(np.abs(part).max()), _SILENT))).astype(np.float16)
