"""A recording as the models that listen are given it: the mel frames of its sound, and what is known of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sound:
    """Mel frames `[T, 128]` float16, as `audio.mel.log_mel` makes them.

    Args:
        frames: as recorded.
        variants: of its changed copies; their length may be another.
        key: `content_key` of all of its samples at 16 kHz, equal for copies of one recording.
        trained: which of `frames` training hears; scoring hears all.
        measured: places by slice of the contract that were measured in the sound.
    """

    frames: NDArray[np.floating]
    variants: Sequence[NDArray[np.floating]] = ()
    key: str = ""
    trained: slice = field(default_factory=lambda: slice(None))
    measured: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Clip:
    """One recording.

    Args:
        id: its name within the source.
        source: of the data module's.
        group: the speaker, or the take: what must not cross splits.
        labels: what is known of it, by name; what is not known has no name there.
        sound: what is heard.
        split: where its publisher put it; None where the data module decides.
    """

    id: str
    source: str
    group: str
    labels: Mapping[str, int]
    sound: Sound
    split: str | None = None


def content_key(samples: NDArray[np.float32]) -> str:
    """SHA-256 of samples in -1..1 as 16-bit integers: equal for two files of one recording."""
    return hashlib.sha256((samples * 32767).round().astype(np.int16).tobytes()).hexdigest()
