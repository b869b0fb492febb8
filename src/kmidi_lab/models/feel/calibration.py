"""Confidence as a probability: what its logit is multiplied by, and what is added, so that it is the share that is right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

Array = NDArray[np.float64]
_WEAK = 100.0
"""Inverse strength of the prior that slopes are small."""
_FEWEST = 5


def fit_confidence(logits: Array, right: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Slope and offset (J. Platt, 1999) by logits `[N]` of excerpts that were not learnt from, and whether each was right.

    None where fewer than five are right or wrong, or where being surer does not mean being right more often.
    """
    if min(right.sum(), (~right).sum()) < _FEWEST:
        return None
    fitted = LogisticRegression(C=_WEAK).fit(logits[:, None], right)
    slope, offset = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    return (slope, offset) if slope > 0 else None
