"""What is heard of clips and, before them, of the speaker: other clips of the same voice, in a fixed random order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.clips import Clip
from kmidi_lab.audio.speaker import adapt, fresh, padded, seconds_heard
from kmidi_lab.contract_types import Contract


class EmotionData(Protocol):
    """What evaluator and model ask of a data module."""

    contract: Contract

    @property
    def vocabulary(self) -> tuple[str, ...]: ...
    def songs(self, split: str) -> Sequence[Clip]: ...
    def label_indices(self, split: str) -> NDArray[np.int64]: ...
    def conditions(self, split: str) -> Mapping[str, Sequence[NDArray[np.floating]]]: ...


Call = Callable[[NDArray[np.floating]], NDArray[np.floating]]
_SEED = 0
_MOST = 40
"""Clips that are heard before one at most."""
_TOGETHER = 32


def states_after(clips: Sequence[NDArray[np.floating]], speakers: Sequence[str], seconds: float) -> NDArray[np.float64]:
    """The state `[N, 132]` of the front-end when each clip begins.

    Args:
        clips: `[T_i, 128]` of `mel128-v1`.
        speakers: of each clip.
        seconds: of speech that other clips of the speaker are heard for; whole clips are heard until there are so many.
            Less where a speaker has no more clips.
    """
    rng = np.random.default_rng(_SEED)
    state, names = fresh(len(clips)), np.array(speakers)
    others = []
    for place, name in enumerate(names):
        same = np.flatnonzero(names == name)
        others.append(rng.permutation(same[same != place])[:_MOST])
    for step in range(_MOST):
        waiting = [i for i in np.flatnonzero(seconds_heard(state) < seconds) if len(others[i]) > step]
        if not waiting:
            break
        part = state[waiting]
        adapt(*padded([clips[others[i][step]] for i in waiting]), part)
        state[waiting] = part
    return state


def adapted(
    clips: Sequence[NDArray[np.floating]], state: NDArray[np.float64]
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.bool_]]]:
    """Each clip behind its state `[N, 132]`: inputs `[T_i, 128]` and `[T_i]`, True where there is speech; all if none is."""
    frames, speech = adapt(*padded(clips), state.copy())
    inputs = [row[: len(clip)] for row, clip in zip(frames, clips, strict=True)]
    spoken = [row[: len(clip)] for row, clip in zip(speech, clips, strict=True)]
    return inputs, [row if row.any() else np.ones_like(row) for row in spoken]


def answers(call: Call, inputs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.floating]]:
    """What a causal network says of each of inputs `[T_i, 128]` from a reset on, `[T_i, 64]`; 32 of like length together."""
    out: list[NDArray[np.floating]] = [np.empty(0)] * len(inputs)
    order = sorted(range(len(inputs)), key=lambda i: len(inputs[i]))
    for at in range(0, len(order), _TOGETHER):
        places = order[at : at + _TOGETHER]
        for i, row in zip(places, call(padded([inputs[i] for i in places])[0]), strict=True):
            out[i] = row[: len(inputs[i])]
    return out


def spoken_means(
    call: Call, inputs: Sequence[NDArray[np.float32]], speech: Sequence[NDArray[np.bool_]]
) -> NDArray[np.floating]:
    """`[N, 64]`: the mean of what a network says of the frames `[T_i]` with speech."""
    return np.stack([row[of].mean(0) for row, of in zip(answers(call, inputs), speech, strict=True)])


def mean_embeddings(call: Call, data: EmotionData, split: str, seconds: float = 15.0) -> NDArray[np.float32]:
    """`[2 N, 64]`: the mean embedding of each clip of a split as the first of its voice, then after `seconds` of it."""
    frames = [clip.sound.frames for clip in data.songs(split)]
    rows = []
    for state in (fresh(len(frames)), states_after(frames, [clip.group for clip in data.songs(split)], seconds)):
        rows.append(spoken_means(call, *adapted(frames, state)))
    return np.concatenate(rows).astype(np.float32)
