"""From the mel frames of a sound to what a model takes, by the feature version of its contract; and which frames count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.speaker import SpeakerStream, adapt, fresh
from kmidi_lab.audio.voice_activity import VoiceActivity, speech_of
from kmidi_lab.contracts import AUDIO_FEATURES, SPEAKER_FEATURES
from kmidi_lab.errors import ConfigError, one_of

Frames = NDArray[np.floating]


class Ear(Protocol):
    """One sound, frame by frame, from a reset on."""

    input: NDArray[np.float32]
    """What the model takes of the frame that came last, `[128]`."""

    def __call__(self, frame: Frames) -> bool:
        """Takes the next `mel128-v1` frame `[128]`; whether the model's output for it counts."""


class PlainEar:
    """The frames as they are. Args: counts: which of them count; those with speech where it is not given."""

    def __init__(self, counts: Callable[[Frames], bool] | None = None) -> None:
        self._counts = counts or VoiceActivity()
        self.input = np.zeros(0, np.float32)

    def __call__(self, frame: Frames) -> bool:
        self.input = np.asarray(frame, np.float32)
        return self._counts(frame)


class SpeakerEar:
    """The frames less what the voice so far sounds like; those with speech count."""

    def __init__(self) -> None:
        self._stream = SpeakerStream()
        self.input = np.zeros(0, np.float32)

    def __call__(self, frame: Frames) -> bool:
        frames, speech = self._stream.push(frame[None])
        self.input = frames[0]
        return bool(speech[0])


def ear(features: str, counts: Callable[[Frames], bool] | None = None) -> Ear:
    """What hears for a model of a feature version; `counts` is for versions that don't say which frames count."""
    return SpeakerEar() if features == SPEAKER_FEATURES else PlainEar(counts)


def heard(frames: Frames, features: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A whole sound from a reset on: what a model takes `[T, 128]`, and `[T]`, True where it has speech.

    All of it counts as speech where none has any.

    Args:
        frames: `[T, 128]` of `mel128-v1`.
        features: the feature version of the model's contract.

    Raises:
        ConfigError: another feature version.
    """
    if features == AUDIO_FEATURES:
        return np.asarray(frames, np.float32), speech_of(frames)
    if features != SPEAKER_FEATURES:
        raise ConfigError(one_of("feature_version", features, (AUDIO_FEATURES, SPEAKER_FEATURES)))
    out, speech = adapt(frames, True, fresh())
    return out, speech if speech.any() else np.ones_like(speech)
