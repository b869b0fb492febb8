"""How sure a classifier may be: its logits scaled so that its probabilities are right for people it did not learn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.scoring.metrics import log_likelihoods, softmax

Judged = tuple[NDArray[np.floating], NDArray[np.integer]]
"""Logits `[N, K]` of examples that were not learnt from, and their classes `[N]`."""
_SCALES = np.geomspace(0.2, 5.0, 161)


def sharpness(logits: NDArray[np.floating], true: NDArray[np.integer]) -> float:
    """What logits `[N, K]` are best multiplied by: one over the temperature of C. Guo et al., *On calibration*, 2017.

    Args:
        logits: of examples that were not learnt from.
        true: `[N]`, their classes.

    Returns:
        From 0.2 to 5, the one of 161 values for which the true classes are likeliest.
    """
    values = logits.astype(np.float64)
    return float(max(_SCALES, key=lambda scale: log_likelihoods(softmax(scale * values), true).mean()))


def crossed(folds: Sequence[Judged]) -> list[NDArray[np.float64]]:
    """Probabilities `[N, K]` of each of two folds and more, as sure as the other folds' examples allow."""
    out = []
    for place, (logits, _) in enumerate(folds):
        others = [*folds[:place], *folds[place + 1 :]]
        scale = sharpness(np.concatenate([of for of, _ in others]), np.concatenate([true for _, true in others]))
        out.append(softmax(scale * logits.astype(np.float64)))
    return out
