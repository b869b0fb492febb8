"""What training does to sounds of instruments so that other rooms, microphones and levels are no surprise."""

from __future__ import annotations

from dataclasses import dataclass

from datamodules.shared import augmentation
from datamodules.shared.augmentation import Decibels


@dataclass(frozen=True)
class Augmentation(augmentation.Augmentation):
    """As of speech, with small changes of pitch and speed, and an equaliser at every step.

    Args:
        equaliser: decibels that the bands are raised or lowered by at most, along a smooth curve; off at 0.

    Raises:
        ConfigError: a value out of range.
    """

    variants: int = 2
    pitch: float = 0.3
    stretch: float = 0.05
    noise: float = 0.5
    room: float = 0.5
    gain: float = 6.0
    bands: int = 8
    frames: int = 4
    mixup: float = 0.0
    equaliser: Decibels = 4.0
