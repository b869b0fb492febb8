"""Drum strokes on a grid of sixteenths: bars, where they begin in a file of any metre, and the style that they look like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kmidi_lab.midi.piece import VOICES

STEPS = 16
STEPS_PER_BEAT = 4


@dataclass(frozen=True)
class Bars:
    """T bars in 4/4. `hit` `[T, 16, 3]` bool; `timing` -1..1 (half sixteenths) and `velocity` 0..1, zero without a hit.

    `merged` counts strokes dropped since a louder one of the same voice fell on the same step.
    """

    hit: np.ndarray
    timing: np.ndarray
    velocity: np.ndarray
    merged: int = 0


@dataclass(frozen=True)
class Performance:
    """Consecutive bars of one take. `kind` is beat or fill; `phrased` says that bar 0 begins a phrase.

    `style` is one of `STYLES`, `swing` 0..1 what the annotation says, `bpm` quarter notes a minute.
    """

    id: str
    source: str
    kind: str
    style: str
    swing: float
    bpm: float
    phrased: bool
    bars: Bars


def nearest_steps(ticks: np.ndarray, ticks_per_quarter: int) -> tuple[np.ndarray, np.ndarray]:
    """Sixteenths counted from tick 0, and how far off each onset is, in -1..1 of half a sixteenth.

    Half way between two steps belongs to the later one (-1): a stroke pushed before the bar line is the next bar's.
    """
    position = np.asarray(ticks, np.float64) * STEPS_PER_BEAT / ticks_per_quarter
    steps = np.floor(position + 0.5)
    return steps.astype(np.int64), (position - steps) * 2


@dataclass(frozen=True)
class Grid:
    """Where onsets `[E]` lie on the sixteenths of a file: `row` and `step` 0..15 of the model's bar, `tick` of that step.

    `lines` `[T]` are the ticks at which the model's bars begin. A model's bar lasts four quarters: a bar of 4/4 or 2/2,
    two of 2/4. It is cut short where the metre changes.
    """

    row: np.ndarray
    step: np.ndarray
    tick: np.ndarray
    lines: np.ndarray


def grid_of(ticks: np.ndarray, metres: np.ndarray, ticks_per_quarter: int, beat: float | None = None) -> Grid:
    """Onsets in ticks on the grid of a file with these metres `[K, 3]` (tick, numerator, denominator), whatever they are.

    `beat` is what the model takes for a quarter, in ticks; None is a quarter.
    """
    first = _first_lines(metres, ticks_per_quarter)
    beat = ticks_per_quarter if beat is None else beat
    grid, bar = beat / STEPS_PER_BEAT, STEPS * beat / STEPS_PER_BEAT
    at = np.maximum(np.searchsorted(first - grid / 2, ticks, side="right") - 1, 0)
    steps = np.floor((ticks - first[at]) / grid + 0.5).astype(np.int64)
    before = np.append(0, np.cumsum(np.ceil(np.diff(first) / bar - 1e-9))).astype(np.int64)
    row = before[at] + steps // STEPS
    rows = np.arange(int(row.max(initial=-1)) + 1)
    segment = np.searchsorted(before, rows, side="right") - 1
    return Grid(row, steps % STEPS, first[at] + steps * grid, first[segment] + (rows - before[segment]) * bar)


def _first_lines(metres: np.ndarray, ticks_per_quarter: int) -> np.ndarray:
    """Ticks where the count of bars begins anew: 0 and each change of metre, but not where the same metre is named again."""
    lines, bar = [0.0], 0.0
    named = (0, 0)
    for tick, numerator, denominator in metres.tolist():
        again = (numerator, denominator) == named and (tick - lines[-1]) % bar == 0
        named, bar = (numerator, denominator), 4 * ticks_per_quarter * numerator / denominator
        if tick > 0 and not again:
            lines.append(float(tick))
    return np.array(lines)


def bars_of(ticks: np.ndarray, voices: np.ndarray, velocities: np.ndarray, ticks_per_quarter: int) -> Bars:
    """Onsets `[E]` in ticks from the first bar line, voices 0..2 and velocities 1..127 as bars, from the first bar on.

    Of two strokes of one voice on one step the louder stays, of equal ones the nearer to the step, then the earlier.
    """
    steps, offsets = nearest_steps(ticks, ticks_per_quarter)
    count = int(steps.max()) // STEPS + 1 if len(steps) else 0
    hit = np.zeros((count * STEPS, len(VOICES)), bool)
    timing, velocity = np.zeros(hit.shape, np.float32), np.zeros(hit.shape, np.float32)
    for i in np.lexsort((-np.asarray(ticks), -np.abs(offsets), velocities)):  # the last one written stays
        at = steps[i], voices[i]
        hit[at], timing[at], velocity[at] = True, offsets[i], velocities[i] / 127
    shape = (count, STEPS, len(VOICES))
    return Bars(hit.reshape(shape), timing.reshape(shape), velocity.reshape(shape), len(steps) - int(hit.sum()))


def suggested_style(hit: np.ndarray) -> str:
    """The style that a pattern `[T, 16, 3]` looks like by its rhythm alone: shuffle, swing, funk or straight.

    On a grid of sixteenths a swung off-beat falls on the last sixteenth of its beat with nothing on the third. Where
    that is the rule, bass drum and snare on the beats make a shuffle, else it swings; strokes of the snare off
    the eighths make funk.
    """
    beats = hit.reshape(-1, STEPS_PER_BEAT, len(VOICES))
    any_voice = np.asarray(beats.any(2))
    swung = int((any_voice[:, 3] & ~any_voice[:, 2] & ~any_voice[:, 1]).sum())
    even = int(any_voice[:, 2].sum())
    if swung > even:
        return "shuffle" if beats[:, 0, :2].any(1).mean() > 0.75 else "swing"
    ghosts = beats[:, [1, 3], VOICES.index("mid")].sum()
    return "funk" if ghosts / max(1, len(hit)) >= 1 else "straight"
