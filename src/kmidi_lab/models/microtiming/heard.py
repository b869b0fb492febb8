"""Takes of a split to listen to: on the grid, by the player, by the model, and by the rule without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from kmidi_lab.models.microtiming.features import EncodedTakes
from kmidi_lab.models.microtiming.heuristic import by_rule
from kmidi_lab.models.microtiming.offset_queries import is_pitched
from kmidi_lab.models.microtiming.quantiles import drawn, read_quantiles
from kmidi_lab.scoring.heard import SECONDS, HeardItem, Sounding, by_chance, in_seconds

_EVEN = 0.6
"""Velocity of a note of which none is known."""
_SHORTEST_S, _LONGEST_S = 0.1, 8.0


def heard_takes(call: Callable[[np.ndarray], np.ndarray], songs: Sequence[Any], e: EncodedTakes) -> Iterator[HeardItem]:
    """Takes that are not too short, their offsets drawn as `task=predict` draws them. Arguments as of the evaluator's items."""
    takes = [song.take for song in songs]
    starts = [in_seconds(take.notes.onset, take.notes.bpm) for take in takes]
    counts = [int((start < SECONDS).sum()) for start in starts]
    pitched = is_pitched(e)
    for place in by_chance(counts):
        take, count, begin = takes[place], counts[place], int(e.starts[place])
        rows, notes, at = slice(begin, begin + count), take.notes, starts[place][:count]
        _, order = np.unique(notes.onset[:count], return_inverse=True)
        unit, x = e.unit[rows], e.x[rows]
        guessed = [
            drawn(read_quantiles(out.astype(np.float64)), order, np.random.default_rng(0), pitched=pitched[rows]) * unit
            for out in (call(x[None])[0], by_rule(x, unit))
        ]
        late = dict(zip(("the model", "the rule"), guessed, strict=True))
        played = np.where(e.known[rows], e.offset[rows], 0.0)
        velocity = np.where(np.isfinite(e.velocity[rows]), e.velocity[rows], _EVEN)
        length = np.clip(notes.duration[:count] * 60 / notes.bpm[:count], _SHORTEST_S, _LONGEST_S)
        drums = not bool(pitched[rows].any())
        versions = {
            by: Sounding(at + ms / 1000, length, notes.pitch[:count], 127 * velocity, drums)
            for by, ms in {"as written": np.zeros(count), "the player": played, **late}.items()
        }
        yield HeardItem(take.id, take.source, versions)
