"""What training does to speech so that other voices, rooms and microphones are no surprise."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from kmidi_lab.audio.augment import add_noise, reverberate, shift_and_stretch
from kmidi_lab.audio.mel import RATE
from kmidi_lab.bounds import Bounded, CountOrNone, Share

Decibels = Annotated[float, Interval(ge=0, le=40)]
_SNR_DB, _DECAY_S, _WET_DB = (8.0, 30.0), (0.15, 0.7), (-12.0, 0.0)


@dataclass(frozen=True)
class Augmentation(Bounded):
    """Waveform changes are made once, as `variants` of every clip beside the clean one; the others at every step.

    Args:
        variants: changed copies of each clip.
        pitch: semitones up or down.
        stretch: share longer or shorter.
        noise, room: share of the variants that have noise of 8 to 30 dB SNR, a room of 0.15 to 0.7 s.
        gain: decibels louder or softer.
        bands, frames: widest stripe that SpecAugment covers, two of each kind a clip.
        shift: mel bands up or down.
        mixup: alpha of its Beta. Each is off at 0.

    Raises:
        ConfigError: a value out of range.
    """

    config_key = "data.augment"
    variants: CountOrNone = 4
    pitch: Annotated[float, Interval(ge=0, le=12)] = 2.0
    stretch: Annotated[float, Interval(ge=0, le=0.5)] = 0.1
    noise: Share = 0.3
    room: Share = 0.2
    gain: Decibels = 3.0
    bands: CountOrNone = 16
    frames: CountOrNone = 15
    shift: CountOrNone = 0
    mixup: Annotated[float, Interval(ge=0, le=10)] = 0.0

    @property
    def of_waveforms(self) -> tuple[float, ...]:
        """The settings that prepared clips depend on."""
        return (self.variants, self.pitch, self.stretch, self.noise, self.room)

    def waveforms(self, samples: NDArray[np.float32], name: str) -> list[NDArray[np.float32]]:
        """The variants of samples at 16 kHz; the same for the same `name`."""
        rng = named_rng(name)
        return [self._variant(samples, rng) for _ in range(self.variants)]

    def _variant(self, samples: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        out = shift_and_stretch(
            samples, rng.uniform(-self.pitch, self.pitch), 1 + rng.uniform(-self.stretch, self.stretch)
        )
        if rng.random() < self.room:
            out = reverberate(out, rng.uniform(*_DECAY_S), rng.uniform(*_WET_DB), RATE, rng)
        if rng.random() < self.noise:
            out = add_noise(out, rng.uniform(*_SNR_DB), rng)
        return out


def named_rng(name: str) -> np.random.Generator:
    """The same draws for the same name."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))
