"""How far each rater is to be trusted: by what the others, and the released model, make of the same inputs.

Each answer of a rater either comes from what the raters have in common, with a chance of the rater's own, or would be
the same whatever was asked. The chance is found by expectation maximisation: A. Dawid, A. Skene, *Maximum Likelihood
Estimation of Observer Error-Rates Using the EM Algorithm* (1979), with one number a rater; V. Raykar et al., *Learning
From Crowds* (JMLR 2010), with a model in the place of the unknown truth. What is in common is told by the released model
and by an adapter that has learnt from other raters only, half and half; so raters need not have seen the same inputs. Who
does not listen gives any answer, or one by habit: D. Hovy et al., *Learning Whom to Trust with MACE* (NAACL 2013). A
habit is what makes more than half of a rater's answers, and not as much of the others', so a wish that all share is none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.nn.module import LabModule
from kmidi_lab.retraining.adapting import Adapter, losses
from kmidi_lab.retraining.lessons import Array, Lessons
from kmidi_lab.retraining.training import FeedbackTraining

LEAST = 0.1
"""A rater below it is left out."""
DOUBTFUL = 0.5
"""Reports list raters below it."""
_FOLDS, _ROUNDS, _STEPS, _EM = 5, 2, 40, 50
_PRIOR = (2.0, 1.0)
"""Answers that a rater is given for a start: of the first kind, of the second."""
_HALF = 0.5
"""A label is a habit of who gives it more often."""
_NONE = 1e-9
"""A weight up to it is that of no answer: what rounding leaves."""


@dataclass(frozen=True)
class Rater:
    """A use id, how many of its events can be learnt from, and its weight, 0..1."""

    use: str
    events: int
    weight: float


def rated(module: LabModule, training: FeedbackTraining, lessons: Lessons, seed: int) -> list[Rater]:
    """All raters with their weights; one alone has 1, since there is nothing to compare it with."""
    there, count = np.unique(lessons.rater), len(lessons.raters)
    events = np.bincount(lessons.rater, minlength=count)
    trust: Array = np.ones(count)
    if len(there) > 1:
        rng = np.random.default_rng(seed)
        released = np.exp(-training.NATS * losses(module, training, lessons))
        outputs = training.outputs(module, lessons.x)
        chance = training.by_chance(outputs, module.head(), lessons.x, lessons.targets, rng)
        if (labels := training.allowed(lessons.targets, module.head())) is not None:
            chance = np.maximum(chance, habit(labels, lessons))
        fold = np.full(count, -1)
        fold[there] = rng.permutation(len(there)) % min(_FOLDS, len(there))
        for _ in range(_ROUNDS):
            others = np.zeros(len(lessons))
            for part in range(fold.max() + 1):
                own = fold[lessons.rater] == part
                adapter = Adapter(module, training, seed)
                adapter.learn(lessons.rows(~own), event_weights(lessons.rows(~own), trust), _STEPS)
                others[own] = np.exp(-training.NATS * adapter.losses(lessons.rows(own)))
            trust = shares((released + others) / 2, chance, lessons)
    weights = [0.0 if value < LEAST else round(float(value), 3) for value in trust]
    return [Rater(*row) for row in zip(lessons.raters, events.tolist(), weights, strict=True)]


def rated_by_learnt(
    module: LabModule,
    training: FeedbackTraining,
    lessons: Lessons,
    learnt: NDArray[np.bool_],
    raters: list[Rater],
    seed: int,
) -> list[Rater]:
    """`raters` with the weights that they have by what is learnt from `[E]` alone, so that nothing held out tells whom to learn from.

    Who has no event there keeps the weight: it weighs in the gate only.
    """
    own, there = rated(module, training, lessons.rows(learnt), seed), {*lessons.rater[learnt].tolist()}
    return [replace(one, weight=own[at].weight) if at in there else one for at, one in enumerate(raters)]


def event_weights(lessons: Lessons, trust: Array) -> Array:
    """`[E]`: each rater's trust, less the more it has judged, so that a rater counts as the root of that number.

    Where nobody is trusted, all count alike.
    """
    own = lessons.weights
    judged = np.bincount(lessons.rater, own, len(trust))[lessons.rater]
    weights = np.asarray(trust)[lessons.rater] * own / np.sqrt(judged)
    return weights if weights.sum() > 0 else np.ones(len(lessons))


def habit(labels: NDArray[np.bool_], lessons: Lessons) -> Array:
    """`[E]`, at most 0.5: of a rater's other answers the share that is as this one allows, beyond half of them.

    What others answer as often is no habit: their share is taken off where it is more than half. Who has given no other
    answer has none.

    Args:
        labels: `[E, L]`, which labels each answer allows.
        lessons: tell who gave it, and what it weighs.
    """
    own = labels * (lessons.weights / labels.sum(axis=1))[:, None]
    sums = np.zeros((len(lessons.raters), labels.shape[1]))
    np.add.at(sums, lessons.rater, own)
    elsewhere, each = sums[lessons.rater] - own, _per_one(sums)
    others = (each.sum(axis=0) - each) / max(len(np.unique(lessons.rater)) - 1, 1)
    own_share, their_share = ((labels * rows).sum(axis=1) for rows in (_per_one(elsewhere), others[lessons.rater]))
    return np.asarray(own_share - np.maximum(their_share, _HALF))


def _per_one(sums: Array) -> Array:
    """Rows that add up to 1, or to 0 where they hold nothing but what rounding leaves."""
    weight = sums.sum(axis=1, keepdims=True)
    return np.where(weight > _NONE, sums / np.maximum(weight, _NONE), 0.0)


def shares(common: Array, chance: Array, lessons: Lessons) -> Array:
    """`[R]`, of each rater the share of answers of the first kind."""
    count, weights = len(lessons.raters), lessons.weights
    events = np.bincount(lessons.rater, weights, count)
    good, bad = _PRIOR
    share = np.full(count, good / (good + bad))
    for _ in range(_EM):
        own = share[lessons.rater]
        first = own * common / np.maximum(own * common + (1 - own) * chance, 1e-300)
        share = (np.bincount(lessons.rater, weights * first, count) + good) / (events + good + bad)
    return np.asarray(share)
