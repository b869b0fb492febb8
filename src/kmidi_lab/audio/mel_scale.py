"""The numbers of `mel128-v1`, without PyTorch: rates, sizes and the mel triangles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE, HOP, WINDOW, FFT, BANDS = 16_000, 256, 1024, 2048, 128
LOWEST_HZ, HIGHEST_HZ = 30.0, 8000.0
FLOOR = 1e-6
FRAME_S = HOP / RATE
_LINEAR_HZ, _KNEE_HZ, _STEP = 200 / 3, 1000.0, np.log(6.4) / 27
"""Slaney's scale (*Auditory Toolbox*, 1998): 3 mel for 200 Hz up to 1 kHz, then 27 mel for a factor of 6.4."""


def frame_count(samples: int) -> int:
    """Whole frames in so many samples at 16 kHz; 0 below 1024."""
    return max(0, (samples - WINDOW) // HOP + 1)


def mel_triangles() -> NDArray[np.float64]:
    """`[1025, 128]`: weight of each FFT bin's power in each band; every triangle has area 1 in Hz."""
    corners = hz_of(np.linspace(mel_of(LOWEST_HZ), mel_of(HIGHEST_HZ), BANDS + 2))
    bins = np.linspace(0, RATE / 2, FFT // 2 + 1)[:, None]
    rise = (bins - corners[:-2]) / np.diff(corners)[:-1]
    fall = (corners[2:] - bins) / np.diff(corners)[1:]
    weights: NDArray[np.float64] = np.maximum(0, np.minimum(rise, fall)) * 2 / (corners[2:] - corners[:-2])
    return weights


def mel_of(hz: float) -> float:
    """Mel of a frequency on Slaney's scale."""
    knee = _KNEE_HZ / _LINEAR_HZ
    return hz / _LINEAR_HZ if hz < _KNEE_HZ else knee + float(np.log(hz / _KNEE_HZ)) / _STEP


def hz_of(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frequencies of mels on Slaney's scale."""
    knee = _KNEE_HZ / _LINEAR_HZ
    return np.where(mel < knee, mel * _LINEAR_HZ, _KNEE_HZ * np.exp(_STEP * (mel - knee)))
