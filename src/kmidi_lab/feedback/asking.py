"""Which unlabelled material is worth asking about: what a model is unsure of, and what is unlike the rest.

Scores are for `[N, C]` probabilities; the higher, the more there is to learn. Settles (2009, Active Learning Literature
Survey) for entropy, margin and committees; Sener and Savarese (ICLR 2018) for core sets; Ash et al. (NeurIPS 2021, BAIT)
for information, with one number a row, which without a learner is the design of Yu, Bi and Tresp (ICML 2006).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
_BY_DIVERSITY, _SHARE = 5, 0.5
"""A batch is chosen, by diversity, of so many times as many of the highest scores, and of this share of all at most."""
RIDGE = 30.0
"""The prior's strength beside a label of mean weight, on vectors of mean 0 and deviation 1 (docs/active_learning.md)."""
LEAST = 1e-12
"""No probability is taken to be lower."""


def entropy(chances: Array) -> Array:
    """`[N]`, 0 where one of `[N, C]` probabilities is 1, up to ln C where all are equal."""
    p = np.clip(chances, LEAST, 1.0)
    return -(p * np.log(p)).sum(axis=-1)


def margin(chances: Array) -> Array:
    """`[N]`, minus the lead of the likeliest of `[N, C]` probabilities, -1..0; C is 2 or more."""
    best = np.sort(chances, axis=-1)
    return best[..., -2] - best[..., -1]


def disagreement(chances: Array) -> Array:
    """`[N]`, how much of the entropy of a committee's mean is between its members; `[K, N, C]` of K members."""
    return entropy(chances.mean(axis=0)) - entropy(chances).mean(axis=0)


SCORES: dict[str, Callable[[Array], Array]] = {"entropy": entropy, "margin": margin}


def core_set(vectors: Array, labelled: Array, count: int) -> NDArray[np.intp]:
    """Places of `count` of `[N, D]` vectors, each the furthest from the `[L, D]` labelled ones and those taken before."""
    distance = np.full(len(vectors), np.inf)
    for row in labelled:
        distance = np.minimum(distance, ((vectors - row) ** 2).sum(axis=1))
    if not len(labelled):
        distance = ((vectors - vectors.mean(axis=0)) ** 2).sum(axis=1)
    taken = []
    for number in range(min(count, len(vectors))):
        place = int(distance.argmax())
        taken.append(place)
        nearer = ((vectors - vectors[place]) ** 2).sum(axis=1)
        distance = nearer if number == 0 and not len(labelled) else np.minimum(distance, nearer)
        distance[taken] = -np.inf
    return np.array(taken, np.intp)


def batch(scores: Array, vectors: Array, count: int) -> NDArray[np.intp]:
    """Places of `count` of N items with high scores `[N]` that are unlike each other by their vectors `[N, D]`.

    The highest score is the first; equal scores keep their order.
    """
    best = highest(scores, max(count, min(count * _BY_DIVERSITY, int(len(scores) * _SHARE))))
    if not count:
        return best
    rest = best[1:]
    chosen = np.concatenate([best[:1], rest[core_set(vectors[rest], vectors[best[:1]], count - 1)]])
    return best[np.isin(best, chosen)]


def far_and_unsure(
    weights: Array, vectors: Array, labelled: NDArray[np.integer], count: int
) -> tuple[NDArray[np.intp], Array]:
    """Places of `count` vectors, each of the largest product of its weight and its distance to what is labelled or taken.

    Args:
        weights: `[N]`, how unsure each is.
        vectors: `[N, D]`, labelled ones among them; without any, the first is the furthest from the mean.
        labelled: places of those that are labelled.
        count: at most; what is labelled is not taken.

    Returns:
        Places and products.
    """
    known = vectors[labelled] if len(labelled) else vectors.mean(axis=0, keepdims=True)
    distance = np.full(len(vectors), np.inf)
    for row in known:
        distance = np.minimum(distance, ((vectors - row) ** 2).sum(axis=1))

    def take(place: int) -> None:
        np.minimum(distance, ((vectors - vectors[place]) ** 2).sum(axis=1), out=distance)

    return _one_by_one(len(vectors), lambda: np.sqrt(distance) * weights, take, labelled, count)


def doubt(chances: Array) -> Array:
    """`[N]`, above 0 to 1 where the likeliest two of `[N, C]` probabilities are the same: weights for `information`."""
    return np.sqrt(1 + margin(chances) + LEAST)


def information(
    weights: Array, vectors: Array, labelled: NDArray[np.integer], count: int
) -> tuple[NDArray[np.intp], Array]:
    """Places of `count` vectors, each the one whose label would most lower the mean variance over all, and by how much.

    The variance is that of the guesses of a ridge regression on `[N, D]` vectors of mean 0 and deviation 1.

    Args:
        weights: `[N]`, how much there is to learn from each: above 0; ones for a design without a learner.
        vectors: `[N, D]`, labelled ones among them.
        labelled: places of those that are labelled.
        count: at most; what is labelled is not taken.
    """
    rows = vectors * np.sqrt(weights / weights.mean())[:, None]
    spread = rows.T @ rows / len(rows)
    known = rows[labelled]
    through = rows @ np.linalg.inv(RIDGE * np.eye(rows.shape[1]) + known.T @ known)
    leverage, gain = (through * rows).sum(axis=1), ((through @ spread) * through).sum(axis=1)

    def take(place: int) -> None:
        # What it does to all others, without the inverse of so many numbers again (Sherman and Morrison).
        own = through[place].copy()
        shared, pulled = through @ rows[place] / (1 + leverage[place]), spread @ own
        gain[:] = gain - 2 * shared * (through @ pulled) + shared**2 * (own @ pulled)
        leverage[:] = leverage - shared**2 * (1 + leverage[place])
        through[:] -= np.outer(shared, own)

    return _one_by_one(len(rows), lambda: gain / (1 + leverage), take, labelled, count)


def _one_by_one(
    size: int, worth: Callable[[], Array], take: Callable[[int], None], labelled: NDArray[np.integer], count: int
) -> tuple[NDArray[np.intp], Array]:
    """Places of `count` of `size` items, each worth most when it is taken, and what it was worth then.

    Args:
        size: number of items.
        worth: `[size]`, of all items beside those that are taken.
        take: is told each place that is taken.
        labelled: places that are not taken.
        count: at most.
    """
    taken, most = list[int](), list[float]()
    free = np.ones(size, bool)
    free[labelled] = False
    while len(taken) < count and free.any():
        value = np.where(free, worth(), -np.inf)
        place = int(value.argmax())
        taken.append(place)
        most.append(float(value[place]))
        free[place] = False
        take(place)
    return np.array(taken, np.intp), np.array(most)


def highest(scores: Array, count: int) -> NDArray[np.intp]:
    """Places of the `count` highest of `[N]` scores, the highest first; equal ones keep their order."""
    return np.argsort(-scores, kind="stable")[:count]
