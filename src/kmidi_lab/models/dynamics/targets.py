"""A score and how it was played: targets of the `dynamics` contract, and outputs as what is played."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.midi.score import PHRASE_BARS, Floats, Score
from kmidi_lab.models.dynamics.contract import DYNAMICS

CURVE = DYNAMICS.output("velocity_curve").size
FULL_SCALE_SECONDS = 0.1
"""What the timing output spans, from -50 to +50 ms."""
_OUT = {s.name: s.index for s in DYNAMICS.outputs}
_ATTACK_SPAN, _ATTACK_SCALE = 4, 64.0
_PHRASE_NOTES = 4


@dataclass(frozen=True)
class PerformedNotes:
    """How each note of a score was played, arrays `[N]`, NaN where nothing is known.

    `velocity` 1..127; `timing` seconds after the beat grid; `articulation` sounding over notated duration; `pedal`
    share of the sounding time under the sustain pedal.
    """

    velocity: Floats
    timing: Floats
    articulation: Floats
    pedal: Floats


def targets(score: Score, played: PerformedNotes) -> tuple[np.ndarray, np.ndarray]:
    """(`[N, 16]` float32 in 0..1, `[N, 16]` bool: where there is evidence). Definitions are in docs/dynamics.md."""
    y = np.full((len(score), DYNAMICS.output_size), np.nan)
    v = played.velocity / 127
    y[:, _OUT["velocity"]] = v[:, None]
    padded = np.concatenate([v, np.full(CURVE, np.nan)])
    y[:, _OUT["velocity_curve"]] = np.stack([padded[k : k + len(v)] for k in range(1, CURVE + 1)], 1)
    y[:, _OUT["attack"]] = np.clip(0.5 + (v - _local_mean(v)) * 127 / _ATTACK_SCALE, 0, 1)[:, None]
    y[:, _OUT["release"]] = np.clip(played.articulation, 0, 1)[:, None]
    spread, compression = _phrases(score, v)
    y[:, _OUT["dynamic_range"]] = spread[:, None]
    y[:, _OUT["compression"]] = compression[:, None]
    y[:, _OUT["timing"]] = np.clip(0.5 + played.timing / FULL_SCALE_SECONDS, 0, 1)[:, None]
    y[:, _OUT["pedal"]] = np.clip(played.pedal, 0, 1)[:, None]
    mask = np.isfinite(y)
    return np.where(mask, y, 0.0).astype(np.float32), mask


@dataclass(frozen=True)
class Expression:
    """Outputs as a player needs them, arrays `[N]`: `velocity` 1..127, `shift` seconds, `length` 0..1, `pedal` bool."""

    velocity: NDArray[np.int64]
    shift: Floats
    length: Floats
    pedal: NDArray[np.bool_]


def decode(y: np.ndarray) -> Expression:
    """`[N, 16]` outputs to what is played."""
    velocity = np.clip(np.rint(y[:, _OUT["velocity"]][:, 0] * 127), 1, 127).astype(np.int64)
    shift = (y[:, _OUT["timing"]][:, 0].astype(np.float64) - 0.5) * FULL_SCALE_SECONDS
    length = np.clip(y[:, _OUT["release"]][:, 0].astype(np.float64), 0, 1)
    return Expression(velocity, shift, length, y[:, _OUT["pedal"]][:, 0] > 0.5)


def _local_mean(v: Floats) -> Floats:
    """Mean of the known velocities from four notes before to four after."""
    measured = np.isfinite(v)
    at = np.arange(len(v))
    first, last = np.maximum(at - _ATTACK_SPAN, 0), np.minimum(at + _ATTACK_SPAN + 1, len(v))
    total = np.concatenate([[0.0], np.cumsum(np.where(measured, v, 0.0))])
    count = np.concatenate([[0], np.cumsum(measured)])
    return (total[last] - total[first]) / np.maximum(count[last] - count[first], 1)


def _phrases(score: Score, v: Floats) -> tuple[Floats, Floats]:
    """Dynamic range of each note's phrase, and how much flatter it is than the piece.

    NaN in phrases of under four notes with a velocity.
    """
    spread, compression = np.full(len(v), np.nan), np.full(len(v), np.nan)
    measured = np.isfinite(v)
    if measured.sum() < _PHRASE_NOTES:
        return spread, compression
    whole = np.ptp(np.percentile(v[measured], (5, 95)))
    phrase = np.floor(score.bar / PHRASE_BARS)
    for number in np.unique(phrase):
        inside = phrase == number
        if (inside & measured).sum() >= _PHRASE_NOTES:
            own = np.ptp(np.percentile(v[inside & measured], (5, 95)))
            spread[inside] = own
            compression[inside] = 1 - min(1.0, own / whole) if whole > 0 else 0.0
    return spread, compression


@dataclass(frozen=True)
class Performance:
    """One performance of one piece.

    `piece` names the piece over all its performances; `id` is unique; `unknown` names
    the contract's slices that the source says nothing of. `written` `[N]` are the dynamics that the score writes, as
    velocities, NaN where it writes none.
    """

    id: str
    piece: str
    source: str
    score: Score
    played: PerformedNotes
    written: Floats
    unknown: tuple[str, ...] = ()

    @property
    def matched_notes(self) -> int:
        """Notes whose velocity is known."""
        return int(np.isfinite(self.played.velocity).sum())


def nothing_written(score: Score) -> Floats:
    """`[N]` NaN: a score without dynamics."""
    return np.full(len(score), np.nan)


def at_tempo(score: Score, tempo: float) -> Score:
    """The same notes at one tempo, as a host plays them."""
    return replace(score, tempo=np.full(len(score), tempo))
