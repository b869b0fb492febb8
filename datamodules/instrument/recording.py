"""How a sound is recorded: what training changes about it, and the named conditions that it is scored in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.shared import augmentation
from datamodules.shared.augmentation import Decibels, named_rng
from datamodules.shared.recorded import recorded
from kmidi_lab.audio.augment import add_noise, reverberate, shift_and_stretch
from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.audio.mel import RATE
from kmidi_lab.bounds import Share
from kmidi_lab.models.instrument.features import CONDITIONS

Samples = NDArray[np.float32]
_LONGEST_S = 2.5
"""Of a changed copy: what comes later of a sound is heard in the clean one."""
_SNR_DB, _DECAY_S, _WET_DB = (5.0, 30.0), (0.15, 0.7), (-12.0, 0.0)


@dataclass(frozen=True)
class Augmentation(augmentation.Augmentation):
    """As of speech, with another recording of each copy, and an equaliser and noise at every step.

    Args:
        equaliser: decibels that the bands are raised or lowered by at most, along a smooth curve; off at 0.
        channel: share of the copies that go through a channel: a level up to 22 dB softer or louder (or a peak of 1),
            half of them with background before and after, and hum, room tone, noise, a telephone line, MP3 or a poor
            resampler.
        background: share of the clips that get noise of 4 to 30 dB SNR and a colour of its own at every step.
        hum: share of the clips that get the hum of mains of -10 to 35 dB SNR at every step.
        line: share of the clips that go through a line with a band of its own, such as a telephone's, at every step.
        changed: share of the stretches that are of a changed copy.

    Raises:
        ConfigError: a value out of range.
    """

    variants: int = 2
    pitch: float = 0.3
    stretch: float = 0.05
    noise: float = 0.5
    room: float = 0.5
    gain: float = 0.0
    bands: int = 8
    frames: int = 4
    mixup: float = 0.0
    equaliser: Decibels = 4.0
    channel: Share = 0.7
    background: Share = 0.4
    hum: Share = 0.0
    line: Share = 0.0
    changed: Share = 0.5

    @property
    def of_waveforms(self) -> tuple[float, ...]:
        return (*super().of_waveforms, self.channel)

    def _variant(self, samples: Samples, rng: np.random.Generator) -> Samples:
        if not self.channel:
            return super()._variant(samples, rng)
        out = shift_and_stretch(
            samples[: int(_LONGEST_S * RATE)],
            rng.uniform(-self.pitch, self.pitch),
            1 + rng.uniform(-self.stretch, self.stretch),
        )
        if rng.random() < self.room:
            out = reverberate(out, rng.uniform(*_DECAY_S), rng.uniform(*_WET_DB), RATE, rng)
        if rng.random() < self.channel:
            return recorded(out, rng)
        return add_noise(out, rng.uniform(*_SNR_DB), rng) if rng.random() < self.noise else out


@dataclass(frozen=True)
class Conditions(augmentation.Augmentation):
    """Each sound in each of CONDITIONS, in their order; `variants` has no say."""

    @property
    def of_waveforms(self) -> tuple[float, ...]:
        return (float(len(CONDITIONS)), 2.0)

    def waveforms(self, samples: Samples, name: str) -> list[Samples]:
        return [CHANGES[condition](samples, named_rng(f"{name} {condition}")) for condition in CONDITIONS]
