"""A bar as it was drawn, in the form of the model's outputs, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from kmidi_lab.models.groove.sampling import played_bars


def test_steps_with_strokes_hold_what_was_drawn_and_the_others_what_the_model_said() -> None:
    outputs = np.tile(np.concatenate([np.full(16, 0.25), np.full(16, 0.5)]), (2, 1))
    before = outputs.copy()
    row, step = np.array([0, 0, 1]), np.array([4, 4, 15])
    played = played_bars(outputs, row, step, np.array([0.5, 0.5, -1.2]), np.array([127, 0, 127]))
    assert (outputs == before).all(), "what the model said is left alone"
    expected = before.copy()
    expected[0, 4], expected[0, 16 + 4] = 0.5, 0.5
    expected[1, 15], expected[1, 16 + 15] = -1.0, 1.0
    assert played == pytest.approx(expected)
