"""Sounds of instruments: samples to trimmed mel frames with their labels, clean and changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.instrument.augmentation import Augmentation
from datamodules.shared.clips import ClipError, content_key, variants_of
from kmidi_lab.audio.mel import log_mel
from kmidi_lab.audio.mel_scale import HOP, RATE, WINDOW
from kmidi_lab.models.instrument.measures import attack_of, brightness_of, envelope, sustain_of

LONGEST_S = 4.0
"""What is kept of a sound from its onset on: later than that it only dies away."""
_SILENCE = 0.01
"""Of the peak: below it, -40 dB, both ends are silence."""
_ENVELOPE_HOP = 32
_BEFORE_S, _AFTER_S = 0.03, 0.05


@dataclass(frozen=True)
class Sound:
    """Mel frames `[T, 128]` float16, those of its variants, what was measured of it, a hash of its samples."""

    frames: NDArray[np.float16]
    variants: list[NDArray[np.float16]]
    measured: Mapping[str, int]
    key: str


@dataclass(frozen=True)
class Clip:
    """One sound. `take` is what must not cross splits; `split` is where it belongs, None where a hash decides."""

    id: str
    source: str
    take: str
    labels: Mapping[str, int]
    sound: Sound
    split: str | None = None


def prepare(samples: NDArray[np.float32], name: str, augmentation: Augmentation) -> Sound:
    """Samples at 16 kHz without the silence at both ends, LONGEST_S at most, as frames; variants as `name` gives them.

    Raises:
        ClipError: silent, or shorter than a frame.
    """
    level = envelope(samples)
    if not len(samples) or level.max() < 1e-5:
        raise ClipError("silent")
    loud = np.flatnonzero(level > _SILENCE * level.max()) * _ENVELOPE_HOP
    first = max(0, int(loud[0]) - int(_BEFORE_S * RATE))
    last = min(len(samples), int(loud[-1]) + int(_AFTER_S * RATE), first + int(LONGEST_S * RATE))
    part = samples[first:last]
    if len(part) < WINDOW:
        part = np.concatenate([part, samples[last : last + WINDOW - len(part)]])
        part = np.concatenate([part, np.zeros(max(0, WINDOW + HOP - len(part)), np.float32)])
    frames = log_mel(part)
    measured = {"brightness": brightness_of(frames), "attack": attack_of(part)}
    sustain = sustain_of(part)
    if sustain is not None:
        measured["sustain"] = sustain
    variants = variants_of(part, name, augmentation)
    return Sound(frames.astype(np.float16), variants, measured, content_key(samples))
