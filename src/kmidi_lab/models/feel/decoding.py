"""From the outputs of every frame to a tempo, beats and a metre. Without PyTorch, for prediction and scoring alike."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.mel import FRAME_S
from kmidi_lab.models.feel.contract import FEEL
from kmidi_lab.models.feel.features import BINS, FASTEST, SLOWEST, bpm_of, seconds_at

Array = NDArray[np.float64]
WARM_UP = 128
"""Frames after a reset whose tempo and values are left out: nothing tells a tempo in two seconds."""
_TEMPO = FEEL.output("tempo").index
BEAT, _DOWNBEAT = FEEL.output("beat").start, FEEL.output("downbeat").start
_TIGHTNESS = 150.0
"""How much a beat costs that is off the period: the square of the logarithm of the ratio, times this."""
_FINER = 8
"""Tempos that are tried for each bin."""
PLACES = np.linspace(0, BINS - 1, _FINER * BINS)
"""Their places among the bins."""
_TEMPOS = np.array([bpm_of(place) for place in PLACES])
_BETWEEN = np.maximum(0, 1 - np.abs(np.arange(BINS)[:, None] - PLACES))
"""`[32, 256]`: what each bin counts at each of them, so that shares are interpolated."""
_MULTIPLES = (1, 2, 4)
"""Periods of a tempo that beats are compared over."""
_TRUST, _LEAST = 0.25, 1e-4
"""Power that the tempo's own output counts with beside the beats, and what no tempo is less likely than."""
_METRES = (4, 3)
_THREE_BY = 0.05
"""How much more of a difference a bar of three must make than one of four."""
_FEWEST, _NEAR = 6, 0.08


class Pulse(NamedTuple):
    """`tempo` quarter notes a minute; `beats` seconds; `metre` beats of a bar, `first` the first beat that begins one.

    `triple` is how much more bars of three stand out than bars of four, -1..1.
    """

    tempo: float
    beats: Array
    metre: int
    first: int
    triple: float

    @property
    def downbeats(self) -> Array:
        """Seconds of the first beats of bars."""
        return self.beats[self.first :: self.metre]


def pulse(outputs: NDArray[np.floating]) -> Pulse:
    """The tempo and the beats of outputs `[T, 64]`, all of one sound from a reset on."""
    activation = beat_activation(outputs[:, [BEAT, _DOWNBEAT]])
    tempo = tempo_of_both(tempo_shares(outputs), activation[:, 0])
    frames = beat_frames(activation[:, 0], 60 / tempo / FRAME_S)
    beats = seconds_at(frames)
    if len(beats) >= _FEWEST:
        slope = float(np.polyfit(np.arange(len(beats)), beats, 1)[0])
        finer = 60 / slope if slope > 0 else tempo
        tempo = finer if abs(finer / tempo - 1) < _NEAR else tempo
    return Pulse(tempo, beats, *metre_of(activation[frames, 1] if len(frames) else np.zeros(0)))


def tempo_shares(outputs: NDArray[np.floating]) -> Array:
    """`[32]`: how likely each tempo is, from the mean of the logits behind the first two seconds."""
    logits = np.asarray(outputs[min(WARM_UP, len(outputs) - 1) :, _TEMPO], np.float64).mean(0)
    p = np.exp(logits - logits.max())
    return np.asarray(p / p.sum())


def tempo_of(shares: NDArray[np.floating]) -> float:
    """Quarter notes a minute: between the likeliest bin and those beside it."""
    top = int(np.argmax(shares))
    near = np.arange(max(0, top - 1), min(BINS, top + 2))
    return bpm_of(float(np.average(near, weights=shares[near] + 1e-12)))


def tempo_of_both(shares: NDArray[np.floating], activation: Array) -> float:
    """The tempo that is likely by its own output `[32]` and whose period the beats' activation `[T]` repeats at."""
    return float(_TEMPOS[np.argmax(tempo_chances(shares, repeats_of(activation)))])


def tempo_chances(shares: NDArray[np.floating], repeats: Array) -> Array:
    """How likely the tempo at each of PLACES is by both, `[..., 256]`, 1 together.

    Args:
        shares: of the network's bins of tempo, `[..., 32]`.
        repeats: how much the beats repeat, `[..., 256]`, as `repeats_of` gives it.
    """
    likely = repeats * (shares @ _BETWEEN + _LEAST) ** _TRUST
    return np.asarray(likely / likely.sum(-1, keepdims=True))


def repeats_of(activation: Array) -> Array:
    """`[256]`: how much the beats' activation `[T]` repeats at the tempo of each of PLACES, above 0."""
    return np.maximum(repetition(activation, 60 / _TEMPOS / FRAME_S), 1e-3)


def beat_activation(logits: NDArray[np.floating]) -> Array:
    """0..1 of any shape, of logits of beats or downbeats."""
    return np.asarray(1 / (1 + np.exp(-np.asarray(logits, np.float64))))


def repetition(activation: Array, periods: Array) -> Array:
    """How much an activation `[T]` is like itself some periods `[N]` (frames) before.

    The autocorrelations at one, two and four periods, summed.
    """
    centred = activation - activation.mean()
    size = 2 * len(centred)
    power = np.abs(np.fft.rfft(centred, size)) ** 2
    correlation = np.fft.irfft(power, size)[: len(centred)] / np.arange(len(centred), 0, -1) / (centred.var() or 1.0)
    at = np.arange(len(centred))
    return np.asarray(sum(np.interp(n * periods, at, correlation, right=0) for n in _MULTIPLES))


def beat_frames(activation: Array, period: float) -> NDArray[np.int64]:
    """The frames of the beats: a path through high activations whose steps are near to `period` frames.

    By dynamic programming (D. Ellis, *Beat tracking by dynamic programming*, 2007), with the activation as it is.
    """
    count = len(activation)
    steps = np.arange(max(1, round(period / 2)), max(2, round(2 * period)) + 1)
    cost = _TIGHTNESS * np.log(steps / period) ** 2
    total, before = np.array(activation, np.float64), np.full(count, -1)
    for t in range(int(steps[0]), count):
        past = steps[steps <= t]
        scores = total[t - past] - cost[: len(past)]
        best = int(np.argmax(scores))
        if scores[best] > 0:
            total[t] += scores[best]
            before[t] = t - past[best]
    if not count:
        return np.zeros(0, np.int64)
    tail = max(0, count - round(period))
    at, path = tail + int(np.argmax(total[tail:])), []
    while at >= 0:
        path.append(at)
        at = int(before[at])
    return np.array(path[::-1], np.int64)


def metre_of(downbeats: Array) -> tuple[int, int, float]:
    """(beats of a bar, 4 or 3; the first beat that begins one; how much more bars of three stand out).

    Args:
        downbeats: `[N]`, the activation at each beat.
    """
    leads = {metre: _lead(downbeats, metre) for metre in _METRES}
    metre = 3 if leads[3][0] - _THREE_BY > leads[4][0] else 4
    return metre, leads[metre][1], leads[3][0] - leads[4][0]


def _lead(downbeats: Array, metre: int) -> tuple[float, int]:
    """How much stronger first beats are than the others where they stand out most, and the first of them."""
    best = (-1.0, 0)
    for first in range(min(metre, len(downbeats))):
        strong = np.zeros(len(downbeats), bool)
        strong[first::metre] = True
        if not strong.all():
            lead = float(downbeats[strong].mean() - downbeats[~strong].mean())
            best = max(best, (lead, first), key=lambda one: one[0])
    return best


def values_of(outputs: NDArray[np.floating], names: tuple[str, ...]) -> dict[str, float]:
    """Means of values behind the first two seconds."""
    mean = np.asarray(outputs[min(WARM_UP, len(outputs) - 1) :], np.float64).mean(0)
    return {name: float(mean[FEEL.output(name).start]) for name in names}


def confidence_of(outputs: NDArray[np.floating]) -> float:
    """How likely the tempo is right, 0..1, by the network itself."""
    return float(1 / (1 + np.exp(-values_of(outputs, ("confidence",))["confidence"])))


def octaves_apart(a: float, b: float, tolerance: float = 0.04) -> bool:
    """Whether two tempos are the same within a share, or one is half, double, a third or three times the other."""
    return any(abs(a * n / b - 1) <= tolerance for n in (1 / 3, 1 / 2, 1, 2, 3))


def inside(tempo: float | None) -> bool:
    """Whether a tempo is one that the bins hold."""
    return tempo is not None and SLOWEST <= tempo <= FASTEST
