"""Statistics of windows of every sound: as it is, at several lengths, and through the recording conditions of the lab."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from datamodules.shared.augmentation import named_rng
from datamodules.sound_kind.sounds import SECONDS, Samples, Sound, Source
from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.audio.kind import KINDS, statistics
from kmidi_lab.audio.mel import RATE, WINDOW, log_mel

CLEAN = "clean"
LENGTHS_S = (0.25, 0.5, 1.0, 2.0)
_CHANGED, _SHORTEST_S, _SOFTEST_DB, _LONGEST_S = 3, 0.4, 35.0, 6.0
_TRIED, _EVERY = 4, 2
"""Conditions of a validation sound; one in so many test sounds is heard in all of them."""


@dataclass(frozen=True)
class Table:
    """Rows of windows.

    Args:
        kinds: `[N]` places in KINDS.
        sources, splits, conditions: `[N]` names; a condition is CLEAN, `0.5 s`, or one of CHANGES.
        values: `[N, 115]` statistics.
        used: the sources.
    """

    kinds: NDArray[np.int64]
    sources: NDArray[np.str_]
    splits: NDArray[np.str_]
    conditions: NDArray[np.str_]
    values: NDArray[np.float64]
    used: list[Source]

    @property
    def changed(self) -> NDArray[np.bool_]:
        """`[N]`: whether a window is in a recording condition."""
        return np.isin(self.conditions, list(CHANGES))


def table_of(sounds: Iterable[Sound]) -> Table:
    """The windows of all sounds that are longer than a frame."""
    kinds, names, values, used = (
        list[int](),
        list[tuple[str, str, str]](),
        list[NDArray[np.float64]](),
        dict[str, Source](),
    )
    for sound in sounds:
        samples = sound.samples()
        if len(samples) < WINDOW:
            continue
        used[sound.source.name] = sound.source
        for condition, window in _windows(samples, sound):
            kinds.append(KINDS.index(sound.source.kind))
            names.append((sound.source.name, sound.split, condition))
            values.append(statistics(log_mel(window[: round(_LONGEST_S * RATE)])))
    sources, splits, conditions = (np.array(column) for column in zip(*names, strict=True))
    return Table(np.array(kinds), sources, splits, conditions, np.array(values), list(used.values()))


def _windows(samples: Samples, sound: Sound) -> Iterator[tuple[str, Samples]]:
    """(condition, samples of a frame at least)."""
    rng = named_rng(f"windows of {sound.name}")
    full = np.asarray(samples / (np.abs(samples).max() + 1e-9), np.float32)
    yield CLEAN, _softer(_cut(full, SECONDS, rng), rng)
    names = list(CHANGES)
    if sound.split == "train":
        for condition in rng.choice(names, _CHANGED):
            length = float(np.exp(rng.uniform(np.log(_SHORTEST_S), np.log(SECONDS))))
            yield str(condition), CHANGES[condition](_softer(_cut(full, length, rng), rng), rng)
        return
    for seconds in LENGTHS_S:
        yield f"{seconds:g} s", _softer(_cut(full, seconds, rng), rng)
    quarter = _cut(full, SECONDS, rng) / np.float32(4)
    if sound.split == "val":
        names = list(rng.choice(names, _TRIED, replace=False))
    elif rng.integers(_EVERY):
        return
    for condition in names:
        yield condition, CHANGES[condition](quarter, rng)


def _cut(samples: Samples, seconds: float, rng: np.random.Generator) -> Samples:
    length = round(seconds * RATE)
    first = int(rng.integers(0, max(1, len(samples) - length + 1)))
    return samples[first : first + length]


def _softer(samples: Samples, rng: np.random.Generator) -> Samples:
    return np.asarray(samples * 10 ** (rng.uniform(-_SOFTEST_DB, 0) / 20), np.float32)
