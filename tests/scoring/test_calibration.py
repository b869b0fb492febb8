"""Logits that are too soft or too sharp are scaled back to what they were drawn from."""

from __future__ import annotations

import numpy as np
import pytest

from kmidi_lab.scoring.calibration import sharpness
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
