"""What is drawn beside the model's outputs: its spread, its habits, and that what is together stays together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kmidi_lab.models.groove.sampling import DRUMMERS, Spread, drawn_timing, drawn_velocities, steadiness

NONE = (0.0, 0.0, 0.0)
SPREAD = Spread((5.0, 0.0, -5.0), NONE, (6.0, 8.0, 3.0), NONE, (90.0, 90.0, 90.0), (8.0, 6.0, 4.0), 6.0, 6.0, 8.0)
ROW, STEP = (np.repeat(a, 3) for a in (np.repeat(np.arange(60), 16), np.tile(np.arange(16), 60)))
VOICE = np.tile(np.arange(3), 60 * 16)


def test_velocities_have_the_spread_asked_for_and_habits_last() -> None:
    takes = [
        drawn_velocities(np.full(len(STEP), 0.5), ROW, STEP, VOICE, np.random.default_rng(seed), SPREAD)
        for seed in range(12)
    ]
    drawn = np.stack(takes).reshape(12, 60, 16, 3)
    assert drawn.mean((0, 1, 2)) == pytest.approx([68.5, 63.5, 58.5], abs=2.5)
    assert drawn.std((0, 1, 2)) == pytest.approx([10, 10, 5], rel=0.15)
    assert drawn.std(1).mean((0, 1)) == pytest.approx([8, 6, 4], rel=0.1)
    assert drawn.min() >= 1
    assert drawn.max() <= 127


def test_each_take_has_its_own_level_of_each_voice() -> None:
    spread = Spread(NONE, (12.0, 6.0, 0.0), NONE, NONE, NONE, NONE, 0.0, 0.0, 0.0)
    takes = [
        drawn_velocities(np.full(len(STEP), 0.5), ROW, STEP, VOICE, np.random.default_rng(seed), spread).reshape(-1, 3)
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


def test_steadiness_is_the_share_of_the_bars_around_that_have_the_stroke() -> None:
    # Kick on 1 in bars 0, 1 and 6; hat on 1 in all but bar 5, which is empty; a snare in bar 6 alone.
    row = np.array([0, 1, 6, 0, 1, 2, 3, 4, 6, 6])
    voice = np.array([0, 0, 0, 2, 2, 2, 2, 2, 2, 1])
    share = steadiness(row, np.zeros(10, np.int64), voice)
    assert share[0] == pytest.approx(1 / 4)  # of bars 1 to 4, bar 1
    assert share[1] == pytest.approx(1 / 4)  # of bars 0, 2, 3 and 4, bar 0
    assert share[2] == 0 and share[9] == 0  # of bars 2, 3 and 4, none
    assert (share[3:9] == 1).all()
    assert steadiness(np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.int64)) == [1]
    assert steadiness(*np.zeros((3, 0), np.int64)).shape == (0,)


BARS = np.arange(32)
BACK_ROW, BACK_STEP = np.concatenate([BARS, BARS, BARS[::9]]), np.repeat([4, 12, 7], [32, 32, 4])


def backbeats(spread: Spread) -> np.ndarray:
    """`[60, E]`: takes of 32 bars with a snare on 2 and 4, and one more on step 7 in every ninth bar."""
    snare, predicted = np.ones(len(BACK_ROW), np.int64), np.full(len(BACK_ROW), 71 / 127)
    draws = (
        drawn_velocities(predicted, BACK_ROW, BACK_STEP, snare, np.random.default_rng(s), spread) for s in range(60)
    )
    return np.stack(list(draws))


def test_a_backbeat_varies_from_bar_to_bar_as_drummers_vary_it_and_a_rare_snare_far_more() -> None:
    """Groove MIDI's validation takes have a standard deviation of 10.4 on 2 and on 4, and a snare that no bar around has
    about 31 (benchmarks/groove_spread.py, docs/notes/groove.md)."""
    drawn = backbeats(replace(DRUMMERS, level=NONE, habit=NONE))
    for back in (4, 12):
        assert drawn[:, back == BACK_STEP].std(1).mean() == pytest.approx(10.4, rel=0.15)
    assert drawn[:, BACK_STEP == 7].std() == pytest.approx(31, rel=0.2)


def test_two_and_four_are_alike_and_another_take_has_another_backbeat() -> None:
    """Their means are 5 apart in validation takes (median; 31 if each had a habit of its own)."""
    drawn = backbeats(DRUMMERS)
    two, four = (drawn[:, back == BACK_STEP].mean(1) for back in (4, 12))
    assert 2 < np.median(np.abs(two - four)) < 8
    assert two.std() == pytest.approx(22, rel=0.25)
