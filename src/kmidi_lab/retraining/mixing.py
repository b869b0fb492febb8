"""Batches of the original data with lessons below them, so that what is learnt does not push out what was known."""

from __future__ import annotations

from typing import Any

import numpy as np

from kmidi_lab.retraining.lessons import Array, Lessons
from kmidi_lab.retraining.training import FeedbackTraining


class FeedbackMixer:
    """Gives a batch back with rows of feedback, drawn anew each time.

    They are drawn by the number of the batch, so that a run which goes on draws the same.

    Args:
        training: makes rows of lessons.
        lessons: one or more.
        weights: `[E]`, how often each is drawn beside the others.
        share: of the rows that are feedback's, above 0 and below 1.
        seed: of what is drawn.
    """

    def __init__(self, training: FeedbackTraining, lessons: Lessons, weights: Array, share: float, seed: int) -> None:
        self._training, self._lessons = training, lessons
        self._chances = weights / weights.sum()
        self._share, self._seed = share, seed

    def __call__(self, batch: Any, number: int) -> Any:
        rng = np.random.default_rng([self._seed, number])
        count = max(1, round(self._training.size(batch) * self._share / (1 - self._share)))
        drawn = self._lessons.rows(rng.choice(len(self._lessons), count, p=self._chances))
        return self._training.below(batch, self._training.batch(drawn.x, drawn.targets, batch, rng))
