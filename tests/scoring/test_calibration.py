"""Logits that are too soft or too sharp are scaled back to what they were drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from kmidi_lab.scoring.calibration import crossed, sharpness
from kmidi_lab.scoring.metrics import expected_calibration_error, softmax


@pytest.mark.parametrize("factor", [0.3, 1.0, 2.5])
def test_the_scale_of_drawn_labels_is_found(factor: float) -> None:
    rng = np.random.default_rng(0)
    honest = 2 * rng.standard_normal((4000, 5))
    true = (softmax(honest).cumsum(1) > rng.random((4000, 1))).argmax(1)
    found = sharpness(honest / factor, true)
    assert found == pytest.approx(factor, rel=0.06)
    assert expected_calibration_error(softmax(found * honest / factor), true) < 0.03


def test_labels_that_follow_from_nothing_leave_nothing_sure() -> None:
    rng = np.random.default_rng(1)
    assert sharpness(rng.standard_normal((500, 8)), rng.integers(0, 8, 500)) < 0.5


def test_a_fold_is_as_sure_as_the_others_allow() -> None:
    rng = np.random.default_rng(2)
    honest = 2 * rng.standard_normal((3, 3000, 5))
    true = (softmax(honest).cumsum(-1) > rng.random((3, 3000, 1))).argmax(-1)
    # Two networks are twice as sure as they may be, and the third is right: it takes their scale, they take one between.
    folds = [(honest[0] * 2, true[0]), (honest[1] * 2, true[1]), (honest[2], true[2])]
    found = [
        np.log(p[:, :1] / p[:, 1:2]) / (of[:, :1] - of[:, 1:2])
        for p, (of, _) in zip(crossed(folds), folds, strict=True)
    ]
    assert [float(np.ptp(scale)) for scale in found] == pytest.approx([0, 0, 0], abs=1e-6)
    first, second, third = (float(scale[0, 0]) for scale in found)
    assert third == pytest.approx(0.5, rel=0.06)
    assert 0.5 < first < 1 and 0.5 < second < 1
