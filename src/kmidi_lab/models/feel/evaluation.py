"""AudioFeelAnalyzer beside its baselines: tempo, beats, and what is told over time, on music and sounds never heard."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.audio.level import adapted_sounds
from kmidi_lab.audio.mel import FRAME_S
from kmidi_lab.models.feel.decoding import confidence_of, inside
from kmidi_lab.models.feel.features import CURVES, Excerpt
from kmidi_lab.models.feel.rivals import STRONGEST, Rivals
from kmidi_lab.models.feel.scores import SCORED, Answer, answer_of, calibration_error, is_right, score, tempo_loss
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator, check_scorable, parts_of, score_alike
from kmidi_lab.scoring.items import Frames, ScoredItem

Array = NDArray[np.float64]
Call = Callable[[np.ndarray], np.ndarray]
_CHANGED = ("accuracy1", "beat_f", "energy_ccc", "density_ccc")
"""What is scored in other recording conditions."""


class FeelData(Protocol):
    """What the evaluator asks of a data module."""

    def songs(self, split: str) -> Sequence[Excerpt]: ...
    def conditions(self, split: str) -> Iterator[tuple[str, Sequence[Excerpt]]]: ...


class FeelEvaluator(Evaluator):
    """Scores a callable over sequences `[1, T, 128] -> [1, T, 64]`, each excerpt from a reset on.

    `accuracy1` is the share of tempos right within 4 %, `accuracy2` allows half, double, a third and three times. `beat_f`
    is the F-measure of beats within 70 ms from the fifth second on (M. Davies et al., 2009; as mir_eval's). `…_ccc` is the
    concordance correlation: of energy, density and brightness at 4, 8 and 12 seconds, of the others over excerpts.
    `confidence_gap` is how much surer the model is of right tempos, `confidence_ece` how far its confidence is from the
    share that is right. `accuracy1_hum` … are of the same excerpts in other recording conditions, where the data hold them.
    """

    METRICS = {
        "accuracy1": "max",
        "accuracy2": "max",
        "beat_f": "max",
        **{f"{name}_ccc": "max" for name in (*CURVES, *SCORED)},
        **{f"{name}_{condition}": "max" for name in _CHANGED for condition in CHANGES},
        "confidence_gap": "max",
        "confidence_ece": "min",
        "loss": "min",
    }
    COUNTS = ("events", "frames", "tempos")
    primary = "accuracy1"
    also = ("accuracy2", "beat_f", "energy_ccc", "density_ccc", "brightness_ccc", "swing_ccc", "register_ccc")
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
        own, rivals = [answer_of(o) for o in outputs], Rivals(training.songs("train"))
        parts = {
            name: rows
            for name, rows in parts_of(split, np.array([song.source for song in songs])).items()
            if any(inside(song.tempo) for song in _rows(songs, rows))
        }
        result = score_alike(
            lambda answers, rows: _scored(answers, songs, rows), own, rivals.answers(songs, inputs), parts
        )
        for name, rows in parts.items():
            there = _rows(songs, rows)
            result.metrics[name] |= {
                "events": len(there),
                "frames": sum(len(song.frames) for song in there),
                "tempos": sum(inside(song.tempo) for song in there),
            }
        for condition, changed in data.conditions(split):
            inputs = adapted_sounds([song.frames for song in changed])
            heard = {"": [answer_of(call(x[None])[0]) for x in inputs]} | rivals.answers(changed, inputs, [STRONGEST])
            for name, rows in parts.items():
                for who, answers in heard.items():
                    place = result.baselines[name][who] if who else result.metrics[name]
                    scores = _scored(answers, changed, rows)
                    place |= {f"{metric}_{condition}": scores[metric] for metric in _CHANGED}
        sure, right = sure_and_right(outputs, own, songs)
        result.metrics[split]["confidence_ece"] = calibration_error(sure, right)
        if right.any() and not right.all():
            result.metrics[split]["confidence_gap"] = float(sure[right].mean() - sure[~right].mean())
        result.analysis = {"confidence": {"confidence": sure.tolist(), "right": right.tolist()}}
        return result

    def items(self, call: Call, head: dict[str, np.ndarray], data: FeelData, split: str) -> Iterator[ScoredItem]:
        """Excerpts whose tempo is known, by the cross-entropy of its bins."""
        songs = [song for song in data.songs(split) if inside(song.tempo)]
        for song, x in zip(songs, adapted_sounds([song.frames for song in songs]), strict=True):
            answer, tempo = answer_of(call(x[None])[0]), song.tempo or 1.0
            said = f"{tempo:.0f} a minute, heard as {answer.tempo:.0f}"
            yield ScoredItem(
                song.id, song.source, tempo_loss(answer, tempo), 1, partial(Frames, song.frames, FRAME_S), said
            )


def sure_and_right(
    outputs: Sequence[NDArray[np.floating]], answers: Sequence[Answer], songs: Sequence[Excerpt]
) -> tuple[Array, NDArray[np.bool_]]:
    """Of the excerpts with a tempo: the confidence in it, and whether it is right."""
    told = [(o, a, s) for o, a, s in zip(outputs, answers, songs, strict=True) if inside(s.tempo)]
    sure = np.array([confidence_of(o) for o, _, _ in told])
    return sure, np.array([is_right(a.tempo, s.tempo) for _, a, s in told], bool)


def _scored(answers: Sequence[Answer], songs: Sequence[Excerpt], rows: NDArray[np.bool_]) -> dict[str, float]:
    return score([a for a, wanted in zip(answers, rows, strict=True) if wanted], _rows(songs, rows))


def _rows(songs: Sequence[Excerpt], rows: NDArray[np.bool_]) -> list[Excerpt]:
    return [song for song, wanted in zip(songs, rows, strict=True) if wanted]
