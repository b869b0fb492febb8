"""`mel128-v1` of samples that are all there, in NumPy; `mel_stream` makes the same of samples as they come."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from kmidi_lab.audio.mel_scale import BANDS, FFT, FLOOR, HOP, WINDOW, frame_count, mel_triangles

_AT_ONCE = 64
"""Frames whose spectra stay in the cache."""


def log_mel(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """Frames `[T, 128]` of samples `[S]` in -1..1 at 16 kHz, T = `frame_count(S)`, values -13.8 and up.

    Computed in float64, since bands far below the loudest lose digits in a float32 FFT.
    """
    count = frame_count(len(samples))
    if count == 0:
        return np.zeros((0, BANDS), np.float32)
    window, triangles = _constants()
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[: (count - 1) * HOP + 1 : HOP]
    out = np.empty((count, BANDS), np.float32)
    for i in range(0, count, _AT_ONCE):
        spectrum = np.fft.rfft(windows[i : i + _AT_ONCE] * window, FFT)
        power = spectrum.real**2 + spectrum.imag**2
        out[i : i + _AT_ONCE] = np.log(np.maximum((triangles @ power.T).T, FLOOR))
    return out


@lru_cache(1)
def _constants() -> tuple[NDArray[np.float64], scipy.sparse.csr_matrix]:
    """The window, and the triangles `[128, 1025]`, of which 1.5 % are not zero."""
    return np.hanning(WINDOW + 1)[:-1], scipy.sparse.csr_matrix(mel_triangles().T)
