"""A score to `dynamics` contract vectors, and the notes of a piece one after the other as a plugin runs them.

One function, `score_vectors`, builds the 32 floats for training, evaluation and prediction alike. Times are in
quarter notes, as a host counts them, whatever the metre's denominator; notes stand by onset, then pitch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import pi
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.contract_types import Contract
from kmidi_lab.midi.score import PHRASE_BARS, SHORTEST, Floats, Score, metrical_strength
from kmidi_lab.models.dynamics.contract import DYNAMICS
from kmidi_lab.models.dynamics.targets import Performance, targets

if TYPE_CHECKING:
    import torch

HISTORY = DYNAMICS.input("previous_velocities").size
Call = Callable[[np.ndarray], np.ndarray]
_IN = {s.name: s.index for s in DYNAMICS.inputs}
WRITTEN = DYNAMICS.input("written_dynamic").start
_OUT = {s.name: s.index for s in DYNAMICS.outputs}
_LEAP, _OCTAVE = 24.0, 12.0


def score_vectors(
    score: Score,
    velocity: np.ndarray | None = None,
    emotion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
    written: np.ndarray | None = None,
    contract: Contract = DYNAMICS,
) -> np.ndarray:
    """`[N, 32]` float32 of a version of the contract (§3 and §9), every value in -2..4; what is unknown is zero.

    `velocity` `[N]` 1..127 are the velocities as played, of which each note sees the four before it (NaN: the last
    known one); None leaves them zero. `emotion` is valence, arousal, dominance in -1..1 and complexity in 0..1.
    `written` `[N]` 1..127 are the dynamics that the score writes, NaN or None unknown; version 1 has no place for them.
    """
    x = np.zeros((len(score), DYNAMICS.input_size), np.float32)
    if not len(score):
        return x
    highest, lowest, sounding, at = _sounding(score)
    top = score.pitch == highest[at]
    bass = (score.pitch == lowest[at]) & ~top
    before, after = _neighbours(score, np.where(top, 0, np.where(bass, 1, 2)))
    rise, fall = _interval(score.pitch, before), -_interval(score.pitch, after)
    place = score.bar / PHRASE_BARS % 1.0
    span = score.onset[-1] - score.onset[0]
    beat = score.bar % 1.0 * score.bar_quarters / score.beat_quarters

    x[:, _IN["emotion"]] = emotion
    x[:, _IN["pitch"]] = score.pitch[:, None] / 127
    x[:, _IN["interval"]] = rise[:, None]
    x[:, _IN["duration"]] = _length(score.duration)[:, None]
    gaps = [np.where(n >= 0, _length(np.abs(score.onset - score.onset[n])), 0.0) for n in (before, after)]
    x[:, _IN["inter_onset"]] = np.stack(gaps, 1)
    x[:, _IN["beat_phase"]] = _angle(beat)
    x[:, _IN["phrase_phase"]] = _angle(place)
    piece = (score.onset - score.onset[0]) / span if span > 0 else np.zeros(len(score))
    x[:, _IN["position"]] = np.stack([place, piece], 1)
    x[:, _IN["tempo"]] = np.clip((score.tempo - 120) / 60, -2, 4)[:, None]
    x[:, _IN["metre"]] = np.clip(score.bar_quarters / 8, 0, 2)[:, None]
    x[:, _IN["local_peak"]] = ((before >= 0) & (after >= 0) & (rise > 0) & (fall < 0))[:, None]
    x[:, _IN["top_voice"]] = top[:, None]
    x[:, _IN["bass_voice"]] = bass[:, None]
    x[:, _IN["polyphony"]] = np.clip(sounding[at] / 10, 0, 2)[:, None]
    if contract.version == "1":
        x[:, contract.input("metrical_strength").index] = metrical_strength(score)[:, None]
    elif written is not None:
        x[:, WRITTEN] = np.nan_to_num(written) / 127
    x[:, _IN["contour"]] = np.stack(
        [*_follow(rise, before)[::-1], *_follow(fall, after)],
        1,
    )
    if velocity is not None:
        x[:, _IN["previous_velocities"]] = previous_velocities(velocity)
    return x


def previous_velocities(velocity: np.ndarray) -> np.ndarray:
    """`[N, 4]` float32, velocity / 127 of the four notes before, oldest first; zeros before the first note."""
    last = np.maximum.accumulate(np.where(np.isnan(velocity), -1, np.arange(len(velocity))))
    filled = np.where(last >= 0, np.asarray(velocity, np.float64)[last], 0.0) / 127
    padded = np.concatenate([np.zeros(HISTORY), filled])
    return np.stack([padded[k : k + len(velocity)] for k in range(HISTORY)], 1).astype(np.float32)


def free_run(call: Call, pieces: Sequence[np.ndarray]) -> list[np.ndarray]:
    """`[N, 16]` outputs for each `[N, 32]` piece where the previous velocities are the outputs themselves.

    This is what a plugin does. All pieces go side by side, one note a call: `call` maps `[B, 32]` to `[B, 16]`.
    """
    order = sorted(range(len(pieces)), key=lambda i: -len(pieces[i]))
    lengths = np.array([len(pieces[i]) for i in order], np.int64)
    outputs = [np.zeros((len(p), DYNAMICS.output_size), np.float32) for p in pieces]
    history = np.zeros((len(pieces), HISTORY), np.float32)
    for t in range(int(lengths.max(initial=0))):
        alive = int((lengths > t).sum())
        x = np.stack([pieces[i][t] for i in order[:alive]])
        x[:, _IN["previous_velocities"]] = history[:alive]
        y = call(x)
        for row, i in enumerate(order[:alive]):
            outputs[i][t] = y[row]
        history[:alive, :-1] = history[:alive, 1:]
        history[:alive, -1] = y[:, _OUT["velocity"]][:, 0]
    return outputs


def _sounding(score: Score) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """At each distinct onset: highest and lowest sounding pitch and number of notes; and each note's onset number."""
    onsets, at = np.unique(score.onset, return_inverse=True)
    until = np.searchsorted(onsets, np.round(score.onset + score.duration, 6))
    change = np.zeros((len(onsets) + 1, 128), np.int32)
    np.add.at(change, (at, score.pitch), 1)
    np.add.at(change, (until, score.pitch), -1)
    roll = np.cumsum(change[:-1], 0)
    on = roll > 0
    return 127 - on[:, ::-1].argmax(1), on.argmax(1), roll.sum(1), at


def _neighbours(score: Score, voice: np.ndarray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each note's neighbours among the top, the bass or the inner notes.

    The highest at the onset before and after; -1 where there is none.
    """
    before, after = np.full(len(score), -1), np.full(len(score), -1)
    for which in range(3):
        own = np.flatnonzero(voice == which)
        _, group, counts = np.unique(score.onset[own], return_inverse=True, return_counts=True)
        last = own[np.cumsum(counts) - 1] if len(own) else own
        before[own] = np.concatenate([[-1], last])[group]
        after[own] = np.concatenate([last[1:], [-1]])[group]
    return before, after


def _interval(pitch: np.ndarray, other: np.ndarray) -> Floats:
    """Up from the other note, in octaves, clipped to two; 0 where there is none."""
    return np.where(other >= 0, np.clip(pitch - pitch[other], -_LEAP, _LEAP), 0.0) / _OCTAVE


def _follow(interval: Floats, neighbour: np.ndarray) -> list[Floats]:
    """The interval at a note, at its neighbour and at the neighbour's."""
    out, at = [interval], neighbour
    for _ in range(2):
        out.append(np.where(at >= 0, interval[at], 0.0))
        at = np.where(at >= 0, neighbour[at], -1)
    return out


def _length(quarters: np.ndarray) -> Floats:
    return np.clip(np.log2(np.maximum(quarters, SHORTEST)), -4, 4) / 4


def _angle(turns: np.ndarray) -> Floats:
    return np.stack([np.sin(2 * pi * turns), np.cos(2 * pi * turns)], 1)


@dataclass(frozen=True)
class EncodedPiece:
    """One performance as arrays: `x` `[N, 32]` with the velocities as played, `y` and `mask` `[N, 16]` float32.

    `written` says that `x` holds dynamics that the score writes.
    """

    x: np.ndarray
    y: np.ndarray
    mask: np.ndarray
    piece: str
    source: str
    written: bool = False


def encode(performance: Performance, contract: Contract = DYNAMICS) -> EncodedPiece:
    """Inputs and targets of one performance; slices that it says are unknown are zero or masked."""
    p = performance
    x = score_vectors(p.score, p.played.velocity, written=p.written, contract=contract)
    y, mask = targets(p.score, p.played)
    written = contract.version != "1" and bool(np.isfinite(p.written).any())
    for name in p.unknown:
        if name in _OUT:
            y[:, _OUT[name]], mask[:, _OUT[name]] = 0, False
        elif name in (own := {s.name: s.index for s in contract.inputs}):
            x[:, own[name]] = 0
    return EncodedPiece(x, y, mask.astype(np.float32), p.piece, p.source, written)


class DynamicsBatch(NamedTuple):
    """Notes: `x` `[B, 32]`; `y` `[B, 16]` in 0..1; `mask` `[B, 16]` is 1 where `y` has evidence, else 0."""

    x: torch.Tensor
    y: torch.Tensor
    mask: torch.Tensor
