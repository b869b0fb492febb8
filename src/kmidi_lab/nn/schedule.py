"""What a training does by its step and epoch: the learning rate, and the seed of what is drawn."""

from __future__ import annotations

import os
from collections.abc import Callable
from math import cos, pi

_WARM_UP, _FIRST, _LAST = 0.1, 0.04, 1e-4
_SEED_STRIDE = 1_000_003


def epoch_seed(epoch: int) -> int:
    """A seed of the run's seed and the epoch alone, so that a resumed run goes on as an unbroken one.

    The run's is that of `lightning.seed_everything`, 0 without it.
    """
    return (int(os.environ.get("PL_GLOBAL_SEED", "0")) * _SEED_STRIDE + epoch) % 2**63


def one_cycle(steps: int) -> Callable[[int], float]:
    """Share of the peak learning rate by step: up along a cosine for a tenth of the run, then down to nearly 0."""
    peak = max(1.0, _WARM_UP * steps)

    def share(step: int) -> float:
        if step < peak:
            return _FIRST + (1 - _FIRST) * (1 - cos(pi * step / peak)) / 2
        done = min(1.0, (step - peak) / max(1.0, steps - peak))
        return _LAST + (1 - _LAST) * (1 + cos(pi * done)) / 2

    return share
