"""Gates let through what is better and keep out what is not; raters are told apart; users are held out whole."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from torch import nn

from kmidi_lab.errors import DataError
from kmidi_lab.retraining import gates
from kmidi_lab.retraining.gated import Retraining
from kmidi_lab.retraining.lessons import Lessons
from kmidi_lab.retraining.mixing import FeedbackMixer
from kmidi_lab.retraining.raters import event_weights
from kmidi_lab.retraining.splitting import ITEMS, LATEST, USERS, Parts, held_out


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
    assert not gates.better(before, before, np.zeros(120, int), each, each, ones, 0).passed
    assert not gates.better(before, before + rng.normal(0, 0.1, 120), np.zeros(120, int), each, each, ones, 0).passed
    assert gates.better(before, before - 0.1 + rng.normal(0, 0.1, 120), np.zeros(120, int), each, each, ones, 0).passed
    # Two users of six gain much, four lose a little: the mean is better, the users are not.
    users = np.repeat(np.arange(6), 20)
    after = before + np.where(users < 1, -0.6, 0.02)
    assert gates.better(before, after, np.zeros(120, int), each, each, ones, 0).passed
    assert not gates.better(before, after, users, each, each, ones, 0).passed
    assert gates.better(
        before, after, users, each, each, np.where(users < 1, 1.0, 0.0), 0
    ).passed  # who is not trusted does not count


def _lessons(*events: int) -> Lessons:
    """Of each rater so many, each of another item."""
    rater = np.concatenate([np.full(n, i) for i, n in enumerate(events)])
    return _of(np.arange(len(rater)), rater)


def _of(items: np.ndarray, rater: np.ndarray) -> Lessons:
    """Events of items, by number: what the model was given."""
    x = np.stack([items, -items], 1).astype(np.float32)
    return Lessons(x, np.zeros((len(items), 1)), rater, tuple("abcdefgh"[: rater.max() + 1]), {})


def _both(lessons: Lessons, parts: Parts) -> set[float]:
    """Items that are held out and learnt from: there must be none."""
    assert not (parts.held & parts.learnt).any()
    return {*lessons.x[parts.held, 0].tolist()} & {*lessons.x[parts.learnt, 0].tolist()}


def test_users_are_held_out_whole_and_one_users_latest() -> None:
    latest = held_out(_lessons(8), np.ones(1), 0.25, 0)
    assert latest.held.tolist() == [False] * 6 + [True] * 2
    assert (latest.learnt == ~latest.held).all() and (latest.by, latest.dropped) == (LATEST, 0)
    for seed in range(20):
        lessons = _lessons(10, 10, 10, 10)
        parts = held_out(lessons, np.array([1, 1, 0.0, 1]), 0.25, seed)
        assert (parts.held.sum(), parts.by, parts.dropped) == (10, USERS, 0)
        assert parts.held[lessons.rater == 2].sum() == 0  # who is trusted goes first
        parts = held_out(lessons, np.array([0.35, 0.36, 0.0, 0.4]), 0.25, seed)
        assert parts.held[lessons.rater == 2].sum() == 0  # who is left out goes last, also where all are doubtful
        assert 0 < held_out(_lessons(5, 5), np.ones(2), 0.5, seed).held.sum() == 5


def test_what_is_held_out_is_learnt_from_by_no_rater() -> None:
    """Four raters of 20 items each, of which five are the same for all: held out with one, dropped of the others."""
    items, rater = (
        np.concatenate([np.r_[0:5, 100 * (k + 1) : 100 * (k + 1) + 15] for k in range(4)]),
        np.repeat(range(4), 20),
    )
    for seed in range(10):
        lessons = _of(items, rater)
        parts = held_out(lessons, np.ones(4), 0.25, seed)
        assert (parts.held.sum(), parts.learnt.sum(), parts.dropped, parts.by) == (20, 45, 15, USERS)
        assert not _both(lessons, parts)
        assert "20 events held out, whole users; 45 learnt from; 15 dropped" in str(parts)


@pytest.mark.parametrize("raters", [2, 3, 5])
def test_of_one_queue_that_all_have_labelled_whole_items_are_held_out(raters: int) -> None:
    items, rater = np.tile(np.arange(20), raters), np.repeat(range(raters), 20)
    for seed in range(10):
        lessons = _of(items, rater)
        parts = held_out(lessons, np.ones(raters), 0.25, seed)
        assert (parts.by, parts.held.sum(), parts.learnt.sum(), parts.dropped) == (ITEMS, 5 * raters, 15 * raters, 0)
        assert not _both(lessons, parts)


def test_what_is_left_out_later_is_in_neither_part() -> None:
    parts = held_out(_lessons(8), np.ones(1), 0.25, 0)
    fewer = parts.rows(np.arange(8) > 2)
    assert (fewer.held.tolist(), fewer.by) == ([False] * 3 + [True] * 2, LATEST) and fewer.learnt.sum() == 3
    for left in (parts.held, parts.learnt):
        with pytest.raises(DataError, match="too little feedback is left"):
            parts.rows(left)


def test_items_of_trusted_raters_are_held_out_first_and_songs_stay_together() -> None:
    items, rater = np.r_[0:20, 0:20, 50:60], np.repeat([0, 1, 2], [20, 20, 10])
    for seed in range(10):
        parts = held_out(_of(items, rater), np.array([1, 0.9, 0.0]), 0.3, seed)
        assert not parts.held[rater == 2].any()
    # One song of item 0 and another: where item 0 is held out, of the other nothing is learnt from that song.
    songs = replace(_of(np.tile(np.arange(10), 2), np.repeat([0, 1], 10)), judged=np.r_[0, 0, 1:9, 9:19])
    for seed in range(10):
        parts = held_out(songs, np.ones(2), 0.1, seed)
        assert parts.by == ITEMS and not _both(songs, parts)
        assert not {*songs.judgement[parts.held]} & {*songs.judgement[parts.learnt]}


def test_the_latest_of_one_users_few_items_are_not_learnt_from_either() -> None:
    lessons = _of(np.arange(24) % 6, np.zeros(24, int))  # again and again the same six
    parts = held_out(lessons, np.ones(1), 0.25, 0)
    assert (parts.by, parts.held.sum(), parts.learnt.sum()) == (ITEMS, 8, 16) and not _both(lessons, parts)
    zero = Lessons(np.array([[0.0], [-0.0]], np.float32), np.zeros((2, 1)), np.zeros(2, int), ("a",), {})
    assert zero.item.tolist() == [0, 0]
    with pytest.raises(DataError, match="all events are of one item or song"):
        held_out(_of(np.zeros(30, int), np.repeat([0, 1], 15)), np.ones(2), 0.25, 0)


def test_a_rater_counts_as_the_root_of_its_events() -> None:
    lessons = _lessons(100, 4)
    weights = event_weights(lessons, np.ones(2))
    assert weights[:100].sum() == pytest.approx(10)
    assert weights[100:].sum() == pytest.approx(2)
    assert event_weights(lessons, np.array([0.0, 1.0]))[:100].sum() == 0


def test_the_chords_of_a_song_are_held_out_together_weigh_as_one_and_are_drawn_as_one() -> None:
    lessons = replace(_lessons(9), judged=np.array([0, 1, 1, 1, 1, 2, 3, 3, 3]))
    assert held_out(lessons, np.ones(1), 0.25, 0).held.tolist() == [False] * 6 + [True] * 3
    weights = event_weights(lessons, np.ones(1))
    assert np.bincount(lessons.judged, weights) == pytest.approx([0.5] * 4)  # √4 in all
    before, ones = np.zeros(40), np.ones(40)
    after = np.repeat([-1.0, 0.4], 20)  # of two songs one is better by far: no proof, though of 40 chords it is
    each, songs = np.arange(40), np.repeat([0, 1], 20)
    assert gates.better(before, after, np.zeros(40, int), each, each, ones, 0).passed
    assert not gates.better(before, after, np.zeros(40, int), songs, each, ones, 0).passed
    assert not gates.better(before, after, np.zeros(40, int), each, songs, ones, 0).passed, (
        "nor of what many raters heard"
    )
    assert not gates.better(before, after, np.arange(40) % 8, each, songs, ones, 0).passed, "even where users are many"


def test_batches_hold_the_share_of_feedback_that_is_wanted() -> None:
    from kmidi_lab.models.harmony.encoding import HarmonyBatch
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


def test_without_anything_to_test_by_nothing_is_published() -> None:
    lessons, empty = _lessons(8), (np.zeros(0), np.zeros(0))
    training: Any = SimpleNamespace(frozen_tests=lambda call, head, data: {"": empty, "family": empty})
    module: Any = SimpleNamespace(network=nn.Identity(), head=dict, cpu=nn.Identity)
    model: Any = SimpleNamespace(training=training, module=module)
    report = Retraining(model, lessons, [], held_out(lessons, np.ones(1), 0.25, 0), 0.01, 0)
    with pytest.raises(
        DataError, match="no item that the answer is known of, so nothing tells whether the model forgets"
    ):
        report.gate(None, module, None)  # type: ignore[arg-type]
