"""The music of a recording, from its first sound to its last, as the model takes it."""

from __future__ import annotations

from itertools import chain

import numpy as np

from kmidi_lab.audio.front_end import ear
from kmidi_lab.audio.mel import FRAME_S
from kmidi_lab.errors import ConfigError
from kmidi_lab.inference.listener import Frames
from kmidi_lab.inference.listening import Listening
from kmidi_lab.wording import short_of

LEAST_S = 4.0
"""From the first sound to the last: nothing tells a tempo in less."""
PAUSE = round(2.0 / FRAME_S)
"""Frames of a pause that are the music's."""


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
