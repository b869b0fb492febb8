"""Randomness that depends on run seed and epoch alone, so that a resumed run goes on as an unbroken one."""

from __future__ import annotations

import os

_STRIDE = 1_000_003


def epoch_seed(epoch: int) -> int:
    """A seed for one epoch of the run that `lightning.seed_everything` has seeded (0 without it)."""
    return (int(os.environ.get("PL_GLOBAL_SEED", "0")) * _STRIDE + epoch) % 2**63
