"""What a recording may have gone through: a level, hum, room tone, noise, a telephone line, MP3, a poor resampler.

Waveforms at 16 kHz in and out, so that training and scores of any model that listens can use them.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, resample_poly, sosfilt

from kmidi_lab.audio.augment import add_noise
from kmidi_lab.audio.mel import RATE

Samples = NDArray[np.float32]
_HUM = ((1, 1.0), (2, 0.3), (3, 0.4), (5, 0.15))
"""Harmonics of the mains, and how strong they are."""
_TELEPHONE_HZ = (300, 3400)
_MU = 255
_STEPS = 32768


def stored(samples: NDArray[np.floating]) -> Samples:
    """As 16-bit integers hold it, what is beyond full scale cut off."""
    return np.asarray(np.round(np.clip(samples, -1, 1 - 1 / _STEPS) * _STEPS) / _STEPS, np.float32)


def hum(samples: NDArray[np.floating], hz: float, decibels: float, rng: np.random.Generator) -> Samples:
    """With the hum of mains of `hz` Hz at so many dB full scale."""
    time = np.arange(len(samples)) / RATE
    wave = sum(a * np.sin(2 * np.pi * hz * k * time + rng.uniform(0, 2 * np.pi)) for k, a in _HUM)
    return np.asarray(samples + wave / np.sqrt(np.mean(np.square(wave)) + 1e-20) * 10 ** (decibels / 20), np.float32)


def room_tone(samples: NDArray[np.floating], decibels: float, rng: np.random.Generator) -> Samples:
    """With low noise at so many dB full scale, whatever the level of the samples."""
    noise = lfilter([1.0], [1.0, -0.95], rng.standard_normal(len(samples)))
    return np.asarray(samples + noise / np.sqrt(np.mean(noise**2) + 1e-20) * 10 ** (decibels / 20), np.float32)


def telephone(samples: NDArray[np.floating]) -> Samples:
    """Through a telephone line: 300 to 3,400 Hz, 8 kHz, mu-law (ITU-T G.711)."""
    band = sosfilt(butter(4, _TELEPHONE_HZ, "band", fs=RATE, output="sos"), samples)
    narrow = np.clip(soxr.resample(band, RATE, 8000), -1, 1)
    coded = np.round(np.sign(narrow) * np.log1p(_MU * np.abs(narrow)) / np.log1p(_MU) * 127) / 127
    line = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(_MU)) / _MU
    return _as_long(soxr.resample(line, 8000, RATE), len(samples))


def resampled_linearly(samples: NDArray[np.floating]) -> Samples:
    """To 44.1 kHz and back by linear interpolation."""
    fine = np.arange(len(samples) * 44_100 // RATE) * RATE / 44_100
    up = np.interp(fine, np.arange(len(samples)), samples)
    return np.asarray(np.interp(np.arange(len(samples)) * 44_100 / RATE, np.arange(len(up)), up), np.float32)


def resampled_quickly(samples: NDArray[np.floating]) -> Samples:
    """To 48 kHz and back by soxr's quick filter."""
    return _as_long(soxr.resample(soxr.resample(samples, RATE, 48_000, "QQ"), 48_000, RATE, "QQ"), len(samples))


def resampled_narrowly(samples: NDArray[np.floating]) -> Samples:
    """To 11 kHz and back by SciPy's polyphase filter: nothing is left above 5.5 kHz."""
    return _as_long(resample_poly(resample_poly(samples, 11, 16), 16, 11), len(samples))


def through_mp3(samples: NDArray[np.floating], quality: float = 0.9) -> Samples:
    """Coded as MP3 and decoded; `quality` from 0, the best, to 1; 0.9 is about 32 kbit/s."""
    coded = io.BytesIO()
    soundfile.write(coded, np.clip(samples, -1, 1), RATE, "MPEG_LAYER_III", format="MP3", compression_level=quality)
    coded.seek(0)
    return _as_long(soundfile.read(coded, dtype="float32")[0], len(samples))


def surrounded(samples: NDArray[np.floating], before_s: float, after_s: float) -> Samples:
    """With so many seconds of silence before and after."""
    return np.asarray(np.pad(samples, (int(before_s * RATE), int(after_s * RATE))), np.float32)


def _as_long(samples: NDArray[np.floating], length: int) -> Samples:
    return np.asarray(np.pad(samples, (0, max(0, length - len(samples))))[:length], np.float32)


CHANGES: dict[str, Callable[[Samples, np.random.Generator], Samples]] = {
    "plus_20_db": lambda x, rng: stored(x * 10),
    "minus_20_db": lambda x, rng: stored(x / 10),
    "peak_1": lambda x, rng: stored(x / max(float(np.abs(x).max()), 1e-6)),
    "hum": lambda x, rng: hum(x, 50.0, -40.0, rng),
    "room_tone": lambda x, rng: room_tone(x, -60.0, rng),
    "pink_10_db": lambda x, rng: add_noise(x, 10.0, rng, colour=1.0),
    "white_20_db": lambda x, rng: add_noise(x, 20.0, rng, colour=0.0),
    "telephone": lambda x, rng: telephone(x),
    "resampled_linearly": lambda x, rng: resampled_linearly(x),
    "resampled_quickly": lambda x, rng: resampled_quickly(x),
    "resampled_narrowly": lambda x, rng: resampled_narrowly(x),
    "mp3_32_kbit": lambda x, rng: through_mp3(x),
    "silence_around": lambda x, rng: surrounded(x, 1.0, 1.0),
    "room_tone_around": lambda x, rng: room_tone(surrounded(x, 1.0, 1.0), -60.0, rng),
}
"""How a recording may be changed, by name; each takes samples at 16 kHz and draws its noise."""
