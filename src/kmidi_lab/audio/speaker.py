"""`mel128-v2-speaker`: mel frames less what a voice and its room always sound like, so that level and channel drop out.

A frame of `mel128-v1` is split into its level (the mean of its bands) and its shape (the bands less the level). From
both a running mean over the frames with speech so far is taken. The mean of the level starts with the first frame with
speech (before, the frame's own level is taken), that of the shape from a stored prior that weighs as much as a second
of speech. Both forget what is more than about a minute of speech ago. Removing such means is cepstral mean
normalisation (B. Atal, 1974; O. Viikki, K. Laurila, 1998, for its running form).

A frame has speech where its level lies well above a noise floor that falls at once and rises slowly, and not far below
the loudest so far. All of it is causal and exactly the same for a sound that is louder or softer as a whole, as long as
no band falls below the front-end's floor.

The state is one row of 132 floats: 0-127 the mean shape, 128 the mean level, 129 the noise floor, 130 the loudest
level, 131 the number of frames with speech. docs/audio.md has the same in C++; `mel128-v2-speaker.json` beside this
file holds the constants, the prior, an input and what must come out: `python -m kmidi_lab.audio.speaker` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.mel import BANDS, FLOOR, golden_input, log_mel
from kmidi_lab.contract_features import SPEAKER, SPEAKER_FEATURES
from kmidi_lab.files import write_atomic

STATE_SIZE = BANDS + 4
_LEVEL, _FLOOR, _PEAK, _COUNT = range(BANDS, STATE_SIZE)
_FAR = 100.0
"""Above any level; a floor that is so high, and a peak that is so low, know nothing yet."""
GOLDEN_PATH = Path(__file__).with_name(f"{SPEAKER_FEATURES}.json")
Frames = NDArray[np.floating]
State = NDArray[np.float64]


@lru_cache(1)
def prior_shape() -> NDArray[np.float64]:
    """`[128]`: the mean shape of speech, from 480 clips of four corpora (docs/audio.md)."""
    return np.array(json.loads(GOLDEN_PATH.read_text(encoding="utf-8"))["prior"], np.float64)


def fresh(*voices: int) -> State:
    """The state `[..., 132]` of voices of which nothing has been heard."""
    state = np.zeros((*voices, STATE_SIZE))
    state[..., :BANDS] = prior_shape()
    state[..., _FLOOR], state[..., _PEAK] = _FAR, -_FAR
    return state


def seconds_heard(state: State) -> NDArray[np.float64]:
    """Seconds of speech behind states `[..., 132]`."""
    return np.asarray(state[..., _COUNT] * SPEAKER.frame_s)


def adapt(
    frames: Frames, real: NDArray[np.bool_] | bool, state: State
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The next frames of each voice.

    Args:
        frames: `[..., T, 128]` of `mel128-v1`.
        real: `[..., T]`, False where there is no frame and the state stays; or True for all of them.
        state: `[..., 132]`, moved on in place.

    Returns:
        `[..., T, 128]` of `mel128-v2-speaker`, and `[..., T]`, True where there is speech.
    """
    frames = np.asarray(frames, np.float32)
    out = np.empty(frames.shape, np.float32)
    active = np.zeros(frames.shape[:-1], bool)
    levels = frames.mean(-1, dtype=np.float64)
    shape, rule = state[..., :BANDS], SPEAKER
    real = np.broadcast_to(real, levels.shape)
    for t in range(frames.shape[-2]):
        level, there = levels[..., t], real[..., t]
        floor = np.minimum(level, state[..., _FLOOR] + rule.floor_rise)
        peak = np.maximum(level, state[..., _PEAK] - rule.peak_fall)
        speech = there & (level > floor + rule.above_floor) & (level > peak - rule.below_peak)
        count = state[..., _COUNT] + speech
        weight = np.maximum(count, 1)
        own = frames[..., t, :] - level[..., None]
        step = speech * np.maximum(1 / (rule.prior_frames + weight), 1 / rule.longest_frames)
        shape += (own - shape) * step[..., None]
        state[..., _LEVEL] += (level - state[..., _LEVEL]) * speech * np.maximum(1 / weight, 1 / rule.longest_frames)
        state[..., _FLOOR] = np.where(there, floor, state[..., _FLOOR])
        state[..., _PEAK] = np.where(there, peak, state[..., _PEAK])
        state[..., _COUNT] = np.minimum(count, rule.longest_frames)
        mean = np.where(count > 0, state[..., _LEVEL], level)
        out[..., t, :] = own - shape + (level - mean)[..., None]
        active[..., t] = speech
    return out, active


def padded(sounds: Sequence[Frames]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Sounds `[T_i, 128]` as `[N, T, 128]`, silence behind the shorter ones, and `[N, T]`, True where there is a frame."""
    longest = max(map(len, sounds))
    frames = np.full((len(sounds), longest, BANDS), np.log(FLOOR), np.float32)
    real = np.zeros(frames.shape[:2], bool)
    for row, there, sound in zip(frames, real, sounds, strict=True):
        row[: len(sound)], there[: len(sound)] = sound, True
    return frames, real


class SpeakerStream:
    """One voice, frame by frame."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The next frame is of a voice of which nothing has been heard."""
        self._state = fresh()

    def push(self, frames: Frames) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The next frames `[T, 128]`, adapted, and `[T]`, True where there is speech."""
        return adapt(frames, True, self._state)


def golden(prior: NDArray[np.float64]) -> dict[str, Any]:
    """The file's content; the input is that of `mel128-v1.json`."""
    frames = log_mel(golden_input())
    state = fresh()
    out, active = adapt(frames, True, state)
    return {
        "feature_version": SPEAKER_FEATURES,
        "constants": SPEAKER.__dict__,
        "prior": [round(float(v), 4) for v in prior],
        "input": [[round(float(v), 6) for v in frame] for frame in frames],
        "output": [[round(float(v), 6) for v in frame] for frame in out],
        "speech": [int(a) for a in active],
        "state": [round(float(v), 6) for v in state],
    }


if __name__ == "__main__":
    write_atomic(GOLDEN_PATH, json.dumps(golden(prior_shape())).encode() + b"\n")
    print(f"written: {GOLDEN_PATH}")
