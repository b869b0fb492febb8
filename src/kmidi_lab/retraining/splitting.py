"""Which events are held out: whole users where there are several, else the latest judgements."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.retraining.lessons import Array, Lessons
from kmidi_lab.retraining.raters import DOUBTFUL, LEAST


def held_out(lessons: Lessons, trust: Array, share: float, seed: int) -> NDArray[np.bool_]:
    """`[E]`, True for about a share of the events.

    Args:
        lessons: the oldest first.
        trust: `[R]`, weights of the raters; users who are trusted are held out first, those who are left out last.
        share: above 0, at most 0.5.
        seed: of the order of users.
    """
    count = len(lessons.raters)
    if count < 2:
        numbers = np.unique(lessons.judgement)
        latest = numbers[-max(1, round(share * len(numbers))) :]
        return np.isin(lessons.judgement, latest)
    wanted = max(1, round(share * len(lessons)))
    events = np.bincount(lessons.rater, minlength=count)
    order = np.random.default_rng(seed).permutation(count)
    order = order[np.argsort(-np.digitize(trust[order], (LEAST, DOUBTFUL)), kind="stable")]
    reached = np.cumsum(events[order]) - events[order] < wanted
    chosen = order[reached][: count - 1]
    return np.isin(lessons.rater, chosen)
