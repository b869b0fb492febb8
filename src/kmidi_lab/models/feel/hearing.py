"""The music of a recording, from its first sound to its last, as the model takes it."""

from __future__ import annotations

from itertools import chain

import numpy as np

from kmidi_lab.audio.front_end import Ear, ear
from kmidi_lab.audio.level import level_of
from kmidi_lab.audio.mel import FRAME_S
from kmidi_lab.contract_features import LEVEL
from kmidi_lab.errors import ConfigError
from kmidi_lab.inference.listener import Frames
from kmidi_lab.inference.listening import Listening
from kmidi_lab.wording import short_of

LEAST_S = 4.0
"""From the first sound to the last: nothing tells a tempo in less."""
_HOLD = round(2.0 / FRAME_S)
"""Frames of a pause that are the music's."""


class MusicEar:
    """An ear for which all of the music counts, from the first frame that counts for `hear` on.

    Of music that stays at one level, and between the strokes of drums, the front-end takes most for background. The
    readings of a stretch are of the same frames as that of the whole: also of those that lie up to 11 dB below the mean
    level, and of two seconds behind the last of them.

    Args:
        hear: the ear that says what counts; its input is less the mean level (`mel128-v2`).
    """

    def __init__(self, hear: Ear) -> None:
        self._hear, self._left = hear, 0
        self.input, self.afresh = hear.input, hear.afresh

    def __call__(self, frame: Frames) -> bool:
        """Takes the next `mel128-v1` frame `[128]`; whether it is of the music."""
        counts = self._hear(frame)
        self.input, self.afresh = self._hear.input, self._hear.afresh
        if counts or (self._left and float(level_of(self.input)) > -LEVEL.jump):
            self._left = _HOLD
        else:
            self._left = max(0, self._left - 1)
        return self._left > 0


def music(request: Listening, features: str) -> Frames:
    """`[T, 128]`, what a model takes of each frame, from the first that counts to the last; pauses belong to the music.

    Args:
        request: names the recording.
        features: the feature version of the model's contract.

    Raises:
        AudioError, UserError: sound that can't be used. ConfigError: nothing to hear in it, or too little.
    """
    hear, inputs, counted = ear(features, request.counts()), list[Frames](), list[bool]()
    for frame in chain.from_iterable(request.sound.frames([])):
        counted.append(hear(frame))
        inputs.append(hear.input)
    if not any(counted):
        raise ConfigError("nothing to hear in it")
    places = np.flatnonzero(counted)
    heard = np.stack(inputs[places[0] : places[-1] + 1])
    if why := too_short(len(heard)):
        raise ConfigError(why)
    return heard


def too_short(frames: int) -> str:
    """Why so many frames tell no tempo; empty where they do."""
    seconds = frames * FRAME_S
    return f"too short: {short_of(seconds, LEAST_S)} s, {LEAST_S:g} s are needed" if seconds < LEAST_S else ""
