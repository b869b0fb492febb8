"""What says that a sound is not like those of the training: its threshold, its file, and scores of it."""

from __future__ import annotations

import json

import numpy as np
import orjson
import pytest

from kmidi_lab.inference.outliers import KEY, read_outliers
from kmidi_lab.scoring.outliers import fit_outliers


@pytest.fixture(scope="module")
def sounds() -> tuple[np.ndarray, np.ndarray]:
    """Outputs around two classes, far longer in one direction than in the others, and their classes."""
    rng = np.random.default_rng(0)
    classes = rng.integers(2, size=2000)
    return rng.standard_normal((2000, 4)) * [5, 1, 1, 0.1] + 20 * classes[:, None], classes


def test_the_threshold_lets_one_in_twenty_of_the_sounds_held_out_be_an_outlier(sounds):
    x, classes = sounds
    detector = fit_outliers(x[:1000], classes[:1000], x[1000:])
    assert (detector.distance(x[1000:]) > 1).mean() == pytest.approx(0.05, abs=0.002)


def test_a_distance_is_measured_in_what_its_direction_varies(sounds):
    x, classes = sounds
    detector = fit_outliers(x[:1000], classes[:1000], x[1000:])
    mean = detector.means[0]
    assert detector.distance(mean + 5 * np.eye(4)[0]) < 1 < detector.distance(mean + 5 * np.eye(4)[1])
    assert detector.distance(mean) == 0 == detector.distance(detector.means[1])
    assert detector.distance((mean + detector.means[1]) / 2) > 1


def test_a_head_file_keeps_it(sounds):
    x, classes = sounds
    detector = fit_outliers(x[:1000], classes[:1000], x[1000:])
    file = orjson.dumps({KEY: detector.layout()}, option=orjson.OPT_SERIALIZE_NUMPY)
    again = read_outliers(json.loads(file), 4)
    assert again is not None
    np.testing.assert_array_equal(again.distance(x), detector.distance(x))
    assert read_outliers({"weight": []}, 4) is None


@pytest.mark.parametrize(
    "change",
    [
        {"means": [[1.0, 2.0]]}, {"means": []}, {"whitening": [[float("nan")] * 4]}, {"threshold": 0},
        {"threshold": float("inf")}, {"false_alarms": 2}, {"means": None},
    ],
)  # fmt: skip
def test_a_detector_that_can_not_be_used_is_refused(sounds, change):
    x, classes = sounds
    layout = fit_outliers(x, classes, x).layout()
    with pytest.raises((ValueError, TypeError)):
        read_outliers({KEY: {**layout, **change}}, 4)


def test_nothing_to_fit_on_is_said(sounds):
    x, classes = sounds
    for arguments in (
        (x[:0], classes[:0], x),
        (x, classes, x[:0]),
        (np.ones((5, 2)), np.zeros(5, int), np.ones((5, 2))),
    ):
        with pytest.raises(ValueError, match="outliers need"):
            fit_outliers(*arguments)
