"""Who does not listen is told by answers that would be the same whatever was asked; habits are counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kmidi_lab.models.harmony.feedback import ChordFeedback
from kmidi_lab.models.intent.feedback import FeelingFeedback
from kmidi_lab.retraining import raters
from kmidi_lab.retraining.lessons import Lessons
from kmidi_lab.retraining.raters import habit, rated

_RIGHT = 0.7
"""What the stand-in of a model gives to the true label; the rest is shared by the others."""


def _lessons(answers: list[list[int]], truth: list[int] | None = None) -> Lessons:
    """Of each rater the labels, 0 to 6; the input is the true label."""
    rater = np.repeat(np.arange(len(answers)), [len(own) for own in answers])
    targets = np.eye(7)[np.concatenate([np.array(own) for own in answers])]
    x = np.tile(np.array(truth or [0] * 9, float), len(answers))[: len(rater), None]
    return Lessons(x, targets, rater, tuple("abcdefg"[: len(answers)]), {})


def test_a_habit_is_most_of_what_a_rater_answers_beyond_what_others_do() -> None:
    lessons = _lessons([[0, 0, 0, 1], [0, 0, 0, 0, 2]])
    labels = lessons.targets > 0
    assert habit(labels, lessons) == pytest.approx(
        [2 / 3 - 4 / 5] * 3 + [0 - 1 / 2] + [3 / 4 - 3 / 4] * 4 + [0 - 1 / 2]
    )
    of_one_song = replace(lessons, judged=np.array([0, 0, 1, 2, 3, 4, 5, 6, 7]))
    assert habit(labels, of_one_song)[:4] == pytest.approx([1.5 / 2.5 - 4 / 5] * 2 + [1 / 2 - 4 / 5, 0 - 1 / 2])
    alone = habit(labels[:5], lessons.rows(np.arange(5)))
    assert alone == pytest.approx([2 / 3 - 1] * 3 + [0 - 1 / 2, 0 - 3 / 4]), "one answer is no habit"


def test_a_rejection_allows_all_other_labels() -> None:
    targets = np.array([[1.0, 0, 0, 0, 0, 0, 0], [0, -1, 0, 0, 0, 0, 0]])
    labels = FeelingFeedback().allowed(targets, {})
    assert labels.sum(1).tolist() == [1, 6] and labels[0, 0] and not labels[1, 1]
    lessons = Lessons(np.zeros((2, 1)), targets, np.zeros(2, int), ("a",), {})
    assert habit(labels, lessons) == pytest.approx([1 / 6 - 1 / 2, 1 - 1 / 2])
    chords = np.zeros((2, 100))
    chords[0, 5], chords[1, :96] = 1.0, 1 / 95
    chords[1, 5] = 0
    assert ChordFeedback().allowed(chords, {}).sum(1).tolist() == [1, 95]


class _Adapter:
    """Has learnt the truth, which is the input."""

    def __init__(self, *_: Any) -> None: ...

    def learn(self, *_: Any) -> None: ...

    def losses(self, lessons: Lessons) -> np.ndarray:
        right = lessons.targets.argmax(1) == lessons.x[:, 0]
        return -np.log(np.where(right, _RIGHT, (1 - _RIGHT) / 6))


@pytest.fixture
def trust_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Lessons], list[float]]:
    """The weights of raters, where release and adapters know the truth."""
    monkeypatch.setattr(raters, "Adapter", _Adapter)
    monkeypatch.setattr(raters, "losses", lambda module, training, lessons: _Adapter().losses(lessons))
    monkeypatch.setattr(FeelingFeedback, "outputs", lambda self, module, x: np.zeros((len(x), 64)))
    module: Any = SimpleNamespace(head=dict)
    return lambda lessons: [rater.weight for rater in rated(module, FeelingFeedback(), lessons, 0)]


@pytest.mark.parametrize("answer", [0, 1])
def test_who_always_gives_the_same_label_is_doubted(answer: int, trust_of: Callable[[Lessons], list[float]]) -> None:
    """Half of the truth is 0, so 0 to everything is right more often than any label would be by chance."""
    truth = [0, 0, 0, 1, 2, 3] * 4
    wrong_once = [6, *truth[1:]]
    lessons = _lessons([truth, wrong_once, [answer] * len(truth)], truth=truth)
    trust = trust_of(lessons)
    assert min(trust[:2]) > 0.7
    assert trust[2] < 0.4


def test_a_wish_that_all_share_is_no_habit(trust_of: Callable[[Lessons], list[float]]) -> None:
    assert min(trust_of(_lessons([[0] * 9] * 3))) > 0.7
