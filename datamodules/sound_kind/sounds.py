"""One sound of a kind, and how sounds are dealt to training, validation and test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datamodules.shared.augmentation import named_rng
from datamodules.shared.splits import SPLITS, Groups, assign
from kmidi_lab.audio.level import level_of
from kmidi_lab.audio.mel import HOP, WINDOW, log_mel

Samples = NDArray[np.float32]
SECONDS = 4.0
_VAL, _TEST, _SEED = 0.15, 0.25, 27
_SILENCE = 5.0


@dataclass(frozen=True)
class Source:
    """Where sounds are from: the kind of all of them, and the licence of the data."""

    kind: str
    name: str
    licence: str


@dataclass(frozen=True)
class Sound:
    """One sound; its random draws come from `name`; `samples` makes it at 16 kHz, empty where it is of no use."""

    source: Source
    split: str
    name: str
    samples: Callable[[], Samples]


class Item(NamedTuple):
    """What may become a sound: the voice, piece or instrument that must not be in two splits, a name, the samples."""

    group: str
    name: str
    samples: Callable[[], Samples]


class Amounts(NamedTuple):
    """Sounds of a source for training, validation and test."""

    train: int
    val: int
    test: int


def split_of(groups: Sequence[str]) -> list[str]:
    """The split of each group, by its hash."""
    joined = Groups(len(groups))
    joined.join_equal(groups)
    return assign(groups, joined, _SEED, _VAL, _TEST)


def drawn(source: Source, items: Sequence[Item], amounts: Amounts) -> Iterator[Sound]:
    """So many of each split, as if at random; a source without training is in the test as a whole."""
    splits = split_of([item.group for item in items]) if amounts.train else ["test"] * len(items)
    for split, most in zip(SPLITS, amounts, strict=True):
        own = [item for item, place in zip(items, splits, strict=True) if place == split]
        own.sort(key=lambda item: float(named_rng(item.name).random()))
        yield from (Sound(source, split, item.name, item.samples) for item in own[:most])


def trimmed(samples: Samples) -> Samples:
    """Without what is 5 nats softer than the loudest frame, before and after."""
    frames = log_mel(samples)
    if not len(frames):
        return samples
    level = level_of(frames)
    loud = np.flatnonzero(level > level.max() - _SILENCE)
    return samples[loud[0] * HOP : loud[-1] * HOP + WINDOW]
