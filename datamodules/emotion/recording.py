"""How a voice is recorded: the channel that all clips of a speaker go through, drawn for training or named for scoring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from datamodules.shared.augmentation import Augmentation, named_rng
from kmidi_lab.audio.augment import add_noise, reverberate, shift_and_stretch
from kmidi_lab.audio.conditions import (
    CHANGES,
    hum,
    resampled_linearly,
    resampled_narrowly,
    resampled_quickly,
    room_tone,
    stored,
    telephone,
)
from kmidi_lab.audio.mel import RATE
from kmidi_lab.bounds import Share

Samples = NDArray[np.float32]
_SNR_DB, _DECAY_S, _WET_DB = (5.0, 28.0), (0.15, 0.7), (-12.0, 0.0)


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
            own, rng = named_rng(f"{speaker} {variant}"), named_rng(f"{name} {variant}")
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


@dataclass(frozen=True)
class Conditions(Augmentation):
    """Each clip in each of CHANGES, whole, in their order; `variants` has no say."""

    @property
    def of_waveforms(self) -> tuple[float, ...]:
        return (float(len(CHANGES)), 1.0)

    def of_speech(self, samples: Samples, name: str, speaker: str) -> list[Samples]:
        return [change(samples, named_rng(f"{name} {condition}")) for condition, change in CHANGES.items()]
