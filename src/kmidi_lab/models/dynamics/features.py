"""A score to `dynamics` contract vectors, a performance of it to targets, and the outputs back to numbers to play.

One function, `score_vectors`, builds the 32 floats for training, evaluation and prediction alike. Times are in
quarter notes, as a host counts them, whatever the metre's denominator; notes stand by onset, then pitch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kmidi_lab.midi.score import PHRASE_BARS, SHORTEST, Floats, Score, metrical_strength

if TYPE_CHECKING:
    import torch


from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.contracts import DYNAMICS

HISTORY = DYNAMICS.input("previous_velocities").size
CURVE = DYNAMICS.output("velocity_curve").size
FULL_SCALE_SECONDS = 0.1
"""What the timing output spans, from -50 to +50 ms."""
Call = Callable[[np.ndarray], np.ndarray]
_IN = {s.name: s.index for s in DYNAMICS.inputs}
_OUT = {s.name: s.index for s in DYNAMICS.outputs}
_LEAP, _OCTAVE = 24.0, 12.0
_ATTACK_SPAN, _ATTACK_SCALE = 4, 64.0
_PHRASE_NOTES = 4


@dataclass(frozen=True)
class Performed:
    """How each note of a score was played, arrays `[N]`, NaN where nothing is known.

    `velocity` 1..127; `timing` seconds after the beat grid; `articulation` sounding over notated duration; `pedal`
    share of the sounding time under the sustain pedal.
    """

    velocity: Floats
    timing: Floats
    articulation: Floats
    pedal: Floats


def score_vectors(
    score: Score,
    velocity: np.ndarray | None = None,
    emotion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
) -> np.ndarray:
    """`[N, 32]` float32 (contract.md §3), every value in -2..4; what is unknown is zero.

    `velocity` `[N]` 1..127 are the velocities as played, of which each note sees the four before it (NaN: the last
    known one); None leaves them zero. `emotion` is valence, arousal, dominance in -1..1 and complexity in 0..1.
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
    x[:, _IN["metrical_strength"]] = metrical_strength(score)[:, None]
    x[:, _IN["contour"]] = np.stack(
        [*_follow(rise, before)[::-1], *_follow(fall, after)],
        1,
    )
    if velocity is not None:
        x[:, _IN["previous_velocities"]] = previous_velocities(velocity)
    return x


def previous_velocities(velocity: np.ndarray) -> np.ndarray:
    """`[N, 4]` float32, velocity / 127 of the four notes before, oldest first; zeros before the first note."""
    known = np.maximum.accumulate(np.where(np.isnan(velocity), -1, np.arange(len(velocity))))
    filled = np.where(known >= 0, np.asarray(velocity, np.float64)[known], 0.0) / 127
    padded = np.concatenate([np.zeros(HISTORY), filled])
    return np.stack([padded[k : k + len(velocity)] for k in range(HISTORY)], 1).astype(np.float32)


def targets(score: Score, played: Performed) -> tuple[np.ndarray, np.ndarray]:
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
    """Each note's neighbours among the top, the bass or the inner notes: the highest at the onset before and after; -1
    where there is none."""
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


def _local_mean(v: Floats) -> Floats:
    """Mean of the known velocities from four notes before to four after."""
    known = np.isfinite(v)
    at = np.arange(len(v))
    first, last = np.maximum(at - _ATTACK_SPAN, 0), np.minimum(at + _ATTACK_SPAN + 1, len(v))
    total = np.concatenate([[0.0], np.cumsum(np.where(known, v, 0.0))])
    count = np.concatenate([[0], np.cumsum(known)])
    return (total[last] - total[first]) / np.maximum(count[last] - count[first], 1)


def _phrases(score: Score, v: Floats) -> tuple[Floats, Floats]:
    """Dynamic range of each note's phrase, and how much flatter it is than the piece; NaN in phrases of under four
    known notes."""
    spread, compression = np.full(len(v), np.nan), np.full(len(v), np.nan)
    known = np.isfinite(v)
    if known.sum() < _PHRASE_NOTES:
        return spread, compression
    whole = np.ptp(np.percentile(v[known], (5, 95)))
    phrase = np.floor(score.bar / PHRASE_BARS)
    for number in np.unique(phrase):
        inside = phrase == number
        if (inside & known).sum() >= _PHRASE_NOTES:
            own = np.ptp(np.percentile(v[inside & known], (5, 95)))
            spread[inside] = own
            compression[inside] = 1 - min(1.0, own / whole) if whole > 0 else 0.0
    return spread, compression


@dataclass(frozen=True)
class EncodedPiece:
    """One performance as arrays: `x` `[N, 32]` with the velocities as played, `y` and `known` `[N, 16]` float32."""

    x: np.ndarray
    y: np.ndarray
    known: np.ndarray
    piece: str
    source: str


def encode(score: Score, played: Performed, piece: str, source: str, unknown: Sequence[str] = ()) -> EncodedPiece:
    """Inputs and targets of one performance; slices that `unknown` names are zero or masked."""
    x = score_vectors(score, played.velocity)
    y, known = targets(score, played)
    for name in unknown:
        if name in _IN:
            x[:, _IN[name]] = 0
        else:
            y[:, _OUT[name]], known[:, _OUT[name]] = 0, False
    return EncodedPiece(x, y, known.astype(np.float32), piece, source)


class DynamicsBatch(NamedTuple):
    """Notes: `x` `[B, 32]`; `y` `[B, 16]` in 0..1; `known` `[B, 16]` is 1 where `y` has evidence, else 0."""

    x: torch.Tensor
    y: torch.Tensor
    known: torch.Tensor
