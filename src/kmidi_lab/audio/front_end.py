"""From the mel frames of a sound to what a model takes, by the feature version of its contract; and which frames count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio import level
from kmidi_lab.audio.level import LevelStream, level_of
from kmidi_lab.audio.speaker import SpeakerStream, adapt, fresh
from kmidi_lab.audio.voice_activity import VoiceActivity, speech_of
from kmidi_lab.contract_features import AUDIO_FEATURES, LEVEL, LEVEL_FEATURES, SPEAKER_FEATURES
from kmidi_lab.errors import ConfigError, one_of

Frames = NDArray[np.floating]


class Ear(Protocol):
    """One sound, frame by frame, from a reset on."""

    input: NDArray[np.float32]
    """What the model takes of the frame that came last, `[128]`."""
    afresh: bool
    """Whether what counted before the frame that came last was background and counts no more."""

    def __call__(self, frame: Frames) -> bool:
        """Takes the next `mel128-v1` frame `[128]`; whether the model's output for it counts."""


class PlainEar:
    """The frames as they are. Args: counts: which of them count; those with speech where it is not given."""

    afresh = False

    def __init__(self, counts: Callable[[Frames], bool] | None = None) -> None:
        self._counts = counts or VoiceActivity()
        self.input = np.zeros(0, np.float32)

    def __call__(self, frame: Frames) -> bool:
        self.input = np.asarray(frame, np.float32)
        return self._counts(frame)


class SpeakerEar:
    """The frames less what the voice so far sounds like; those with speech count."""

    afresh = False

    def __init__(self) -> None:
        self._stream = SpeakerStream()
        self.input = np.zeros(0, np.float32)

    def __call__(self, frame: Frames) -> bool:
        frames, speech = self._stream.push(frame[None])
        self.input = frames[0]
        return bool(speech[0])


class LevelEar:
    """The frames less the level of the sound so far; those that the front-end says count."""

    def __init__(self) -> None:
        self._stream = LevelStream()
        self.input, self.afresh = np.zeros(0, np.float32), False

    def __call__(self, frame: Frames) -> bool:
        frames, counts, afresh = self._stream.push(frame[None])
        self.input, self.afresh = frames[0], bool(afresh[0])
        return bool(counts[0])


class MusicEar:
    """An ear for which all of the music counts, from the first frame that counts for `hear` on.

    Of music that stays at one level for 14 s the front-end takes most for background. Here frames that lie up to 11 dB
    below the mean level count, too, and a pause behind the last of them.

    Args:
        hear: the ear that says what counts; its input is less the mean level (`mel128-v2`).
        pause: frames of a pause that are the music's.
    """

    def __init__(self, hear: Ear, pause: int = 0) -> None:
        self._hear, self._pause, self._left = hear, pause, -1
        self.input, self.afresh = hear.input, hear.afresh

    def __call__(self, frame: Frames) -> bool:
        counts = self._hear(frame)
        self.input, self.afresh = self._hear.input, self._hear.afresh
        begun = self._left >= 0
        if counts or (begun and float(level_of(self.input)) > -LEVEL.jump):
            self._left = self._pause + 1
        else:
            self._left = max(0, self._left - 1) if begun else -1
        return self._left > 0


def ear(features: str, counts: Callable[[Frames], bool] | None = None) -> Ear:
    """What hears for a model of a feature version; `counts` is for versions that don't say which frames count."""
    if features == LEVEL_FEATURES:
        return LevelEar()
    return SpeakerEar() if features == SPEAKER_FEATURES else PlainEar(counts)


def heard(frames: Frames, features: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A whole sound from a reset on: what a model takes `[T, 128]`, and `[T]`, True where it counts (has speech).

    All of it counts where nothing does.

    Args:
        frames: `[T, 128]` of `mel128-v1`.
        features: the feature version of the model's contract.

    Raises:
        ConfigError: another feature version.
    """
    if features == AUDIO_FEATURES:
        return np.asarray(frames, np.float32), speech_of(frames)
    if features == LEVEL_FEATURES:
        out, counts, afresh = level.adapt(frames, True, level.fresh())
        counts = level.since_onset(counts, afresh)
    elif features == SPEAKER_FEATURES:
        out, counts = adapt(frames, True, fresh())
    else:
        raise ConfigError(one_of("feature_version", features, (AUDIO_FEATURES, LEVEL_FEATURES, SPEAKER_FEATURES)))
    return out, counts if counts.any() else np.ones_like(counts)
