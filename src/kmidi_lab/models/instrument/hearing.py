"""What the model gets of whole sounds, by the version of its contract, and which frames count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.level import levelled_sounds, since_onset
from kmidi_lab.contract_features import LEVEL_FEATURES


class SoundInputs(NamedTuple):
    """A sound from its onset on: inputs `[T, 128]`, and `[T]`, True where the output counts, somewhere at least."""

    inputs: NDArray[np.float32]
    counts: NDArray[np.bool_]


def heard_sounds(sounds: Sequence[NDArray[np.floating]], features: str) -> list[SoundInputs]:
    """Sounds `[T_i, 128]` of `mel128-v1` as `task=predict` hears them, without the background before the onset.

    Version 1 hears all frames of a sound, which is expected to be trimmed.
    """
    if features != LEVEL_FEATURES:
        return [SoundInputs(np.asarray(frames, np.float32), np.ones(len(frames), bool)) for frames in sounds]
    return [_from_onset(*levelled) for levelled in levelled_sounds(sounds)]


def mean_outputs(outputs: Sequence[NDArray[np.floating]], heard: Sequence[SoundInputs]) -> NDArray[np.floating]:
    """`[N, 160]`: the mean of the outputs `[T_i, 160]` of each sound over the frames that count."""
    return np.stack([o[sound.counts].mean(0) for o, sound in zip(outputs, heard, strict=True)])


def _from_onset(inputs: NDArray[np.float32], counts: NDArray[np.bool_], afresh: NDArray[np.bool_]) -> SoundInputs:
    counts = since_onset(counts, afresh)
    if not counts.any():
        return SoundInputs(inputs, np.ones_like(counts))
    onset = int(counts.argmax())
    return SoundInputs(inputs[onset:], counts[onset:])
