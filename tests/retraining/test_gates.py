"""Gates let through what is better and keep out what is not; raters are told apart; users are held out whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kmidi_lab.retraining import gates
from kmidi_lab.retraining.lessons import Lessons
from kmidi_lab.retraining.mixing import FeedbackMixer
from kmidi_lab.retraining.raters import event_weights
from kmidi_lab.retraining.splitting import held_out


def test_the_bound_holds_in_95_of_100_cases() -> None:
    below = 0
    for seed in range(300):
        x = np.random.default_rng(seed).normal(size=60)
        below += gates.upper_bound(x, np.arange(60), np.ones(60), seed) > 0
    assert 0.90 < below / 300 < 0.99


def test_not_worse_allows_the_margin_and_no_more() -> None:
    rng = np.random.default_rng(0)
    before = rng.uniform(1, 3, 200)
    weights = rng.integers(1, 50, 200).astype(float)
    assert gates.not_worse(before, before, weights, 0.01, 0).passed
    assert not gates.not_worse(before, before, weights, 0.0, 0).passed  # no proof that it is not worse
    assert gates.not_worse(before, before + 0.015, weights, 0.01, 0).passed
    assert not gates.not_worse(before, before + 0.025, weights, 0.01, 0).passed
    assert not gates.not_worse(before, before * np.nan, weights, 0.01, 0).passed


def test_better_needs_more_than_chance_and_goes_by_users_where_there_are_enough() -> None:
    rng = np.random.default_rng(1)
    before, ones, each = rng.normal(2, 1, 120), np.ones(120), np.arange(120)
    assert not gates.better(before, before, np.zeros(120, int), each, ones, 0).passed
    assert not gates.better(before, before + rng.normal(0, 0.1, 120), np.zeros(120, int), each, ones, 0).passed
    assert gates.better(before, before - 0.1 + rng.normal(0, 0.1, 120), np.zeros(120, int), each, ones, 0).passed
    # Two users of six gain much, four lose a little: the mean is better, the users are not.
    users = np.repeat(np.arange(6), 20)
    after = before + np.where(users < 1, -0.6, 0.02)
    assert gates.better(before, after, np.zeros(120, int), each, ones, 0).passed
    assert not gates.better(before, after, users, each, ones, 0).passed
    assert gates.better(
        before, after, users, each, np.where(users < 1, 1.0, 0.0), 0
    ).passed  # who is not trusted does not count


def _lessons(*events: int) -> Lessons:
    rater = np.concatenate([np.full(n, i) for i, n in enumerate(events)])
    count = len(rater)
    return Lessons(np.zeros((count, 2), np.float32), np.zeros((count, 1)), rater, tuple("abcdefgh"[: len(events)]), {})


def test_users_are_held_out_whole_and_one_users_latest() -> None:
    assert held_out(_lessons(8), np.ones(1), 0.25, 0).tolist() == [False] * 6 + [True] * 2
    for seed in range(20):
        lessons = _lessons(10, 10, 10, 10)
        held = held_out(lessons, np.array([1, 1, 0.0, 1]), 0.25, seed)
        assert held.sum() == 10
        assert held[lessons.rater == 2].sum() == 0  # who is trusted goes first
        held = held_out(lessons, np.array([0.35, 0.36, 0.0, 0.4]), 0.25, seed)
        assert held[lessons.rater == 2].sum() == 0  # who is left out goes last, also where all are doubtful
        assert 0 < held_out(_lessons(5, 5), np.ones(2), 0.5, seed).sum() == 5


def test_a_rater_counts_as_the_root_of_its_events() -> None:
    lessons = _lessons(100, 4)
    weights = event_weights(lessons, np.ones(2))
    assert weights[:100].sum() == pytest.approx(10)
    assert weights[100:].sum() == pytest.approx(2)
    assert event_weights(lessons, np.array([0.0, 1.0]))[:100].sum() == 0


def test_the_chords_of_a_song_are_held_out_together_weigh_as_one_and_are_drawn_as_one() -> None:
    lessons = replace(_lessons(9), judged=np.array([0, 1, 1, 1, 1, 2, 3, 3, 3]))
    assert held_out(lessons, np.ones(1), 0.25, 0).tolist() == [False] * 6 + [True] * 3
    weights = event_weights(lessons, np.ones(1))
    assert np.bincount(lessons.judged, weights) == pytest.approx([0.5] * 4)  # √4 in all
    before, ones = np.zeros(40), np.ones(40)
    after = np.repeat([-1.0, 0.4], 20)  # of two songs one is better by far: no proof, though of 40 chords it is
    each, songs = np.arange(40), np.repeat([0, 1], 20)
    assert gates.better(before, after, np.zeros(40, int), each, ones, 0).passed
    assert not gates.better(before, after, np.zeros(40, int), songs, ones, 0).passed


def test_batches_hold_the_share_of_feedback_that_is_wanted() -> None:
    from kmidi_lab.models.harmony.features import HarmonyBatch
    from kmidi_lab.models.harmony.feedback import ChordFeedback

    training, rng = ChordFeedback(), np.random.default_rng(0)
    x = np.zeros((3, 128), np.float32)
    x[:, 112] = 1.0
    targets = np.zeros((3, 100))
    targets[np.arange(3), [1, 2, 3]] = 1.0
    lessons = Lessons(x, targets, np.zeros(3, int), ("a",), {})
    own: HarmonyBatch = training.batch(np.tile(x[:1], (70, 1)), np.tile(targets[:1], (70, 1)), None, rng)
    mixed = FeedbackMixer(training, lessons, np.array([0.0, 1.0, 1.0]), 0.3, 0)
    batch = mixed(own, 0)
    assert batch.x.shape == (100, 128)
    assert set(batch.joint[70:].tolist()) == {2, 3}  # what has no weight is not drawn
    assert batch.joint[:70].tolist() == [1] * 70
    assert not np.array_equal(mixed(own, 1).joint.numpy(), batch.joint.numpy())
    assert np.array_equal(mixed(own, 0).joint.numpy(), batch.joint.numpy())
