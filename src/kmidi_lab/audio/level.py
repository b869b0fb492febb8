"""`mel128-v2`: mel frames less the running level of the sound, so that how loud it was recorded drops out and its timbre stays.

The level of a frame is the logarithm of the mean power of its bands. From all bands of a `mel128-v1` frame one number is
taken: the mean level of the frames that count so far. It starts with the first of them and forgets what is more than a
minute of sound ago.

A frame counts where its level is above the front-end's own floor, above a noise floor, and not far below the loudest so
far. The noise floor falls at once and rises slowly; a sound may begin with the first frame, so the floor begins below
it. Where a frame is far louder than the mean so far, what was heard before it was background, such as room tone: the
mean begins anew with this frame, the background's mean is the noise floor, and what was counted before counts no more.

All of it is causal and the same for a sound that is louder or softer as a whole, as long as no band falls below the
front-end's floor of 1e-6. A running mean of each band, as in `mel128-v2-speaker`, would take the timbre away.

The state is one row of 4 floats: the mean level, the noise floor, the loudest level, the number of frames that count.
docs/audio.md has the same in C++; `mel128-v2.json` beside this file holds the constants, an input and what must come
out: `python -m kmidi_lab.audio.level` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.mel import FLOOR, golden_input, log_mel
from kmidi_lab.audio.speaker import padded
from kmidi_lab.contract_features import LEVEL, LEVEL_FEATURES
from kmidi_lab.files import write_atomic

STATE_SIZE = 4
_MEAN, _FLOOR, _PEAK, _COUNT = range(STATE_SIZE)
_TOGETHER = 256
_FAR = 100.0
"""Above any level: a noise floor that is so high, and a peak that is so low, know nothing yet."""
_SILENT = float(np.log(FLOOR))
GOLDEN_PATH = Path(__file__).with_name(f"{LEVEL_FEATURES}.json")
Frames = NDArray[np.floating]
State = NDArray[np.float64]


class LevelledFrames(NamedTuple):
    """Frames `[..., T, 128]` of `mel128-v2`; `[..., T]`, True where one counts, and where what was before counts no more."""

    frames: NDArray[np.float32]
    counts: NDArray[np.bool_]
    afresh: NDArray[np.bool_]


def fresh(*sounds: int) -> State:
    """The state `[..., 4]` of sounds of which nothing has been heard."""
    state = np.zeros((*sounds, STATE_SIZE))
    state[..., _FLOOR], state[..., _PEAK] = _FAR, -_FAR
    return state


def level_of(frames: Frames) -> NDArray[np.float64]:
    """Logarithm of the mean power of the bands of frames `[..., 128]`."""
    return np.asarray(np.log(np.exp(np.asarray(frames, np.float32)).mean(-1, dtype=np.float64)))


def adapt(frames: Frames, real: NDArray[np.bool_] | bool, state: State) -> LevelledFrames:
    """The next frames of each sound.

    Args:
        frames: `[..., T, 128]` of `mel128-v1`.
        real: `[..., T]`, False where there is no frame and the state stays; or True for all of them.
        state: `[..., 4]`, moved on in place.
    """
    frames = np.asarray(frames, np.float32)
    levels, rule = level_of(frames), LEVEL
    real = np.broadcast_to(real, levels.shape)
    less = np.empty(levels.shape)
    counts, afresh = (np.zeros(levels.shape, bool) for _ in range(2))
    for t in range(frames.shape[-2]):
        level, there = levels[..., t], real[..., t]
        mean, floor, peak, count = (state[..., i] for i in range(STATE_SIZE))
        floor = np.minimum(level, np.where(floor >= _FAR, level - rule.head, floor + rule.floor_rise))
        peak = np.maximum(level, peak - rule.peak_fall)
        sounds = there & (level > _SILENT + rule.above_silence)
        again = sounds & (count >= rule.established) & (level > mean + rule.jump)
        floor = np.where(again, mean, floor)
        heard = sounds & (level > floor + rule.above_floor) & (level > peak - rule.below_peak)
        count = np.where(again, 0, count) + heard
        weight = np.maximum(1 / np.maximum(count, 1), 1 / rule.longest_frames)
        mean = np.where(again, level, mean + (level - mean) * heard * weight)
        less[..., t] = np.where(count > 0, mean, level)
        counts[..., t], afresh[..., t] = heard, again
        new = np.stack([mean, floor, peak, np.minimum(count, rule.longest_frames)], -1)
        state[...] = np.where(there[..., None], new, state)
    return LevelledFrames((frames - less[..., None]).astype(np.float32), counts, afresh)


def levelled_sounds(sounds: Sequence[Frames]) -> list[LevelledFrames]:
    """What `adapt` makes of sounds `[T_i, 128]` of `mel128-v1`, each from its beginning and as long as it is."""
    out: list[LevelledFrames] = [None] * len(sounds)  # type: ignore[list-item]
    by_length = np.argsort([len(frames) for frames in sounds], kind="stable")
    for first in range(0, len(by_length), _TOGETHER):
        places = by_length[first : first + _TOGETHER]
        frames, real = padded([sounds[i] for i in places])
        levelled = adapt(frames, real, fresh(len(places)))
        for i, *row in zip(places, *levelled, strict=True):
            out[i] = LevelledFrames(*(part[: len(sounds[i])] for part in row))
    return out


def adapted_sounds(sounds: Sequence[Frames]) -> list[NDArray[np.float32]]:
    """Sounds `[T_i, 128]` of `mel128-v1` as `mel128-v2`, each from its beginning."""
    return [levelled.frames for levelled in levelled_sounds(sounds)]


def since_onset(counts: NDArray[np.bool_], afresh: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """`[T]`: which frames of a whole sound count in the end: those from the last fresh start on."""
    starts = np.flatnonzero(afresh)
    return counts & (np.arange(len(counts)) >= (starts[-1] if len(starts) else 0))


class LevelStream:
    """One sound, frame by frame."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """The next frame is of a sound of which nothing has been heard."""
        self._state = fresh()

    def push(self, frames: Frames) -> LevelledFrames:
        """The next frames `[T, 128]`."""
        return adapt(frames, True, self._state)


def golden() -> dict[str, Any]:
    """The file's content; the input is that of `mel128-v1.json`, soft, then loud, then silence."""
    wave = golden_input()
    frames = log_mel(np.concatenate([0.01 * wave, wave, np.zeros_like(wave)]))
    state = fresh()
    out, counts, afresh = adapt(frames, True, state)
    return {
        "feature_version": LEVEL_FEATURES,
        "constants": LEVEL.__dict__,
        "input": [[round(float(v), 6) for v in frame] for frame in frames],
        "output": [[round(float(v), 6) for v in frame] for frame in out],
        "counts": [int(c) for c in counts],
        "afresh": [int(a) for a in afresh],
        "state": [round(float(v), 6) for v in state],
    }


if __name__ == "__main__":
    write_atomic(GOLDEN_PATH, json.dumps(golden()).encode() + b"\n")
    print(f"written: {GOLDEN_PATH}")
