"""Every metric of `scoring` against another implementation of it, or counted by hand, and at the edges of what it
takes.
"""

from __future__ import annotations

from math import inf, isnan, log, nan

import numpy as np
import pytest
import scipy.special
import scipy.stats
import sklearn.metrics
import torch
from scipy.fft import dct
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torchmetrics.functional.classification import multiclass_calibration_error

from kmidi_lab.scoring.evaluation import Evaluation, verdict
from kmidi_lab.scoring.metrics import (
    CLASSIFICATION,
    classification,
    confusion,
    expected_calibration_error,
    log_likelihoods,
    paired_bootstrap,
    reliability,
    so_far,
    softmax,
    top_k,
)
from kmidi_lab.scoring.mfcc import MfccLogistic, mfcc_statistics

RNG = np.random.default_rng(0)
CLASSES = 7
P = RNG.dirichlet(np.full(CLASSES, 0.4), 500)
Y = RNG.integers(CLASSES, size=500)
ONE = np.ones((4, 1)), np.zeros(4, int)
NONE = np.zeros((0, CLASSES)), np.zeros(0, int)
TIED = np.full((5, CLASSES), 1 / CLASSES), np.arange(5)
BROKEN = np.full((3, CLASSES), nan), np.arange(3)
HALF_BROKEN = np.array([[0.5, nan, 0.1], [0.6, 0.3, 0.1]]), np.array([0, 0])


def test_log_likelihoods_are_sklearns_log_loss() -> None:
    assert -log_likelihoods(P, Y).mean() == pytest.approx(sklearn.metrics.log_loss(Y, P, labels=range(CLASSES)))
    assert log_likelihoods(*ONE).tolist() == [0.0] * 4
    assert log_likelihoods(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(log(1e-12)), "never infinite"
    assert log_likelihoods(*NONE).shape == (0,) and np.isnan(log_likelihoods(*BROKEN)).all()


@pytest.mark.parametrize("k", [1, 2, 3, CLASSES])
def test_top_k_is_sklearns_where_nothing_is_tied(k: int) -> None:
    reference = sklearn.metrics.top_k_accuracy_score(Y, P, k=k, labels=range(CLASSES)) if k < CLASSES else 1.0
    assert top_k(P, Y, k) == pytest.approx(reference)


def test_ties_and_nan_count_against_the_predictor() -> None:
    assert [top_k(*TIED, k) for k in (1, CLASSES - 1, CLASSES)] == [0.0, 0.0, 1.0]
    assert top_k(np.array([[0.4, 0.4, 0.2]]), np.array([0]), 1) == 0.0
    assert top_k(np.array([[0.4, 0.4, 0.2]]), np.array([0]), 2) == 1.0
    assert [top_k(*BROKEN, k) for k in (1, CLASSES)] == [0.0, 0.0]
    assert top_k(*HALF_BROKEN, 1) == 0.5
    assert top_k(*ONE, 1) == 1.0 and isnan(top_k(*NONE, 1))


def test_the_calibration_error_is_torchmetrics() -> None:
    reference = multiclass_calibration_error(torch.tensor(P), torch.tensor(Y), CLASSES, n_bins=15).item()
    assert expected_calibration_error(P, Y) == pytest.approx(reference, abs=1e-6)
    # By hand: of two events at 0.8 one is right, and one at 0.6 is right.
    p = np.array([[0.8, 0.2], [0.8, 0.2], [0.4, 0.6]])
    assert expected_calibration_error(p, np.array([0, 1, 1]), bins=10) == pytest.approx(2 / 3 * 0.3 + 1 / 3 * 0.4)


def test_the_calibration_error_at_the_edges() -> None:
    assert expected_calibration_error(*ONE) == 0.0
    assert expected_calibration_error(np.array([[1.0, 0.0]]), np.array([1])) == 1.0
    assert expected_calibration_error(*TIED) == pytest.approx(abs(1 / 5 - 1 / CLASSES)), (
        "the first of the tied is taken"
    )
    assert all(isnan(expected_calibration_error(*of)) for of in (NONE, BROKEN, HALF_BROKEN))


def test_reliability_holds_each_event_once_and_is_sklearns_curve_for_two_classes() -> None:
    yes = RNG.uniform(0.5, 1, 400)
    right = RNG.random(400) < yes
    curve = reliability(np.column_stack([1 - yes, yes]), right.astype(int), bins=10)
    accuracy, confidence = sklearn.calibration.calibration_curve(right, yes, n_bins=10)
    np.testing.assert_allclose(curve["accuracy"], accuracy)
    np.testing.assert_allclose(curve["confidence"], confidence)
    assert sum(curve["share"]) == pytest.approx(1.0)
    assert reliability(*ONE) == {"confidence": [1.0], "accuracy": [1.0], "share": [1.0]}
    assert reliability(*NONE) == {"confidence": [], "accuracy": [], "share": []}


def test_classification_reports_what_it_declares() -> None:
    got = classification(P, Y)
    assert got.keys() == CLASSIFICATION.keys()
    assert got["nll"] == pytest.approx(sklearn.metrics.log_loss(Y, P, labels=range(CLASSES)))
    assert got["perplexity"] == pytest.approx(scipy.stats.gmean(1 / P[np.arange(len(Y)), Y]))
    assert got["top1"] == pytest.approx(sklearn.metrics.accuracy_score(Y, P.argmax(1)))
    assert classification(*ONE) == {"nll": 0.0, "perplexity": 1.0, "top1": 1.0, "top3": 1.0, "ece": 0.0}
    assert all(isnan(value) for value in classification(*NONE).values())
    broken = classification(*BROKEN)
    assert isnan(broken["nll"]) and isnan(broken["perplexity"]) and isnan(broken["ece"])
    assert broken["top1"] == broken["top3"] == 0.0


def test_confusion_is_sklearns() -> None:
    predicted = P.argmax(1)
    reference = sklearn.metrics.confusion_matrix(Y, predicted, labels=range(CLASSES)).tolist()
    assert confusion(predicted, Y, CLASSES) == reference
    assert confusion(np.zeros(4, int), np.zeros(4, int), 1) == [[4]]
    assert confusion(np.zeros(0, int), np.zeros(0, int), 2) == [[0, 0], [0, 0]]
    assert confusion(np.array([2]), np.array([0]), 3) == [[0, 0, 1], [0, 0, 0], [0, 0, 0]], "rows are true"


def test_the_bootstrap_is_scipys_over_the_groups() -> None:
    sizes = RNG.integers(1, 9, 60)
    groups = np.repeat([f"song {i}" for i in range(60)], sizes)
    differences = np.repeat(RNG.normal(0.2, 1, 60), sizes) + RNG.normal(0, 0.1, sizes.sum())
    sums = np.array([differences[groups == f"song {i}"].sum() for i in range(60)])
    reference = scipy.stats.bootstrap(
        (sums, sizes), lambda s, n, axis: s.sum(axis) / n.sum(axis), paired=True, method="percentile",
        n_resamples=20_000, random_state=0,
    ).confidence_interval  # fmt: skip
    width = reference.high - reference.low
    assert paired_bootstrap(differences, groups) == pytest.approx(tuple(reference), abs=0.06 * width)


def test_the_bootstrap_at_the_edges() -> None:
    assert paired_bootstrap(np.full(9, 0.5), np.arange(9)) == (0.5, 0.5)
    alone = np.array([1.0, 3.0])
    assert paired_bootstrap(alone, np.zeros(2)) == (2.0, 2.0), "one song has no spread"
    assert paired_bootstrap(alone, np.arange(2), seed=1) == paired_bootstrap(alone, np.arange(2), seed=1)
    assert all(isnan(end) for end in paired_bootstrap(np.array([nan, 1.0]), np.zeros(2)))
    assert all(isnan(end) for end in paired_bootstrap(np.zeros(0), np.zeros(0)))


def test_softmax_is_scipys() -> None:
    logits = RNG.normal(0, 30, (20, 5))
    np.testing.assert_allclose(softmax(logits), scipy.special.softmax(logits, -1))
    extreme = np.array([[1e4, 1e4 - 1, -1e4], [-inf, 0.0, -inf]])
    np.testing.assert_allclose(softmax(extreme), scipy.special.softmax(extreme, -1))
    assert softmax(np.zeros((3, 1))).tolist() == [[1.0]] * 3 and softmax(np.zeros((0, 4))).shape == (0, 4)
    assert np.isnan(softmax(np.array([[0.0, nan]]))).all()


def test_what_there_is_so_far_is_counted_by_hand() -> None:
    """A frame of 1,024 samples every 256 of 16,000 a second: at 0.1 s those that begin by 0.036 s are out, three."""
    outputs = np.arange(10.0)[:, None]
    frames = [t for t in range(10) if (256 * t + 1024) / 16_000 <= 0.1]
    assert so_far(outputs, 0.1) == pytest.approx(np.mean(frames))
    assert so_far(outputs, 0.0).tolist() == [0.0], "one frame at least"
    assert so_far(outputs, 99.0).tolist() == [4.5], "a shorter clip counts whole"
    speech = np.array([0, 0, 0, 1, 0, 1, 1, 1, 1, 1], bool)
    assert so_far(outputs, 0.1, speech) == pytest.approx(np.mean([t for t in (3 + f for f in frames) if speech[t]]))


def test_the_statistics_are_those_of_scipys_coefficients() -> None:
    clips = [RNG.normal(-8, 2, (frames, 128)).astype(np.float32) for frames in (30, 2, 1)]
    for row, clip in zip(mfcc_statistics(clips, 5), clips, strict=True):
        mfcc = dct(clip, type=2, norm="ortho", axis=1)[:, :5]
        change = np.vstack([np.zeros((1, 5)), np.diff(mfcc, axis=0)])
        np.testing.assert_allclose(row, np.concatenate([mfcc.mean(0), mfcc.std(0), change.std(0)]), atol=1e-4)
    assert (mfcc_statistics(clips[2:], 5)[0, 5:] == 0).all(), "one frame neither spreads nor changes"


def test_the_regression_is_sklearns_with_the_strength_that_is_best_on_validation() -> None:
    def part(events: int) -> tuple[np.ndarray, np.ndarray]:
        labels = RNG.choice([0, 2, 3], events)
        return RNG.normal(labels[:, None], 1.5, (events, 4)), labels

    (x, y), (val_x, val_y), (test_x, _) = part(60), part(40), part(20)
    fits = [make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000)) for c in (1e-3, 1e-2, 1e-1, 1.0)]
    best = max((fit.fit(x, y) for fit in fits), key=lambda fit: fit.score(val_x, val_y))
    p = MfccLogistic.fit(x, y, val_x, val_y, 5).probabilities(test_x)
    np.testing.assert_allclose(p[:, [0, 2, 3]], best.predict_proba(test_x), atol=1e-6)
    assert (p[:, [1, 4]] == 0).all(), "classes that training never had"


@pytest.mark.parametrize(
    ("value", "rival", "mode", "beats"),
    [
        (0.5, 0.4, "max", True), (0.4, 0.5, "max", False), (0.4, 0.4, "max", False), (0.4, 0.4, "min", False),
        (0.3, 0.4, "min", True), (nan, 0.4, "min", False), (nan, 0.4, "max", False), (0.5, nan, "max", False),
        (0.5, nan, "min", False),
    ],
)  # fmt: skip
def test_a_verdict_needs_a_number_that_is_better(value: float, rival: float, mode: str, beats: bool) -> None:
    result = Evaluation({"test": {"m": value}}, {"test": {"rival": {"m": rival}}})
    assert verdict(result, "test", "m", mode)["beats_baselines"] is beats
