"""What training does to sounds of instruments so that other rooms, microphones and levels are no surprise."""

from __future__ import annotations

from dataclasses import dataclass

from datamodules.shared import augmentation
from kmidi_lab.errors import ConfigError


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
    equaliser: float = 4.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.equaliser <= 40:
            raise ConfigError(f"data.augment.equaliser={self.equaliser} must be 0 to 40, such as 4.0")
