"""What of a label is measured in the sound itself: brightness, attack, sustain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.mel_scale import RATE, mel_triangles

_ATTACK_MS = (8, 16, 32, 64, 128, 256, 512)
_DECAY_DB_S = (96, 48, 24, 12, 6, 3, 1.5)
_CENTROID_HZ = (500, 1000, 2000)
_HOP, _WINDOW = 32, 256
"""Of the envelope: 2 ms and 16 ms."""
_FALLEN = 0.1
"""The fall is measured until 20 dB below the peak."""
_SHORTEST_FALL_S = 0.05


def brightness_of(frames: NDArray[np.floating]) -> int:
    """Place by the centroid of the power of mel frames `[T, 128]`: below 500 Hz, 1 kHz, 2 kHz, and above."""
    triangles = mel_triangles()
    heights = triangles / np.maximum(triangles.max(0), 1e-12)
    hertz = np.linspace(0, RATE / 2, len(triangles)) @ heights / heights.sum(0)
    # The bands are area-normalised: times their width they are power again.
    power = np.exp(frames.astype(np.float64)).mean(0) * heights.sum(0)
    return int(np.searchsorted(_CENTROID_HZ, float(power @ hertz / power.sum()), side="right"))


def envelope(samples: NDArray[np.floating]) -> NDArray[np.float64]:
    """Root mean square of samples at 16 kHz over 16 ms, every 2 ms: `[T]`."""
    padded = np.concatenate([np.zeros(_WINDOW), samples.astype(np.float64) ** 2, np.zeros(_WINDOW)])
    summed = np.concatenate([[0.0], np.cumsum(padded)])
    return np.sqrt(np.maximum(0, summed[_WINDOW::_HOP] - summed[: len(summed) - _WINDOW : _HOP]) / _WINDOW)


def attack_of(samples: NDArray[np.floating]) -> int:
    """Place by the time that the envelope takes from 10 to 90 % of its peak, before the first time it is there.

    Halving limits from 8 to 512 ms; the envelope's own 16 ms make everything shorter look alike.
    """
    level = envelope(samples)
    high = int(np.argmax(level >= 0.9 * level.max()))
    below = np.flatnonzero(level[:high] < 0.1 * level.max())
    low = int(below[-1]) if len(below) else 0
    return int(np.searchsorted(_ATTACK_MS, (high - low) * _HOP / RATE * 1000, side="right"))


def sustain_of(samples: NDArray[np.floating]) -> int | None:
    """Place by the mean fall in dB a second after the peak.

    Over the first half of the way from the peak to 20 dB below it, or to the end; None where that is too short.
    7 holds its level, 0 is gone at once; the half leaves the release out.
    """
    level = envelope(samples)[: max(1, len(samples) // _HOP)]
    peak = int(level.argmax())
    silence = np.flatnonzero(level[peak:] < _FALLEN * level[peak])
    way = int(silence[0]) if len(silence) else len(level) - 1 - peak
    if way * _HOP / RATE < _SHORTEST_FALL_S:
        return 0 if len(silence) else None
    half = way // 2
    fall = -20 * np.log10(max(level[peak + half] / level[peak], 1e-6)) / (half * _HOP / RATE)
    return int(sum(fall < limit for limit in _DECAY_DB_S))
