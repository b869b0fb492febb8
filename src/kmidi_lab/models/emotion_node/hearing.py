"""What the model hears of clips, by the version of its contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.clips import Clip
from kmidi_lab.audio.level import adapted_sounds
from kmidi_lab.contract_features import LEVEL_FEATURES

_AT_ONCE = 256


def heard(sounds: Sequence[NDArray[np.floating]], features: str) -> list[NDArray[np.float32]]:
    """What the model gets of sounds `[T_i, 128]` of `mel128-v1`, by the version of its contract."""
    if features == LEVEL_FEATURES:
        return adapted_sounds(sounds)
    return [np.asarray(frames, np.float32) for frames in sounds]


class HeardClips(Sequence[NDArray[np.float32]]):
    """What the model gets of each clip, made when it is asked for: all of the training's at once would take 4 GB."""

    def __init__(self, clips: Sequence[Clip], features: str) -> None:
        self._clips, self._features = clips, features
        self._part, self._sounds = -1, [np.zeros((0, 0), np.float32)]

    def __len__(self) -> int:
        return len(self._clips)

    @overload
    def __getitem__(self, at: int) -> NDArray[np.float32]: ...

    @overload
    def __getitem__(self, at: slice) -> list[NDArray[np.float32]]: ...

    def __getitem__(self, at: int | slice) -> NDArray[np.float32] | list[NDArray[np.float32]]:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        part, place = divmod(at, _AT_ONCE)
        if part != self._part:
            some = self._clips[part * _AT_ONCE : (part + 1) * _AT_ONCE]
            self._part, self._sounds = part, heard([clip.sound.frames for clip in some], self._features)
        return self._sounds[place]
