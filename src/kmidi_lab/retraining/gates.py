"""Whether a retrained model may take the place of the released one: paired bootstrap, one-sided.

B. Efron, R. Tibshirani, *An Introduction to the Bootstrap* (1993), ch. 13: the 95th percentile of the mean difference
over draws of whole groups with replacement is a bound that the true one is below in 95 of 100 cases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.retraining.lessons import Array
from kmidi_lab.scoring.metrics import bootstrap_means

LEVEL, ROUNDS = 0.05, 4000
FEWEST_GROUPS = 5
"""Fewer users than these say nothing of the spread between users; then single judgements are drawn."""


@dataclass(frozen=True)
class Gate:
    """Mean losses `before` and `after`, the upper `bound` of their difference, and the `limit` that it must be below."""

    name: str
    before: float
    after: float
    bound: float
    limit: float
    count: int

    @property
    def passed(self) -> bool:
        """False where anything is no number."""
        return bool(self.bound < self.limit)

    def __str__(self) -> str:
        return (
            f"{self.name}: loss {self.before:.4g} before, {self.after:.4g} after, on {self.count}; the difference is below "
            f"{self.bound:+.4g} in 95 of 100 draws, and must be below {self.limit:+.4g}: {'passed' if self.passed else 'failed'}"
        )


def not_worse(before: Array, after: Array, weights: Array, margin: float, seed: int, of: str = "") -> Gate:
    """The frozen test, `[G]` songs or takes, of what `of` names: worse by less than a share `margin` of the loss before."""
    mean = float(np.average(before, weights=weights))
    bound = upper_bound(after - before, np.arange(len(before)), weights, seed)
    return Gate(
        f"frozen test of the {of}" if of else "frozen test",
        mean,
        float(np.average(after, weights=weights)),
        bound,
        margin * mean,
        len(before),
    )


def better(
    before: Array,
    after: Array,
    users: NDArray[np.integer],
    judged: NDArray[np.integer],
    items: NDArray[np.integer],
    weights: Array,
    seed: int,
) -> Gate:
    """Held-out feedback, `[E]` events of users, of their judgements and of items: better beyond chance.

    Events of one group have their chance in common, so the highest of the bounds by each way to group them counts.
    """
    ways = [judged, items, *([users] if len(np.unique(users)) >= FEWEST_GROUPS else [])]
    bound = float(np.max([upper_bound(after - before, groups, weights, seed) for groups in ways]))
    first, second = (float(np.average(values, weights=weights)) for values in (before, after))
    return Gate("held-out feedback", first, second, bound, 0.0, len(before))


def upper_bound(differences: Array, groups: NDArray[np.integer], weights: Array, seed: int) -> float:
    """The bound of the weighted mean of `[E]` differences, drawn by group `[E]`."""
    means = bootstrap_means(differences, groups, weights, seed, ROUNDS)
    return float(np.quantile(means, 1 - LEVEL)) if len(means) else float("nan")
