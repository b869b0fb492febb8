"""What is drawn beside the model's outputs: its spread, its habits, and that what is together stays together."""

from __future__ import annotations

import numpy as np
import pytest

from kmidi_lab.models.groove.sampling import Spread, drawn_timing, drawn_velocities

SPREAD = Spread((5.0, 0.0, -5.0), (0.0, 0.0, 0.0), (6.0, 8.0, 3.0), (8.0, 6.0, 4.0), 6.0, 8.0)
ROW, STEP = (np.repeat(a, 3) for a in (np.repeat(np.arange(60), 16), np.tile(np.arange(16), 60)))
VOICE = np.tile(np.arange(3), 60 * 16)


def test_velocities_have_the_spread_asked_for_and_habits_last() -> None:
    takes = [
        drawn_velocities(np.full(len(STEP), 0.5), STEP, VOICE, np.random.default_rng(seed), SPREAD)
        for seed in range(12)
    ]
    drawn = np.stack(takes).reshape(12, 60, 16, 3)
    assert drawn.mean((0, 1, 2)) == pytest.approx([68.5, 63.5, 58.5], abs=2.5)
    assert drawn.std((0, 1, 2)) == pytest.approx([10, 10, 5], rel=0.15)
    assert drawn.std(1).mean((0, 1)) == pytest.approx([8, 6, 4], rel=0.1)
    assert drawn.min() >= 1
    assert drawn.max() <= 127


def test_each_take_has_its_own_level_of_each_voice() -> None:
    spread = Spread((0.0, 0.0, 0.0), (12.0, 6.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 0.0), 0.0, 0.0)
    takes = [
        drawn_velocities(np.full(len(STEP), 0.5), STEP, VOICE, np.random.default_rng(seed), spread).reshape(-1, 3)
        for seed in range(200)
    ]
    assert all((take == take[0]).all() for take in takes)
    assert np.stack(takes)[:, 0].std(0) == pytest.approx([12, 6, 0], rel=0.15)


def test_timing_has_the_spread_asked_for_at_any_tempo_and_a_step_has_one() -> None:
    for bpm in (80.0, 140.0):
        drawn = [
            drawn_timing(np.zeros(len(STEP)), ROW, STEP, np.full(len(STEP), bpm), np.random.default_rng(seed), SPREAD)
            for seed in range(12)
        ]
        timing = np.stack(drawn).reshape(12, 60, 16, 3)
        assert (timing == timing[..., :1]).all()
        assert (timing * 7500 / bpm).std() == pytest.approx(10, rel=0.15)
        assert np.abs(timing).max() <= 1
