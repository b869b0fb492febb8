"""What is said of an excerpt, and how right it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.mel import FRAME_S
from kmidi_lab.models.feel.contract import FEEL
from kmidi_lab.models.feel.decoding import inside, octaves_apart, pulse, tempo_shares, values_of
from kmidi_lab.models.feel.features import BINS, CURVES, WHOLE, Excerpt, bin_of, curves_of

Array = NDArray[np.float64]
WINDOW_S, NEAR = 0.07, 0.04
_MOMENTS_S = (4.0, 8.0, 12.0)
"""Ends of the seconds that curves are scored over."""
_CURVES = [FEEL.output(name).start for name in CURVES]
_TRIM_S = 5.0
_BINS = 10
SCORED = ("swing", "voices", "percussive_share", "register", "key_clarity", "valence", "arousal")
"""Values of WHOLE that are scored."""


class Answer(NamedTuple):
    """What is said of one excerpt: `shares` `[32]`, `tempo`, `beats`, `curves` `[3, 3]` by moment, `whole` `[14]`."""

    shares: Array
    tempo: float
    beats: Array
    curves: Array
    whole: Array


def answer_of(outputs: NDArray[np.floating]) -> Answer:
    """What outputs `[T, 64]` of an excerpt say."""
    found = pulse(outputs)
    values = values_of(outputs, WHOLE)
    curves = np.array([outputs[rows][:, _CURVES].mean(0) for rows in moments(len(outputs))], np.float64)
    return Answer(tempo_shares(outputs), found.tempo, found.beats, curves, np.array([values[n] for n in WHOLE]))


def score(answers: Sequence[Answer], songs: Sequence[Excerpt]) -> dict[str, float]:
    """Every metric that the excerpts have labels for."""
    told = [(a, s, s.tempo) for a, s in zip(answers, songs, strict=True) if inside(s.tempo)]
    out: dict[str, float] = {}
    if told:
        out["accuracy1"] = float(np.mean([is_right(a.tempo, t) for a, _, t in told]))
        out["accuracy2"] = float(np.mean([octaves_apart(a.tempo, t or 1.0, NEAR) for a, _, t in told]))
        out["beat_f"] = float(np.mean([beat_f(s.beats, a.beats) for a, s, _ in told]))
        out["loss"] = float(np.mean([tempo_loss(a, t or 1.0) for a, _, t in told]))
    true, said = (np.concatenate(rows) for rows in ([moments_of(s) for s in songs], [a.curves for a in answers]))
    for i, name in enumerate(CURVES):
        out[f"{name}_ccc"] = concordance(said[:, i], true[:, i])
    for name in SCORED:
        rows = [
            (a.whole[WHOLE.index(name)], s.values[name])
            for a, s in zip(answers, songs, strict=True)
            if name in s.values
        ]
        if len({value for _, value in rows}) > 1:
            out[f"{name}_ccc"] = concordance(*np.array(rows).T)
    return out


def tempo_loss(answer: Answer, tempo: float) -> float:
    """Cross-entropy of the bin of a tempo, in nats."""
    return float(-np.log(max(1e-12, answer.shares[min(BINS - 1, round(bin_of(tempo)))])))


def concordance(said: Array, true: Array) -> float:
    """Concordance correlation coefficient (L. Lin, 1989): 1 where both are the same; 0 where one of them is constant."""
    covariance = float(np.mean((said - said.mean()) * (true - true.mean())))
    spread = said.var() + true.var() + (said.mean() - true.mean()) ** 2
    return float(2 * covariance / spread) if spread > 0 else 0.0


def beat_f(true: Array, said: Array) -> float:
    """F-measure of beats within 70 ms, those of the first five seconds left out; 0 where there are none."""
    true, said = true[true >= _TRIM_S], said[said >= _TRIM_S]
    hits, at = 0, 0
    for beat in true:
        while at < len(said) and said[at] < beat - WINDOW_S:
            at += 1
        if at < len(said) and said[at] <= beat + WINDOW_S:
            hits, at = hits + 1, at + 1
    return 2 * hits / (len(true) + len(said)) if hits else 0.0


def moments_of(song: Excerpt) -> Array:
    """`[3, 3]`: the curves' true means over the second before each moment."""
    curves = curves_of(song)
    return np.array([curves[rows].mean(0) for rows in moments(len(curves))], np.float64)


def moment_ends(count: int) -> list[int]:
    """The frame behind each moment, of a sound of `count` frames: the last of a shorter sound."""
    return [min(count, round(end / FRAME_S)) for end in _MOMENTS_S]


def moments(count: int) -> list[slice]:
    """A second before each moment, as frames."""
    return [slice(max(0, end - round(1 / FRAME_S)), end) for end in moment_ends(count)]


def is_right(said: float, true: float | None) -> bool:
    """Whether a tempo is the true one within 4 %."""
    return true is not None and abs(said / true - 1) <= NEAR


def calibration_error(sure: Array, right: NDArray[np.bool_]) -> float:
    """How far confidences `[N]` are from the share that is right, over ten bins of equal width (Guo et al., ICML 2017)."""
    place = np.clip(np.ceil(sure * _BINS).astype(int) - 1, 0, _BINS - 1)
    used = [place == b for b in np.unique(place)]
    return float(sum(abs(sure[at].mean() - right[at].mean()) * at.mean() for at in used))
