"""Where strokes go: from where they are written to where the style writes them, and from there by the model's timing."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kmidi_lab.midi.piece import Piece
from kmidi_lab.models.groove.features import BEATS_PER_UNIT, SWING
from kmidi_lab.models.groove.grid import STEPS, STEPS_PER_BEAT, Grid, grid_of

LIMIT_SECONDS = 0.05
"""No onset goes further from where its style writes it."""
_SWINGS = 0.5
"""Styles with more swing than this play triplets."""
_ON_STEP = 0.5
"""How far from a step a stroke may be to count as played on it, in half sixteenths."""
_LATE = 0.5625, 0.8125
"""Between these shares of a beat lies the off-beat of what swings: from light swing to dotted eighths."""
_TRIPLET = -2 / 3
"""Where the off-beat of triplets lies from the last sixteenth of its beat, in half sixteenths."""


@dataclass(frozen=True)
class WrittenStrokes:
    """Strokes `[E]` as their style writes them.

    `places` are ticks. `grid` says which step of the model's bars each belongs to, and `beat` is what the model takes
    for a quarter, in ticks. `on` `[E]` is False between two steps: 32nds, and triplets where the style has none.
    `offset` `[E]` is how far from its step, or its place in the triplet, a stroke lies, in half sixteenths.
    """

    places: np.ndarray
    grid: Grid
    beat: float
    beats_per_quarter: int
    on: np.ndarray
    offset: np.ndarray


def written_for(style: str | None, starts: np.ndarray, piece: Piece) -> WrittenStrokes:
    """Strokes at `starts` `[E]` (ticks, ascending) in the rhythm of a style.

    A style that swings writes even eighths as triplets: long, short. In a pattern of sixteenths, the sixteenths are
    written so, and the model takes an eighth for its beat. What swings already stays, and in the other styles
    everything does.
    """
    if style is None or SWING[style] <= _SWINGS:
        return _at(starts, piece, 1, swings=False)
    by_quarters, by_eighths = (_at(starts, piece, beats, swings=True) for beats in (1, 2))
    if _is_swung(by_quarters):
        return by_quarters
    sixteenths = _played(by_quarters)
    eighths, finer = sixteenths[:, 2], sixteenths[:, 1] | (sixteenths[:, 2] & sixteenths[:, 3])
    if _is_swung(by_eighths):
        return by_eighths
    straight = by_eighths if finer.any() and 2 * finer.sum() >= eighths.sum() else by_quarters
    return _at(_swung(starts, straight), piece, straight.beats_per_quarter, swings=True)


def _at(places: np.ndarray, piece: Piece, beats_per_quarter: int, swings: bool) -> WrittenStrokes:
    beat = piece.ticks_per_quarter / beats_per_quarter
    grid = grid_of(places, piece.metres, piece.ticks_per_quarter, beat)
    offset = (places - grid.tick) * 2 * STEPS_PER_BEAT / beat
    on = np.abs(offset) < _ON_STEP
    if swings:
        in_beat = grid.step % STEPS_PER_BEAT
        share = (in_beat + offset / 2) / STEPS_PER_BEAT
        late = (share >= _LATE[0]) & (share < _LATE[1])
        missing = np.where(late, STEPS_PER_BEAT - 1 - in_beat, 0)  # the off-beat is the last sixteenth's
        grid = replace(grid, step=grid.step + missing, tick=grid.tick + missing * beat / STEPS_PER_BEAT)
        offset = np.where(late, offset - 2 * missing - _TRIPLET, offset)
        on |= late
    return WrittenStrokes(places, grid, beat, beats_per_quarter, on, offset)


def _played(w: WrittenStrokes) -> np.ndarray:
    """`[B, 4]` bool: on which sixteenths of each beat something is played, what lies between them left out."""
    beats = np.zeros((len(w.grid.lines) * STEPS, 1), bool)
    beats[(w.grid.row * STEPS + w.grid.step)[w.on]] = True
    return beats.reshape(-1, STEPS_PER_BEAT)


def _is_swung(w: WrittenStrokes) -> bool:
    """Whether more beats have their off-beat late than in the middle."""
    beats = _played(w)
    return bool((beats[:, 3] & ~beats[:, 2] & ~beats[:, 1]).sum() > beats[:, 2].sum())


def _swung(starts: np.ndarray, w: WrittenStrokes) -> np.ndarray:
    """Each beat stretched so that its middle comes at two thirds; strokes one after the other stay so."""
    step = w.beat / STEPS_PER_BEAT
    line = w.grid.tick - w.grid.step % STEPS_PER_BEAT * step
    at = (starts - line) / w.beat  # below 0 for a stroke that is pushed before the beat
    late = np.where(at < 0, at * 2 / 3, np.where(at < 0.5, at * 4 / 3, 2 / 3 + (at - 0.5) * 2 / 3))
    out = np.rint(line + late * w.beat).astype(np.int64)
    for i in range(1, len(out)):
        out[i] = out[i - 1] if starts[i] == starts[i - 1] else max(out[i], out[i - 1] + 1)
    return out


def new_onsets(
    starts: np.ndarray,
    velocities: np.ndarray,
    timing: np.ndarray,
    piece: Piece,
    earliest: np.ndarray | int = 0,
    written: WrittenStrokes | None = None,
) -> np.ndarray:
    """Where notes at `starts` `[E]` (ticks, ascending) go, given the timing -1..1 `[E]` of each one's step.

    The loudest note on a step leads: it goes to the step plus its timing, and the others on the step move with it, so
    that a flam stays one. Notes between two steps never lead: they move as the time between the leaders around them is
    stretched. None ends more than `LIMIT_SECONDS` from where `written` (None: as they are) has it, none before its
    `earliest` tick; notes that were together stay together, and notes one after the other stay so.
    """
    w = written or _at(starts, piece, 1, swings=False)
    places = w.places
    wish = places + np.rint(_shifts(w, velocities, timing)).astype(np.int64)
    now = piece.seconds(places)
    low = np.maximum(np.ceil(piece.ticks(now - LIMIT_SECONDS) - 1e-6).astype(np.int64), earliest)
    high = np.floor(piece.ticks(now + LIMIT_SECONDS) + 1e-6).astype(np.int64)
    low, high = np.minimum(low, places), np.maximum(high, places)
    later = np.diff(starts) > 0
    for i in range(len(starts) - 2, -1, -1):
        high[i] = min(high[i], high[i + 1] - int(later[i]))
        low[i] = max(low[i], 0 if later[i] else low[i + 1])
    out = np.clip(wish, low, high)
    for i in range(1, len(starts)):
        out[i] = min(max(out[i], out[i - 1] + 1), high[i]) if later[i - 1] else out[i - 1]
    return np.asarray(out)


def _shifts(w: WrittenStrokes, velocities: np.ndarray, timing: np.ndarray) -> np.ndarray:
    """By how many ticks each note `[E]` moves if nothing stops it."""
    steps = w.grid.row * STEPS + w.grid.step
    leader: dict[int, int] = {}
    for i in np.flatnonzero(w.on).tolist():
        best = leader.setdefault(int(steps[i]), i)
        if (-velocities[i], abs(w.offset[i])) < (-velocities[best], abs(w.offset[best])):
            leader[int(steps[i])] = i
    if not leader:
        return np.zeros(len(steps))
    leaders = np.array([leader[step] for step in sorted(leader)])
    shift = (w.grid.tick + timing * BEATS_PER_UNIT * w.beat - w.places)[leaders]
    own = np.searchsorted(steps[leaders], steps).clip(max=len(leaders) - 1)
    return np.where(w.on, shift[own], np.interp(w.places, w.places[leaders], shift))
