"""The part of a drummer's playing that no pattern shows, drawn: velocities and timing with the spread of real takes.

The model gives what is likely for each step. What drummers add has three parts, all normally distributed here: how loud
each voice is through a take, habits, which stay the same on a step of the bar through a take, and chance, stroke by
stroke. The figures are those of the released model's errors on validation takes, rounded, and adjusted so that drawn
takes have the spread of real ones there: `benchmarks/groove_spread.py` compares them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kmidi_lab.midi.piece import VOICES
from kmidi_lab.midi.styles import LEAD_MS
from kmidi_lab.models.groove.features import BEATS_PER_UNIT, STEPS


@dataclass(frozen=True)
class Spread:
    """Standard deviations of what the model leaves open.

    `level` is from take to take, `habit` from take to take on one step, `chance` from stroke to stroke. Velocities are
    in 0..127, each `[3]` by voice, `mean` is what a voice lies above the model's velocity for its step; timing is in
    milliseconds, the same for all voices of a step.
    """

    mean: tuple[float, float, float]
    level: tuple[float, float, float]
    habit: tuple[float, float, float]
    chance: tuple[float, float, float]
    timing_habit: float
    timing_chance: float


SOFTEST = 15
"""No stroke is drawn softer: nothing below is heard as one."""
DRUMMERS = Spread((-2.0, 0.0, 0.0), (22.0, 16.0, 14.0), (8.0, 19.0, 16.0), (11.0, 23.0, 21.0), 7.0, 13.5)


def drawn_velocities(
    predicted: np.ndarray, step: np.ndarray, voice: np.ndarray, rng: np.random.Generator, spread: Spread = DRUMMERS
) -> np.ndarray:
    """MIDI velocities `[E]`, 15..127, of strokes whose steps have the model's velocities `predicted` `[E]`, 0..1.

    Args:
        predicted: of each stroke's step.
        step: `[E]`, 0..15.
        voice: `[E]`, index into VOICES.
        rng: draws habits, then chance, then levels.
        spread: what the model leaves open.
    """
    habit = rng.standard_normal((STEPS, len(VOICES))) * spread.habit
    chance = rng.standard_normal(len(step)) * np.asarray(spread.chance)[voice]
    level = spread.mean + rng.standard_normal(len(VOICES)) * spread.level
    wish = 127 * predicted + level[voice] + habit[step, voice] + chance
    return np.clip(np.rint(wish), SOFTEST, 127).astype(np.int64)


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
