"""What is heard of a stretch of rendered sound: its mel frames at full scale, however loud it was rendered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.shared.augmentation import named_rng
from datamodules.shared.clips import mel_variants
from datamodules.shared.recorded import recorded
from kmidi_lab.audio.clips import Sound
from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.audio.mel import RATE, log_mel

_PEAK, _SILENT = 0.9, 1e-4
Hear = Callable[[NDArray[np.float32], str, str], Sound]
"""Makes the sound of a clip of samples at 16 kHz; then its name, and the split that it is in."""


def stretch_of(wave: NDArray[np.float32], begin: float, seconds: float) -> NDArray[np.float32]:
    """Samples of the stretch, the largest at 0.9; a stretch without sound stays silent.

    Args:
        wave: samples at 16 kHz; silent behind their end.
        begin: of the stretch, seconds.
        seconds: its length.
    """
    size, first = round(seconds * RATE), round(begin * RATE)
    part = np.zeros(size, np.float32)
    there = wave[first : first + size]
    part[: len(there)] = there
    return part * np.float32(_PEAK / max(float(np.abs(part).max()), _SILENT))


@dataclass(frozen=True)
class Heard:
    """As rendered: frames `[T, 128]` of `mel128-v1`; of training clips so many copies through channels as variants, too."""

    copies: int = 0

    def __call__(self, samples: NDArray[np.float32], name: str, split: str) -> Sound:
        rng = named_rng(f"{name} recorded")
        copies = [recorded(samples, rng, around=0.0) for _ in range(self.copies if split == "train" else 0)]
        return Sound(log_mel(samples).astype(np.float16), mel_variants(copies))


def in_conditions(samples: NDArray[np.float32], name: str, split: str) -> Sound:
    """As rendered, and as variants in each of `CHANGES`, in their order."""
    changed = [change(samples, named_rng(f"{name} {condition}")) for condition, change in CHANGES.items()]
    return Sound(log_mel(samples).astype(np.float16), mel_variants(changed))
