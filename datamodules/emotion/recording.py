"""How a voice is recorded: the channel that all clips of a speaker go through, drawn for training or named for scoring."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, resample_poly, sosfilt

from datamodules.shared.augmentation import Augmentation
from kmidi_lab.audio.augment import add_noise, reverberate, shift_and_stretch
from kmidi_lab.audio.mel import RATE
from kmidi_lab.bounds import Share
from kmidi_lab.models.emotion.features import CONDITIONS

Samples = NDArray[np.float32]
_HUM = ((1, 1.0), (2, 0.3), (3, 0.4), (5, 0.15))
"""Harmonics of the mains, and how strong they are."""
_SNR_DB, _DECAY_S, _WET_DB = (5.0, 28.0), (0.15, 0.7), (-12.0, 0.0)
_TELEPHONE_HZ = (300, 3400)
_MU = 255
_STEPS = 32768


@dataclass(frozen=True)
class SpeechAugmentation(Augmentation):
    """`Augmentation`, with a channel that is the same for all clips of a speaker's variant.

    A variant is then one voice in one recording, so that what has been heard of it before helps to hear it.

    Args:
        channel: share of the variants that have one: a level up to 22 dB softer or louder (or peaks of 1), a tilted
            spectrum, and hum, room tone, noise, a telephone line or a poor resampler.
    """

    channel: Share = 0.85

    @property
    def of_waveforms(self) -> tuple[float, ...]:
        return (*super().of_waveforms, self.channel)

    def of_speech(self, samples: Samples, name: str, speaker: str) -> list[Samples]:
        """The variants of one clip, the same for the same names."""
        copies = []
        for variant in range(self.variants):
            own, rng = _rng(f"{speaker} {variant}"), _rng(f"{name} {variant}")
            semitones, channel = own.uniform(-self.pitch, self.pitch), own.random() < self.channel
            copy = shift_and_stretch(samples, semitones, 1 + rng.uniform(-self.stretch, self.stretch))
            if own.random() < self.room:
                copy = reverberate(copy, own.uniform(*_DECAY_S), own.uniform(*_WET_DB), RATE, own)
            if channel:
                copy = _through(copy, own, rng)
            elif own.random() < self.noise:
                copy = add_noise(copy, own.uniform(*_SNR_DB), rng)
            copies.append(copy)
        return copies


def _rng(name: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))


def _through(samples: Samples, own: np.random.Generator, rng: np.random.Generator) -> Samples:
    """A channel that `own` draws; `rng` draws the noise itself."""
    smooth = lfilter([0.3], [1.0, -0.7], samples)
    out: Samples = np.asarray(samples + own.normal(0, 0.25) * smooth, np.float32)
    kind, amount, hz = own.integers(7), own.uniform(), float(own.choice((50, 60)))
    gain, peak = own.uniform(-22, 22), own.random() < 0.25
    if kind == 0:
        out = hum(out, hz, -52 + 20 * amount, rng)
    elif kind == 1:
        out = room_tone(out, -70 + 20 * amount, rng)
    elif kind in (2, 3):
        out = add_noise(out, _SNR_DB[0] + (_SNR_DB[1] - _SNR_DB[0]) * amount, rng)
    elif kind == 4:
        out = telephone(out)
    elif kind == 5:
        out = (resampled_linearly, resampled_quickly, resampled_narrowly)[own.integers(3)](out)
    return stored(out / max(float(np.abs(out).max()), 1e-6) if peak else out * 10 ** (gain / 20))


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
}
"""What makes each of CONDITIONS."""


@dataclass(frozen=True)
class Conditions(Augmentation):
    """Each clip in each of CONDITIONS, whole, in their order; `variants` has no say."""

    @property
    def of_waveforms(self) -> tuple[float, ...]:
        return (float(len(CONDITIONS)), 1.0)

    def of_speech(self, samples: Samples, name: str, speaker: str) -> list[Samples]:
        return [CHANGES[condition](samples, _rng(f"{name} {condition}")) for condition in CONDITIONS]
