"""When a pianist's foot goes down and up, from the notes that a model wants under the pedal."""

from __future__ import annotations

import numpy as np

from kmidi_lab.midi.score import Score

_DOWN = 127
_LIFT = 8
"""The pedal is up for an eighth of a quarter note when it changes."""


def pedal_changes(
    score: Score, start: np.ndarray, end: np.ndarray, wanted: np.ndarray, downbeat: np.ndarray, ticks_per_quarter: int
) -> list[tuple[int, int]]:
    """(tick, value) of the sustain pedal: down in the bars in which half of the notes ask for it, changed on every downbeat.

    Note by note it would go up and down within a beat, as no pianist's does. Notes that are written together are one
    onset, however they are played: it begins with the first of them.

    Args:
        score: N notes in order of onset.
        start: ticks `[N]`, as they are played.
        end: the same.
        wanted: `[N]` bool, whether the note is to sound under the pedal.
        downbeat: `[N]` bool, whether it stands on one.
        ticks_per_quarter: of these ticks.
    """
    lift = max(1, ticks_per_quarter // _LIFT)
    out: list[tuple[int, int]] = []
    written, at = np.unique(score.onset, return_inverse=True)
    first = np.full(len(written), np.iinfo(np.int64).max)
    np.minimum.at(first, at, start)
    ticks = np.maximum.accumulate(first)  # played, a note may pass the one before
    _, bar = np.unique(np.floor(score.bar), return_inverse=True)
    asked = np.bincount(bar, wanted) / np.bincount(bar) >= 0.5
    is_down = np.zeros(len(written), bool)
    is_down[at] = asked[bar]  # notes of one onset are of one bar
    changed = np.bincount(at, downbeat) > 0
    following = np.append(ticks[1:], end.max() + 2 * lift)
    down = False
    for k, tick in enumerate(ticks.tolist()):
        again = min(tick + lift, int(following[k]) - 1)
        if is_down[k] and down and changed[k] and again > tick:
            out += [(tick, 0), (again, _DOWN)]
        elif is_down[k] != down:
            out.append((tick, _DOWN if is_down[k] else 0))
        down = bool(is_down[k])
    if down:
        out.append((int(end.max()), 0))
    return out
