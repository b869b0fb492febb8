"""Whether what a model is asked about is still like what it was made for: PSI of each number, MMD of all together.

The population stability index (Siddiqi, 2006) compares one number's shares of ten ranges; below 0.1 is usual, above
0.25 another population. Maximum mean discrepancy (Gretton et al., JMLR 2012) sees what no single number shows; how
often chance alone gives as much is counted over random divisions of both together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.errors import DataError

Array = NDArray[np.floating]
FEWEST = 100
"""Vectors below which nothing can be said."""
PSI_LIMIT, CHANCE_LIMIT = 0.25, 0.01
_BINS, _LEAST_SHARE = 10, 1e-3
_MOST, _DIVISIONS = 500, 300
"""Vectors of each side for MMD, and random divisions; 300 can show a chance of 0.0033."""


@dataclass(frozen=True)
class Drift:
    """PSI of each number `[N]` less what chance gives, the squared MMD, and how often chance gives as much."""

    psi: Array
    mmd: float
    chance: float
    reference: int
    seen: int

    @property
    def alert(self) -> bool:
        """Some number is of another population, and chance does not explain the whole."""
        return bool(self.psi.max() > PSI_LIMIT and self.chance <= CHANCE_LIMIT)


def psi(reference: Array, seen: Array) -> float:
    """The index of one number, `[R]` and `[S]`, less its mean by chance; ranges hold a tenth of `reference` each.

    A value that more than a tenth of `reference` has is a range of its own.
    """
    edges = np.unique(np.quantile(reference, np.linspace(0, 1, _BINS + 1)[1:-1]))
    # Each edge is a range, too: most inputs hold a few values only.
    places = 2 * len(edges) + 1
    shares = [
        np.bincount(np.searchsorted(edges, x, "left") + np.searchsorted(edges, x, "right"), minlength=places) / len(x)
        for x in (reference, seen)
    ]
    used = int(((shares[0] + shares[1]) > 0).sum())
    p, q = (np.maximum(share, _LEAST_SHARE) for share in shares)
    by_chance = (used - 1) * (1 / len(reference) + 1 / len(seen))
    return float(((q - p) * np.log(q / p)).sum() - by_chance)


def mmd(reference: Array, seen: Array, rng: np.random.Generator) -> tuple[float, float]:
    """The squared MMD of `[R, N]` and `[S, N]` under a Gaussian kernel of the median distance, and its chance."""
    both = np.concatenate([reference, seen]).astype(float)
    both = both / np.where(reference.std(axis=0) > 0, reference.std(axis=0), 1.0)
    norms = (both**2).sum(axis=1)
    distance = np.maximum(norms[:, None] + norms - 2 * both @ both.T, 0.0)
    median = float(np.median(distance[np.triu_indices(len(both), 1)]))
    kernel = np.exp(-distance / (median or 1.0))
    side = np.repeat([1.0 / len(reference), -1.0 / len(seen)], [len(reference), len(seen)])
    observed = float(side @ kernel @ side)
    drawn = np.stack([rng.permutation(side) for _ in range(_DIVISIONS)])
    as_much = ((drawn @ kernel) * drawn).sum(axis=1) >= observed
    return observed, float((1 + as_much.sum()) / (1 + _DIVISIONS))


def drift(reference: Array, seen: Array, seed: int) -> Drift:
    """Compares vectors `[R, N]` that a model was made for with those it was asked about, `[S, N]`.

    Raises:
        DataError: fewer than `FEWEST` of either, or vectors of another size.
    """
    if min(len(reference), len(seen)) < FEWEST:
        raise DataError(
            f"{len(seen)} inputs and {len(reference)} of the data; {FEWEST} of each are needed to compare them"
        )
    if reference.shape[1] != seen.shape[1]:
        raise DataError(
            f"inputs of {seen.shape[1]} numbers, the data have {reference.shape[1]}; choose another model=…"
        )
    rng = np.random.default_rng(seed)
    values = np.array([psi(r, s) for r, s in zip(reference.T, seen.T, strict=True)])
    some = [x[rng.permutation(len(x))[:_MOST]] for x in (reference, seen)]
    return Drift(values, *mmd(some[0], some[1], rng), len(reference), len(seen))
