"""Drum bars on a grid of sixteenths, and as `groove` contract vectors (contract.md §3, §4) and back.

The input says which voice plays on which sixteenth and nothing of how: strength is 1 or 0, since a caller who wants a
pattern humanised has no played velocities to give, and any part of them would leak what is to be predicted. Swing
comes from the style's name, never from the timing of the bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kmidi_lab.midi import styles
from kmidi_lab.midi.piece import VOICES
from kmidi_lab.models.groove.contract import GROOVE

if TYPE_CHECKING:
    import torch

STEPS = 16
STEPS_PER_BEAT = 4
TIMING_TICKS, TIMING_PPQ = 60, 480
"""Timing 1.0 is this many ticks: half a sixteenth."""
BEATS_PER_UNIT = TIMING_TICKS / TIMING_PPQ
UNIT_MS = 62.5
"""Timing 1.0 at 120 bpm: what the training loss measures timing in."""
TIMING_DELTA, VELOCITY_DELTA = 0.5, 0.3
"""Huber deltas: where the training loss turns from square to straight, in `UNIT_MS` and in velocity."""
PHRASE_BARS = 8
SLOWEST, FASTEST = 30.0, 300.0
SWING, STYLES = styles.SWING, styles.STYLES
_IN = {s.name: s.index for s in GROOVE.inputs}
_TIMING, _VELOCITY = GROOVE.output("timing").index, GROOVE.output("velocity").index


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


def bar_vectors(
    hit: np.ndarray, style: str | None, bpm: float | np.ndarray, swing: float | None = None, phrased: bool = True
) -> np.ndarray:
    """`[T, 64]` float32 of the consecutive bars `hit` `[T, 16, 3]`; what is unknown stays zero.

    `style` is one of `STYLES`; `swing` None is the style's own. `bpm`, one or `[T]`, is held to 30..300. The mood is
    never known here.
    """
    x = np.zeros((len(hit), GROOVE.input_size), np.float32)
    x[:, _IN["onsets"]] = np.asarray(hit, np.float32).reshape(len(hit), -1)
    if style is not None:
        x[:, _IN["style"].start + STYLES.index(style)] = 1.0
        x[:, _IN["swing"]] = SWING[style] if swing is None else swing
    x[:, _IN["tempo"].start] = (np.clip(bpm, SLOWEST, FASTEST) - 120) / 60
    if phrased:
        angle = 2 * np.pi * np.arange(len(hit)) / PHRASE_BARS
        x[:, _IN["phrase_position"]] = np.stack([np.sin(angle), np.cos(angle)], 1)
    return x


def read_outputs(outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`[.., 32]` to timing `[.., 16]` in -1..1 of half a sixteenth and velocity `[.., 16]` in 0..1."""
    return outputs[..., _TIMING], outputs[..., _VELOCITY]


def milliseconds(bpm: np.ndarray | float) -> np.ndarray:
    """What timing 1.0 lasts at a tempo."""
    return np.asarray(60_000 * BEATS_PER_UNIT / np.asarray(bpm, np.float64))


@dataclass(frozen=True)
class EncodedPerformances:
    """Arrays over the bars of many performances, each performance's bars in a row.

    `x` `[N, 64]`; `hit`, `timing`, `velocity` `[N, 16, 3]`; `bpm` `[N]`; `style` `[N]` index into STYLES; `song` `[N]`
    index of the performance; `starts` `[S + 1]` the first bar of each, and N. `latency` `[N]` is the median timing of
    the bar's take: how late the drummer and the recording are as a whole, which no pattern shows.
    """

    x: np.ndarray
    hit: np.ndarray
    timing: np.ndarray
    velocity: np.ndarray
    bpm: np.ndarray
    style: np.ndarray
    song: np.ndarray
    starts: np.ndarray
    latency: np.ndarray

    def centred(self) -> EncodedPerformances:
        """The same with each take's latency taken out of its timing."""
        timing = (self.timing - self.latency[:, None, None]) * self.hit
        return replace(self, timing=timing.astype(np.float32), latency=np.zeros_like(self.latency))

    def levelled(self, share: float) -> EncodedPerformances:
        """The same with each take's mean velocity brought nearer to that of all strokes, by a share of the distance, 0..1."""
        strokes = self.hit.sum((1, 2))
        count, total = (np.bincount(self.song, w, len(self.starts) - 1) for w in (strokes, self.velocity.sum((1, 2))))
        off = (total / np.maximum(count, 1) - total.sum() / max(1, count.sum()))[self.song]
        velocity = np.clip(self.velocity - share * off[:, None, None], 0, 1) * self.hit
        return replace(self, velocity=velocity.astype(np.float32))


def encode_performances(performances: Sequence[Performance]) -> EncodedPerformances:
    """Contract vectors and targets of every bar."""
    x = [bar_vectors(p.bars.hit, p.style, p.bpm, p.swing, p.phrased) for p in performances]
    lengths = np.array([len(v) for v in x], np.int64)
    grids = [np.zeros((0, STEPS, len(VOICES)))]
    return EncodedPerformances(
        np.concatenate([np.zeros((0, GROOVE.input_size), np.float32), *x]),
        np.concatenate([*grids, *(p.bars.hit for p in performances)]).astype(bool),
        np.concatenate([*grids, *(p.bars.timing for p in performances)]).astype(np.float32),
        np.concatenate([*grids, *(p.bars.velocity for p in performances)]).astype(np.float32),
        np.repeat([p.bpm for p in performances], lengths).astype(np.float32),
        np.repeat([STYLES.index(p.style) for p in performances], lengths).astype(np.int64),
        np.repeat(np.arange(len(performances)), lengths),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        np.repeat([_latency(p.bars) for p in performances], lengths).astype(np.float32),
    )


def _latency(bars: Bars) -> float:
    return float(np.median(bars.timing[bars.hit])) if bars.hit.any() else 0.0


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


class GrooveBatch(NamedTuple):
    """Sequences of bars.

    `x` `[B, T, 64]`; `timing`, `velocity` `[B, T, 16, 3]` with weight 1 where `hit`; `tempo` `[B, T]`
    is 120 / bpm, by which timing is longer than at 120.
    """

    x: torch.Tensor
    timing: torch.Tensor
    velocity: torch.Tensor
    hit: torch.Tensor
    tempo: torch.Tensor
