"""Below a song's roll: how fast and how loud it is from beat to beat, so that a ritardando, a fermata and a fade are seen."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.song import Arrangement

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TEMPO, LEVEL = "#6b4fa0", "#d9822b"
_FULL = 127
_ROOM = 0.15
"""Share of the height that the tempo's line leaves free."""


def draw_lines(axis: Axes, song: Arrangement) -> None:
    """The tempo with its numbers, and the level as an area; both against the song's own quarters."""
    at, loud = levels(song)
    axis.fill_between([*at, song.length], [*loud, loud[-1]], step="post", color=LEVEL, alpha=0.3, lw=0)
    axis.step([*at, song.length], [*loud, loud[-1]], where="post", color=LEVEL, lw=0.8)
    axis.set_ylim(0, 1)
    axis.set_yticks([])
    fast = axis.twinx()
    places, values = [t.start for t in song.tempos], [t.tempo for t in song.tempos]
    fast.step([*places, song.length], [*values, values[-1]], where="post", color=TEMPO, lw=1.2)
    spread = max(max(values) - min(values), 1.0)
    fast.set_ylim(min(values) - _ROOM * spread - 1, max(values) + _ROOM * spread + 1)
    ends = sorted({min(values), max(values)})
    fast.set_yticks(ends, [f"{value:.0f} bpm" for value in ends], fontsize=7)
    fast.tick_params(length=2, colors=TEMPO)
    for side in ("top", "right", "left", "bottom"):
        axis.spines[side].set_visible(False)
        fast.spines[side].set_visible(False)
    axis.set_ylabel("level", fontsize=7, color=LEVEL, rotation=0, ha="right", va="center")


def levels(song: Arrangement) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Beats in quarters `[B]`, and how loud the notes that sound in each are `[B]`, 0..1: velocity times the part's level.

    Of the parts that sound the loudest counts; a beat in which none does is 0.
    """
    at = np.arange(0.0, song.length, 1.0)
    loud = np.zeros(len(at))
    for part in song.parts:
        starts = [level.start for level in part.levels]
        for note in part.notes:
            first, last = int(note.start), int(np.ceil(min(note.stop, song.length)))
            for beat in range(first, min(max(last, first + 1), len(at))):
                place = bisect_right(starts, max(note.start, float(beat)))
                level = part.levels[place - 1].level if place else _FULL
                loud[beat] = max(loud[beat], note.velocity / _FULL * level / _FULL)
    return at, loud
