"""What has been heard of a voice before a clip begins: the state of the front-end after other clips of the speaker."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.speaker import STATE_SIZE, adapt, fresh, padded

_LONGEST = 16
"""Clips of a session."""


def start_states(
    clips: Sequence[NDArray[np.floating]], voices: Sequence[object], sessions: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """The states `[sessions, N, 132]` that clips begin with where each voice says its clips in `sessions` random orders.

    An order is cut into sessions of up to sixteen clips, each from a reset on. So a clip is the first of its session,
    for which nothing has been heard, or has up to fifteen others before it, which is about half a minute of speech.

    Args:
        clips: `[T_i, 128]` of `mel128-v1`.
        voices: whose each is; what must sound alike, such as a speaker in one recording.
        sessions: orders.
        rng: draws them.
    """
    names = np.array([str(v) for v in voices])
    own = [np.flatnonzero(names == name) for name in dict.fromkeys(names)]
    states = np.empty((sessions, len(clips), STATE_SIZE))
    for states_of_order in states:
        orders = [rng.permutation(places) for places in own]
        rows = [order[i : i + _LONGEST] for order in orders for i in range(0, len(order), _LONGEST)]
        rows.sort(key=len, reverse=True)
        state = fresh(len(rows))
        for step in range(len(rows[0])):
            at = np.array([row[step] for row in rows if len(row) > step])
            state = state[: len(at)]
            states_of_order[at] = state
            adapt(*padded([clips[i] for i in at]), state)
    return states
