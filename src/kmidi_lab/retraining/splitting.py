"""Which events are held out and which are learnt from: none of what is held out is learnt from, whoever judged it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.errors import DataError
from kmidi_lab.retraining.lessons import Array, Lessons
from kmidi_lab.retraining.raters import DOUBTFUL, LEAST
from kmidi_lab.wording import many

USERS, LATEST, ITEMS = "whole users", "the latest judgements", "whole items"
_ENOUGH = 0.5
"""Where less than this share of the others' events is left, items are held out in the place of users."""


@dataclass(frozen=True)
class Parts:
    """`[E]` each: what is held out, and what is learnt from. The rest, `dropped`, is neither: it is of an item that is held out.

    Attributes:
        by: what was chosen to be held out: USERS, LATEST or ITEMS.
    """

    held: NDArray[np.bool_]
    learnt: NDArray[np.bool_]
    by: str

    def rows(self, index: NDArray[np.bool_]) -> Parts:
        """Of some of the events. Raises DataError: nothing to learn from, or to judge by, is among them."""
        parts = Parts(self.held[index], self.learnt[index], self.by)
        if not parts.learnt.any() or not parts.held.any():
            raise DataError("too little feedback is left to learn from and to judge by; feedback on others is needed")
        return parts

    @property
    def dropped(self) -> int:
        """How many events are neither."""
        return int((~self.held & ~self.learnt).sum())

    def __str__(self) -> str:
        why = ", since they are of items or songs that are held out" if self.dropped else ""
        held = many(int(self.held.sum()), "event")
        return f"{held} held out, {self.by}; {self.learnt.sum()} learnt from; {self.dropped} dropped{why}"


def held_out(lessons: Lessons, trust: Array, share: float, seed: int) -> Parts:
    """About a share of the events: whole users where there are several, else the latest judgements.

    What others said of the same items is dropped. Raters of one queue have the same items; then items are held out in the
    place of users, and so they are where one user's latest judgements are of few.

    Args:
        lessons: the oldest first.
        trust: `[R]`, weights of the raters; users who are trusted are held out first, those who are left out last.
        share: above 0, at most 0.5.
        seed: of the order of users or items.

    Raises:
        DataError: all is of one item or song.
    """
    alone = len(lessons.raters) < 2
    held = (
        _latest(lessons, share) if alone else np.isin(lessons.rater, _first(lessons.rater, trust, lessons, share, seed))
    )
    parts = _parts(lessons, held, LATEST if alone else USERS)
    if parts.learnt.sum() < _ENOUGH * (~held).sum():
        chosen = _first(lessons.item, trust, lessons, share, seed)
        other = _parts(lessons, np.isin(lessons.item, chosen), ITEMS)
        parts = max(parts, other, key=lambda one: int(one.learnt.sum()))
    if not parts.learnt.any() or not parts.held.any():
        raise DataError(
            "all events are of one item or song, so nothing that is not learnt from is left to judge by; feedback on others is "
            "needed"
        )
    return parts


def _latest(lessons: Lessons, share: float) -> NDArray[np.bool_]:
    numbers = np.unique(lessons.judgement)
    return np.isin(lessons.judgement, numbers[-max(1, round(share * len(numbers))) :])


def _first(of: NDArray[np.intp], trust: Array, lessons: Lessons, share: float, seed: int) -> NDArray[np.intp]:
    """Of users or items, each event's number in `of` `[E]`, so many that they have the share, but never all.

    They are in a drawn order, those of trusted raters first.
    """
    events = np.bincount(of)
    best = np.zeros(len(events))
    np.maximum.at(best, of, np.asarray(trust)[lessons.rater])
    order = np.random.default_rng(seed).permutation(len(events))
    order = order[np.argsort(-np.digitize(best[order], (LEAST, DOUBTFUL)), kind="stable")]
    reached = np.cumsum(events[order]) - events[order] < max(1, round(share * len(lessons)))
    return order[reached][: len(events) - 1]


def _parts(lessons: Lessons, held: NDArray[np.bool_], by: str) -> Parts:
    same = np.isin(lessons.item, lessons.item[held]) | np.isin(lessons.judgement, lessons.judgement[held])
    return Parts(held, ~held & ~same, by)
