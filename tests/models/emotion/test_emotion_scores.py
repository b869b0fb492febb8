"""Scores, baselines and evaluator of the emotion model."""

from __future__ import annotations

import numpy as np
import pytest
from support.declared_metrics import assert_declared
from support.item_checks import assert_items

from kmidi_lab.audio.clips import Clip, Sound
from kmidi_lab.contracts import EMOTION
from kmidi_lab.errors import DataError
from kmidi_lab.models.emotion.baselines import fit_baselines
from kmidi_lab.models.emotion.evaluation import EmotionEvaluator
from kmidi_lab.models.emotion.features import EMOTIONS
from kmidi_lab.models.emotion.scores import ccc, uar
from kmidi_lab.scoring.metrics import so_far
from kmidi_lab.scoring.mfcc import MfccLogistic, mfcc_statistics


def uttered(emotion: int, frames: np.ndarray) -> Clip:
    return Clip("", "", "", {"emotion": emotion, "strong": False}, Sound(frames))


class Data:
    """Clips of one frame value each by split, as the evaluator asks for them."""

    vocabulary = EMOTIONS
    contract = EMOTION.at("1")

    def __init__(self, **splits: list[int]) -> None:
        rng = np.random.default_rng(0)
        self.splits = {
            name: [uttered(k, k + 0.1 * rng.standard_normal((60, 128))) for k in emotions]
            for name, emotions in splits.items()
        }

    def songs(self, split: str) -> list[Clip]:
        return self.splits[split]

    def label_indices(self, split: str) -> np.ndarray:
        return np.array([c.labels["emotion"] for c in self.splits[split]], np.int64)

    def conditions(self, split: str) -> dict[str, list[np.ndarray]]:
        return {}


def test_uar_ccc_and_so_far_by_hand() -> None:
    p = np.eye(3)[[0, 0, 0, 1]]
    assert uar(p, np.array([0, 0, 1, 1])) == pytest.approx((1 + 0.5) / 2)
    a = np.array([1.0, 2.0, 3.0])
    assert ccc(a, a) == pytest.approx(1) and ccc(a, -a) < 0 and ccc(a, np.ones(3)) == 0
    assert ccc(a, a + 1) == pytest.approx(2 * a.var() / (2 * a.var() + 1))
    outputs = np.arange(100.0)[:, None]
    # A frame is out when its 64 ms have been heard: 0.5 s hold frames 0 to 27.
    assert so_far(outputs, 0.5)[0] == pytest.approx(13.5)
    assert so_far(outputs, 99.0)[0] == pytest.approx(49.5) and so_far(outputs, 0.01)[0] == 0


def test_mfcc_statistics_and_the_regression_on_them() -> None:
    rng = np.random.default_rng(0)
    quiet, loud = (rng.standard_normal((6, 40, 128)) + level for level in (-9, -3))
    x = mfcc_statistics([*quiet, *loud])
    assert x.shape == (12, 60) and x.dtype == np.float32
    assert x[0, 0] == pytest.approx(-9 * np.sqrt(128), rel=0.05)
    labels = np.array([0] * 6 + [2] * 6)
    fitted = MfccLogistic.fit(x, labels, x, labels, 3)
    p = fitted.probabilities(x)
    assert (p.argmax(1) == labels).all() and np.allclose(p.sum(1), 1) and not p[:, 1].any()


def test_baselines_by_hand() -> None:
    data = Data(train=[0, 0, 0, 1, 1, 2] * 3, val=[0, 1, 2])
    clips, labels = [c.sound.frames for c in data.songs("train")], data.label_indices("train")
    fitted = fit_baselines(clips, labels, clips, labels, 8)
    assert fitted["majority"](clips[:1])[0, :3] == pytest.approx([3 / 6, 2 / 6, 1 / 6])
    assert (fitted["mfcc+logistic"](clips).argmax(1) == labels).all()


def test_the_evaluator_scores_clips_and_seconds() -> None:
    data = Data(train=list(range(8)) * 2, val=list(range(8)), test=list(range(8)), none=[])

    def knows(x: np.ndarray) -> np.ndarray:
        """The first output is the clip's label; the head below takes the nearest."""
        return np.concatenate([x.mean(-1, keepdims=True).round(), np.zeros((*x.shape[:2], 63))], -1)

    weight = np.zeros((8, 64))
    weight[:, 0] = 2 * np.arange(8)
    head = {"weight": 10 * weight, "bias": -10.0 * np.arange(8) ** 2}
    result = EmotionEvaluator()(knows, head, data, "test", data)
    assert_declared(EmotionEvaluator(), result)
    assert_items(EmotionEvaluator(), knows, head, data, result, "nll")
    own = result.metrics["test"]
    assert own["uar"] == own["accuracy"] == own["uar_at_0.5_s"] == own["uar_after_reset"] == 1
    assert own["events"] == 8 and "intensity_accuracy" not in own
    assert result.baselines["test"]["majority"]["uar"] == 1 / 8
    assert result.baselines["test"]["majority"]["valence_ccc"] == pytest.approx(0, abs=1e-9)
    assert result.analysis["confusion_emotion"]["counts"][3][3] == 1
    told = EmotionEvaluator().verdict(result, "test")
    assert told["metric"] == "uar" and [t["metric"] for t in told["also"]] == ["accuracy", "valence_ccc", "arousal_ccc"]
    with pytest.raises(DataError, match="no clips"):
        EmotionEvaluator()(knows, head, data, "none", data)
