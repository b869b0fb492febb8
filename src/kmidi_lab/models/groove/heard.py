"""Drum takes of a split to listen to: on the grid, by the drummer, by the model, and by the rule without one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from kmidi_lab.models.groove.baselines import rules
from kmidi_lab.models.groove.features import EncodedPerformances, read_outputs
from kmidi_lab.models.groove.grid import STEPS, Performance
from kmidi_lab.scoring.heard import SECONDS, HeardItem, Sounding, by_chance

_PITCHES = np.array([36, 38, 42])
"""Of General MIDI, for the three voices."""
_STROKE_S = 0.1
_EVEN = 0.7
"""Velocity of what is only written."""


def heard_takes(
    call: Callable[[np.ndarray], np.ndarray], songs: Sequence[Performance], e: EncodedPerformances
) -> Iterator[HeardItem]:
    """Takes that are not too short. Arguments as of GrooveEvaluator.items."""
    begins = e.starts[:-1].tolist()
    ends = [
        min(begin + int(SECONDS * song.bpm / 240) + 1, int(end))
        for begin, end, song in zip(begins, e.starts[1:], songs, strict=True)
    ]
    for place in by_chance([int(e.hit[a:b].sum()) for a, b in zip(begins, ends, strict=True)]):
        song, bars = songs[place], slice(begins[place], ends[place])
        x = e.x[bars]
        shape = e.hit[bars].shape
        by_model, by_rule = (
            [np.broadcast_to(part[..., None], shape) for part in read_outputs(outputs.astype(np.float64))]
            for outputs in (call(x[None])[0], rules(x))
        )
        even = [np.zeros(shape), np.full(shape, _EVEN)]
        versions = {
            "as written": even,
            "the drummer": [e.timing[bars], e.velocity[bars]],
            "the model": by_model,
            "the rule": by_rule,
        }
        sounding = {by: _sounding(e.hit[bars], played[0], played[1], song.bpm) for by, played in versions.items()}
        yield HeardItem(song.id, song.source, sounding)


def _sounding(hit: np.ndarray, timing: np.ndarray, velocity: np.ndarray, bpm: float) -> Sounding:
    """Strokes `[T, 16, 3]`, timing in half sixteenths, velocity 0..1."""
    bar, step, voice = np.nonzero(hit)
    sixteenths = bar * STEPS + step + timing[bar, step, voice] / 2
    start = sixteenths * 15 / bpm
    return Sounding(
        start, np.full(len(start), _STROKE_S), _PITCHES[voice], 127 * velocity[bar, step, voice], drums=True
    )
