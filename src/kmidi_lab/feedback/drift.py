"""Whether what a model is asked about is still like what it was made for: PSI of each number, MMD of all together.

The population stability index (Siddiqi, 2006) compares one number's shares of ten ranges; below 0.1 is usual, above
0.25 another population. Maximum mean discrepancy (Gretton et al., JMLR 2012) sees what no single number shows. Here it is
that of random features, whose mean over the training inputs is published with the model (J. Zhao, D. Meng, *FastMMD*,
Neural Computation 2015); how often chance alone gives as much is counted over draws of the inputs seen, with replacement,
around their own mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.errors import DataError
from kmidi_lab.inference.known_inputs import KnownInputs, Ranges

Array = NDArray[np.floating]
FEWEST = 100
"""Vectors below which nothing can be said."""
PSI_LIMIT, CHANCE_LIMIT = 0.25, 0.01
_LEAST_SHARE, _DRAWS = 1e-3, 300
"""300 draws can show a chance of 0.0033."""


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


def psi(known: Ranges, count: int, seen: Array) -> float:
    """The index of one number, less its mean by chance.

    Args:
        known: its ranges in the training inputs.
        count: how many these were.
        seen: `[S]`.
    """
    shares = known.shares, known.shares_of(seen)
    used = int(((shares[0] + shares[1]) > 0).sum())
    p, q = (np.maximum(share, _LEAST_SHARE) for share in shares)
    by_chance = (used - 1) * (1 / count + 1 / len(seen))
    return float(((q - p) * np.log(q / p)).sum() - by_chance)


def mmd(known: KnownInputs, seen: Array, rng: np.random.Generator) -> tuple[float, float]:
    """The squared MMD of `[S, N]` from the training inputs, under a Gaussian kernel of their median distance, and its chance."""
    features = known.features(seen)
    mean = features.mean(axis=0)
    observed = float(((mean - known.mean) ** 2).sum())
    often = rng.multinomial(len(seen), np.full(len(seen), 1 / len(seen)), _DRAWS) / len(seen)
    # The training inputs are a sample, too.
    drawn = ((often @ features - mean) ** 2).sum(axis=1) * (1 + len(seen) / known.count)
    return observed, float((1 + (drawn >= observed).sum()) / (1 + _DRAWS))


def drift(known: KnownInputs, seen: Array, seed: int) -> Drift:
    """Compares what a model was made for with the vectors that it was asked about, `[S, N]`.

    Raises:
        DataError: fewer than `FEWEST` of either, or vectors of another size.
    """
    if min(known.count, len(seen)) < FEWEST:
        raise DataError(
            f"{len(seen)} inputs and {known.count} of the data; {FEWEST} of each are needed to compare them"
        )
    if len(known.ranges) != seen.shape[1]:
        raise DataError(f"inputs of {seen.shape[1]} numbers, the data have {len(known.ranges)}; choose another model=…")
    values = np.array([psi(ranges, known.count, column) for ranges, column in zip(known.ranges, seen.T, strict=True)])
    return Drift(values, *mmd(known, seen, np.random.default_rng(seed)), known.count, len(seen))
