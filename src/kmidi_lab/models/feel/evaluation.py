"""AudioFeelAnalyzer beside its baselines: tempo, beats, and what is told over time, on music and sounds never heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.level import adapted_sounds
from kmidi_lab.audio.mel import FRAME_S
from kmidi_lab.contracts import FEEL
from kmidi_lab.models.feel.baselines import Regression, statistics_of, trackers
from kmidi_lab.models.feel.decoding import confidence_of, inside, octaves_apart, pulse, tempo_shares, values_of
from kmidi_lab.models.feel.features import BINS, CURVES, WHOLE, Excerpt, bin_of, curves_of
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator, check_scorable, parts_of, score_alike
from kmidi_lab.scoring.items import Frames, ScoredItem

Array = NDArray[np.float64]
Call = Callable[[np.ndarray], np.ndarray]
WINDOW_S, NEAR = 0.07, 0.04
_MOMENTS_S = (4.0, 8.0, 12.0)
"""Ends of the seconds that curves are scored over."""
_CURVES = [FEEL.output(name).start for name in CURVES]
_TRIM_S = 5.0
_SCORED = ("swing", "voices", "percussive_share", "register", "key_clarity", "valence", "arousal")


class FeelData(Protocol):
    """What the evaluator asks of a data module."""

    def songs(self, split: str) -> Sequence[Excerpt]: ...


class Answer(NamedTuple):
    """What is said of one excerpt: `shares` `[32]`, `tempo`, `beats`, `curves` `[3, 3]` by moment, `whole` `[14]`."""

    shares: Array
    tempo: float
    beats: Array
    curves: Array
    whole: Array


class FeelEvaluator(Evaluator):
    """Scores a callable over sequences `[1, T, 128] -> [1, T, 64]`, each excerpt from a reset on.

    `accuracy1` is the share of tempos right within 4 %, `accuracy2` allows half, double, a third and three times. `beat_f`
    is the F-measure of beats within 70 ms from the fifth second on (M. Davies et al., 2009; as mir_eval's). `…_ccc` is the
    concordance correlation: of energy, density and brightness at 4, 8 and 12 seconds, of the others over excerpts.
    """

    METRICS = {
        "accuracy1": "max",
        "accuracy2": "max",
        "beat_f": "max",
        **{f"{name}_ccc": "max" for name in (*CURVES, *_SCORED)},
        "confidence_gap": "max",
        "loss": "min",
    }
    COUNTS = ("events", "frames", "tempos")
    primary = "accuracy1"
    also = ("accuracy2", "beat_f", "energy_ccc", "density_ccc", "brightness_ccc", "swing_ccc")
    loss = "loss"
    """Cross-entropy of the tempo's bins, in nats."""

    def __call__(
        self, call: Call, head: dict[str, np.ndarray], data: FeelData, split: str, training: FeelData
    ) -> Evaluation:
        """Scores `split` of `data`; baselines are fitted on the train split of `training`."""
        songs = data.songs(split)
        check_scorable(any(inside(song.tempo) for song in songs), split, "holds no tempo")
        inputs = adapted_sounds([song.frames for song in songs])
        outputs = [call(x[None])[0] for x in inputs]
        own = [answer_of(o) for o in outputs]
        result = score_alike(
            lambda answers, rows: score([a for a, r in zip(answers, rows, strict=True) if r], _rows(songs, rows)),
            own,
            _baselines(songs, inputs, training.songs("train")),
            {
                name: rows
                for name, rows in parts_of(split, np.array([song.source for song in songs])).items()
                if any(inside(song.tempo) for song in _rows(songs, rows))
            },
        )
        for name, rows in parts_of(split, np.array([song.source for song in songs])).items():
            if name in result.metrics:
                there = _rows(songs, rows)
                result.metrics[name] |= {
                    "events": len(there),
                    "frames": sum(len(song.frames) for song in there),
                    "tempos": sum(inside(song.tempo) for song in there),
                }
        sure = np.array([confidence_of(o) for o in outputs])
        right = np.array([_right(a.tempo, s.tempo) for a, s in zip(own, songs, strict=True)])
        told = np.array([inside(song.tempo) for song in songs])
        if right[told].any() and not right[told].all():
            result.metrics[split]["confidence_gap"] = float(sure[told & right].mean() - sure[told & ~right].mean())
        result.analysis = {"confidence": {"confidence": sure[told].tolist(), "right": right[told].tolist()}}
        return result

    def items(self, call: Call, head: dict[str, np.ndarray], data: FeelData, split: str) -> Iterator[ScoredItem]:
        """Excerpts whose tempo is known, by the cross-entropy of its bins."""
        songs = [song for song in data.songs(split) if inside(song.tempo)]
        for song, x in zip(songs, adapted_sounds([song.frames for song in songs]), strict=True):
            answer, tempo = answer_of(call(x[None])[0]), song.tempo or 1.0
            said = f"{tempo:.0f} a minute, heard as {answer.tempo:.0f}"
            yield ScoredItem(song.id, song.source, _loss(answer, tempo), 1, partial(Frames, song.frames, FRAME_S), said)


def _loss(answer: Answer, tempo: float) -> float:
    return float(-np.log(max(1e-12, answer.shares[min(BINS - 1, round(bin_of(tempo)))])))


def answer_of(outputs: NDArray[np.floating]) -> Answer:
    """What outputs `[T, 64]` of an excerpt say."""
    found = pulse(outputs)
    values = values_of(outputs, WHOLE)
    curves = np.array([outputs[rows][:, _CURVES].mean(0) for rows in _moments(len(outputs))], np.float64)
    return Answer(tempo_shares(outputs), found.tempo, found.beats, curves, np.array([values[n] for n in WHOLE]))


def score(answers: Sequence[Answer], songs: Sequence[Excerpt]) -> dict[str, float]:
    """Every metric that the excerpts have labels for."""
    told = [(a, s, s.tempo) for a, s in zip(answers, songs, strict=True) if inside(s.tempo)]
    out: dict[str, float] = {}
    if told:
        out["accuracy1"] = float(np.mean([_right(a.tempo, t) for a, _, t in told]))
        out["accuracy2"] = float(np.mean([octaves_apart(a.tempo, t or 1.0, NEAR) for a, _, t in told]))
        out["beat_f"] = float(np.mean([beat_f(s.beats, a.beats) for a, s, _ in told]))
        out["loss"] = float(np.mean([_loss(a, t or 1.0) for a, _, t in told]))
    true, said = (np.concatenate(rows) for rows in ([moments_of(s) for s in songs], [a.curves for a in answers]))
    for i, name in enumerate(CURVES):
        out[f"{name}_ccc"] = concordance(said[:, i], true[:, i])
    for name in _SCORED:
        rows = [
            (a.whole[WHOLE.index(name)], s.values[name])
            for a, s in zip(answers, songs, strict=True)
            if name in s.values
        ]
        if len({value for _, value in rows}) > 1:
            out[f"{name}_ccc"] = concordance(*np.array(rows).T)
    return out


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
    return np.array([curves[rows].mean(0) for rows in _moments(len(curves))], np.float64)


def _moments(count: int) -> list[slice]:
    """A second before each moment, as frames; the last second of a shorter sound."""
    ends = [min(count, round(end / FRAME_S)) for end in _MOMENTS_S]
    return [slice(max(0, end - round(1 / FRAME_S)), end) for end in ends]


def _right(said: float, true: float | None) -> bool:
    return true is not None and abs(said / true - 1) <= NEAR


def _rows(songs: Sequence[Excerpt], rows: NDArray[np.bool_]) -> list[Excerpt]:
    return [song for song, wanted in zip(songs, rows, strict=True) if wanted]


def _baselines(
    songs: Sequence[Excerpt], inputs: Sequence[NDArray[np.float32]], train: Sequence[Excerpt]
) -> Mapping[str, list[Answer]]:
    """What each baseline says of the excerpts; the constant says the training's means, the others regressions."""
    heard_train = adapted_sounds([song.frames for song in train])
    windows, ours = ([w for x in some for w in _stretches(x)] for some in (heard_train, inputs))
    fitted_on, asked = statistics_of(heard_train), statistics_of(inputs)
    curves = np.concatenate([moments_of(song) for song in train])
    whole = np.array([[song.values.get(name, np.nan) for name in WHOLE] for song in train])
    by_moment = Regression.fit(statistics_of(windows), curves)
    said_curves = by_moment(statistics_of(ours)).reshape(len(songs), len(_MOMENTS_S), -1)
    means = np.array([np.nanmean(column) if np.isfinite(column).any() else 0.0 for column in whole.T])
    said_whole = np.tile(means, (len(songs), 1))
    for i, name in enumerate(WHOLE):
        if name in _SCORED and np.isfinite(whole[:, i]).sum() > 1:
            said_whole[:, i] = Regression.fit(fitted_on, whole[:, [i]])(asked)[:, 0]
    out = {}
    for name, track in trackers(train).items():
        fixed = name == "constant"
        out[name if fixed else f"{name}+ridge"] = [
            Answer(*track(song.frames), curves.mean(0) + 0 * said_curves[i] if fixed else said_curves[i], means if fixed else said_whole[i])
            for i, song in enumerate(songs)
        ]  # fmt: skip
    return out


def _stretches(x: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The four seconds before each moment."""
    ends = [min(len(x), round(end / FRAME_S)) for end in _MOMENTS_S]
    return [x[max(0, end - round(4 / FRAME_S)) : end] for end in ends]
