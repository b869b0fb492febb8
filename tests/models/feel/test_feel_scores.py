"""How AudioFeelAnalyzer and its baselines are scored."""

from __future__ import annotations

import re
from dataclasses import replace

import mir_eval
import numpy as np
import pytest
from support.declared_metrics import assert_declared
from support.feel_songs import Data, excerpt, perfect
from support.item_checks import assert_items

from kmidi_lab.errors import DataError
from kmidi_lab.models.feel.calibration import fit_confidence
from kmidi_lab.models.feel.decoding import octaves_apart
from kmidi_lab.models.feel.evaluation import FeelEvaluator
from kmidi_lab.models.feel.features import CURVES
from kmidi_lab.models.feel.scores import answer_of, beat_f, calibration_error, concordance, score
from kmidi_lab.scoring.evaluation import Evaluation
from kmidi_lab.scoring.items import worst


def test_metrics_agree_with_mir_eval() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        true, said = np.sort(rng.uniform(0, 15, 30)), np.sort(rng.uniform(0, 15, 25))
        theirs = mir_eval.beat.f_measure(*map(mir_eval.beat.trim_beats, (true, said)))
        assert beat_f(true, said) == pytest.approx(theirs)
    assert beat_f(np.arange(9.0), np.zeros(0)) == 0
    x = np.arange(5.0)
    assert concordance(x, x) == 1 and concordance(x, x + 2) == pytest.approx(0.5) and concordance(x * 0, x) == 0
    assert octaves_apart(60, 121) and not octaves_apart(60, 100)


@pytest.fixture(scope="module")
def data() -> Data:
    tempos = np.random.default_rng(1).uniform(60, 190, 24)
    songs = [excerpt(bpm, i) for i, bpm in enumerate(tempos)]
    return Data(train=songs[:16], test=[replace(s, split="test") for s in songs[16:]])


@pytest.mark.slow  # librosa compiles its beat tracker
def test_a_perfect_model_scores_so_and_beats_every_baseline(data: Data) -> None:
    answers = iter([perfect(song) for song in data.songs("test")])
    evaluator = FeelEvaluator()
    result = evaluator(lambda x: next(answers)[None], {}, data, "test", data)
    assert_declared(evaluator, result)
    own = result.metrics["test"]
    assert own["accuracy1"] == own["accuracy2"] == 1 and own["beat_f"] > 0.9
    assert [own[f"{name}_ccc"] for name in CURVES] == pytest.approx([1, 1, 1])
    assert own["swing_ccc"] == pytest.approx(1) and "valence_ccc" not in own
    assert set(result.baselines["test"]) == {"constant", "autocorrelation+ridge", "librosa+ridge"}
    assert result.baselines["test"]["autocorrelation+ridge"]["accuracy2"] > 0.8
    assert result.baselines["test"]["librosa+ridge"]["accuracy2"] > 0.5
    assert result.baselines["test"]["constant"]["energy_ccc"] == pytest.approx(0)
    assert set(result.metrics) == {"test", "test/a", "test/b"}


def test_the_worst_excerpts_are_those_whose_tempo_is_missed(data: Data) -> None:
    songs = data.songs("test")
    wrong = replace(songs[3], beats=songs[3].beats * 0.8)  # is played slower than it is heard
    answers = [perfect(song) for song in [*songs[:3], wrong, *songs[4:]]]
    own = Evaluation({"test": score([answer_of(a) for a in answers], songs)})
    said = iter(answers * 2)
    assert_items(FeelEvaluator(), lambda x: next(said)[None], {}, data, own, "loss")
    first = worst(FeelEvaluator().items(lambda x: next(said)[None], {}, data, "test"))[0]
    assert first.name == songs[3].id and re.fullmatch(r"\d+ a minute, heard as \d+", first.said)


def test_nothing_to_score_is_said(data: Data) -> None:
    silent = [replace(song, beats=np.zeros(0)) for song in data.songs("test")]
    with pytest.raises(DataError, match="holds no tempo"):
        FeelEvaluator()(None, {}, Data(test=silent), "test", data)  # type: ignore[arg-type]


def test_a_calibrated_confidence_is_the_share_that_is_right() -> None:
    """By hand: of those at logit 1 half are right, at logit 2 nine tenths, whatever the network says."""
    logits = np.repeat([1.0, 2.0], 1000)
    right = np.concatenate([np.arange(1000) < 500, np.arange(1000) < 900])
    fitted = fit_confidence(logits, right)
    assert fitted is not None
    slope, offset = fitted
    sure = 1 / (1 + np.exp(-(slope * logits + offset)))
    assert sure[0] == pytest.approx(0.5, abs=0.01) and sure[-1] == pytest.approx(0.9, abs=0.01)
    assert calibration_error(sure, right) < 0.01
    assert calibration_error(1 / (1 + np.exp(-logits)), right) == pytest.approx((0.231 + 0.019) / 2, abs=0.001)
    assert fit_confidence(-logits, right) is None, "surer where it is wrong"
    assert fit_confidence(logits, right | True) is None


@pytest.mark.slow
def test_other_recording_conditions_are_scored_beside_the_strongest_baseline(data: Data) -> None:
    songs = data.songs("test")
    later = [replace(s, beats=s.beats + 1.0, strokes=np.add(s.strokes, [1.0, 0, 0])) for s in songs]
    both = Data({"hum": songs, "silence_around": later}, train=data.songs("train"), test=songs)
    answers = iter([perfect(song) for song in (*songs, *songs, *songs)])
    result = FeelEvaluator()(lambda x: next(answers)[None], {}, both, "test", both)
    own, rival = result.metrics["test"], result.baselines["test"]["autocorrelation+ridge"]
    assert own["accuracy1_hum"] == 1 and own["beat_f_hum"] == own["beat_f"] and own["energy_ccc_hum"] > 0.99
    assert own["beat_f_silence_around"] < own["beat_f"], "what it says comes a second too soon"
    assert rival["accuracy1_hum"] == rival["accuracy1"] and "accuracy1_hum" not in result.baselines["test"]["constant"]
