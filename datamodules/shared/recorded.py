"""Sounds as through a channel that is drawn: a level, hum, room tone, noise, a telephone line, MP3 or a poor resampler."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from kmidi_lab.audio.augment import coloured_noise
from kmidi_lab.audio.conditions import (
    hum,
    resampled_linearly,
    resampled_narrowly,
    room_tone,
    stored,
    surrounded,
    telephone,
    through_mp3,
)

Samples = NDArray[np.float32]
_SNR_DB, _HUM_DB, _ROOM_DB, _MP3 = (5.0, 30.0), (-55.0, -30.0), (-75.0, -48.0), (0.4, 1.0)
_TROUBLES = {"noise": 0.2, "hum": 0.2, "room tone": 0.15, "telephone": 0.25, "MP3": 0.1, "resampled": 0.1}
"""What else happens to a recording and how often: more of what the networks find hard."""
_GAIN_DB = 22.0
_BEFORE_S, _AFTER_S = 1.0, 0.6
_AT_PEAK = 0.25


def recorded(samples: Samples, rng: np.random.Generator, around: float = 0.5) -> Samples:
    """Samples at 16 kHz through a channel that `rng` draws.

    Args:
        samples: -1..1; a quarter come out with a peak of 1, the others up to 22 dB softer or louder, what is beyond full
            scale cut off.
        rng: of what is drawn.
        around: share of the sounds that get silence before and after, up to 1 s and 0.6 s.
    """
    peak = max(float(np.abs(samples).max()), 1e-6)
    gain = 1 / peak if rng.random() < _AT_PEAK else 10 ** (rng.uniform(-_GAIN_DB, _GAIN_DB) / 20)
    smooth = lfilter([0.3], [1.0, -0.7], samples)
    out: Samples = np.asarray((samples + rng.normal(0, 0.2) * smooth) * gain, np.float32)
    snr, trouble = rng.uniform(*_SNR_DB), rng.choice(list(_TROUBLES), p=list(_TROUBLES.values()))
    # Of the sound alone, before there is silence around it.
    power = float(np.mean(np.square(out, dtype=np.float64))) * 10 ** (-snr / 10)
    if rng.random() < around:
        out = surrounded(out, rng.uniform(0, _BEFORE_S), rng.uniform(0, _AFTER_S))
    if trouble == "noise":
        noise = coloured_noise(len(out), rng)
        out = np.asarray(out + noise * np.sqrt(power / max(float(np.mean(noise**2)), 1e-20)), np.float32)
    elif trouble == "hum":
        out = hum(out, float(rng.choice((50, 60))), rng.uniform(*_HUM_DB), rng)
    elif trouble == "room tone":
        out = room_tone(out, rng.uniform(*_ROOM_DB), rng)
    elif trouble == "telephone":
        out = telephone(out)
    elif trouble == "MP3":
        out = through_mp3(out, rng.uniform(*_MP3))
    else:
        out = (resampled_linearly, resampled_narrowly)[rng.integers(2)](out)
    return stored(out)
