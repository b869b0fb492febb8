"""Drum bars as `groove` contract vectors (contract.md §3, §4) and back.

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
from kmidi_lab.models.groove.grid import STEPS, Bars, Performance

if TYPE_CHECKING:
    import torch

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
