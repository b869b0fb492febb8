"""The part of a drummer's playing that no pattern shows, drawn: velocities and timing with the spread of real takes.

The model gives what is likely for each step. What drummers add has three parts, all normally distributed here: how loud
each voice is through a take, habits, which stay the same on a step of the bar through a take, and chance, stroke by
stroke. Chance is small where a voice plays a step in every bar, above all on the backbeat, and large for a stroke that the
bars around lack: so it is with Groove MIDI's drummers. The figures are those of the released model's errors on validation
takes, rounded, and adjusted so that drawn takes have the spread of real ones there: `benchmarks/groove_spread.py`
compares them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kmidi_lab.midi.piece import VOICES
from kmidi_lab.midi.styles import LEAD_MS
from kmidi_lab.models.groove.features import BEATS_PER_UNIT, read_outputs
from kmidi_lab.models.groove.grid import STEPS


@dataclass(frozen=True)
class Spread:
    """Standard deviations of what the model leaves open.

    `level` is from take to take, `habit` from take to take on one step; steps eight apart, such as 2 and 4, have the share
    `halves` of its variance in common. From stroke to stroke it is `chance` on a step that the voice plays in no bar around,
    `steady` on one that it plays in all of them (`steadiness`), and `backbeat` where that is the snare's 2 or 4. Velocities
    are in 0..127, `[3]` by voice, `mean` is what a voice lies above the model's velocity for its step; timing is in
    milliseconds, the same for all voices of a step.
    """

    mean: tuple[float, float, float]
    level: tuple[float, float, float]
    habit: tuple[float, float, float]
    halves: tuple[float, float, float]
    chance: tuple[float, float, float]
    steady: tuple[float, float, float]
    backbeat: float
    timing_habit: float
    timing_chance: float


SOFTEST = 15
"""No stroke is drawn softer: nothing below is heard as one."""
DRUMMERS = Spread(
    mean=(-2.0, 0.0, 0.0), level=(22.0, 16.0, 14.0), habit=(7.0, 22.0, 17.0), halves=(0.0, 0.97, 0.6),
    chance=(20.0, 36.0, 29.0), steady=(8.0, 22.0, 21.0), backbeat=9.5, timing_habit=7.0, timing_chance=13.5,
)  # fmt: skip
_AROUND = 4
"""Bars before and after by which a stroke is steady."""


def drawn_velocities(
    predicted: np.ndarray, row: np.ndarray, step: np.ndarray, voice: np.ndarray, rng: np.random.Generator,
    spread: Spread = DRUMMERS,
) -> np.ndarray:  # fmt: skip
    """MIDI velocities `[E]`, 15..127, of strokes whose steps have the model's velocities `predicted` `[E]`, 0..1.

    Args:
        predicted: of each stroke's step.
        row: `[E]`, the bar.
        step: `[E]`, 0..15.
        voice: `[E]`, index into VOICES.
        rng: draws habits, then chance, then levels.
        spread: what the model leaves open.
    """
    half = np.tile(rng.standard_normal((STEPS // 2, len(VOICES))), (2, 1)) * np.sqrt(spread.halves)
    own = rng.standard_normal((STEPS, len(VOICES))) * np.sqrt(1 - np.asarray(spread.halves))
    habit = (half + own) * spread.habit
    steady = np.tile(spread.steady, (STEPS, 1))
    steady[[4, 12], VOICES.index("mid")] = spread.backbeat
    rare, share = np.asarray(spread.chance)[voice], steadiness(row, step, voice)
    chance = rng.standard_normal(len(step)) * (rare + share * (steady[step, voice] - rare))
    level = spread.mean + rng.standard_normal(len(VOICES)) * spread.level
    wish = 127 * predicted + level[voice] + habit[step, voice] + chance
    return np.clip(np.rint(wish), SOFTEST, 127).astype(np.int64)


def steadiness(row: np.ndarray, step: np.ndarray, voice: np.ndarray) -> np.ndarray:
    """In which share, 0..1, of the bars within four of each stroke's its voice plays the step, too; `[E]`.

    Its own bar and bars without a stroke do not count. A stroke without any other bar around is steady.
    """
    bars = int(row.max(initial=0)) + 1
    hit = np.zeros((bars + 2 * _AROUND, STEPS, len(VOICES)))
    hit[row + _AROUND, step, voice] = 1
    windows = np.lib.stride_tricks.sliding_window_view(hit, 2 * _AROUND + 1, 0)
    others = windows.any((1, 2)).sum(-1) - 1
    same = windows.sum(-1)[row, step, voice] - 1
    return np.where(others[row] > 0, same / np.maximum(others[row], 1), 1.0)


def played_bars(
    outputs: np.ndarray, row: np.ndarray, step: np.ndarray, timing: np.ndarray, velocity: np.ndarray
) -> np.ndarray:
    """`[T, 32]`: the model's outputs `[T, 32]` with what was drawn on each step that has strokes, the mean of several.

    Args:
        outputs: what the model said of the bars.
        row: `[E]`, the bar of each stroke.
        step: `[E]`, 0..15.
        timing: `[E]`, -1..1 of half a sixteenth, less what the style adds by rule.
        velocity: `[E]`, 1..127.
    """
    bars, place = np.array(outputs, float), (row, step)
    count = np.zeros((len(bars), STEPS))
    np.add.at(count, place, 1)
    for part, values in zip(read_outputs(bars), (np.clip(timing, -1, 1), velocity / 127), strict=True):
        sums = np.zeros_like(count)
        np.add.at(sums, place, values)
        part[count > 0] = (sums / np.maximum(count, 1))[count > 0]
    return bars


def later(style: str, bpm: np.ndarray) -> np.ndarray:
    """Timing `[E]`, in half sixteenths, that drums of a style are later by rule at a tempo `bpm` `[E]`; 0 of most styles."""
    return np.asarray(LEAD_MS.get(style, 0.0) * bpm / 60_000 / BEATS_PER_UNIT)


def drawn_timing(
    predicted: np.ndarray, row: np.ndarray, step: np.ndarray, bpm: np.ndarray, rng: np.random.Generator,
    spread: Spread = DRUMMERS,
) -> np.ndarray:  # fmt: skip
    """Timing `[E]`, -1..1 of half a sixteenth, given the model's; strokes of one step of one bar have one timing.

    Args:
        predicted: of each stroke's step.
        row: `[E]`, the bar.
        step: `[E]`, 0..15.
        bpm: `[E]`, at each stroke.
        rng: draws habits, then chance.
        spread: what the model leaves open.
    """
    habit = rng.standard_normal(STEPS) * spread.timing_habit
    count = int(row.max(initial=-1)) + 1
    ms = habit + rng.standard_normal((count, STEPS)) * spread.timing_chance
    return np.asarray(np.clip(predicted + ms[row, step] * bpm / 60_000 / BEATS_PER_UNIT, -1, 1))
