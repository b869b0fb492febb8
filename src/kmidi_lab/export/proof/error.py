"""How far two runs of a model are apart: the one measure of parity, golden vectors and verification.

The error of a value is its absolute difference, divided by the largest wanted value of its slice in that call where that
is above 1. So it is absolute for probabilities and other values within ±1, relative where float32 itself has no more
digits, and a slice of large values does not hide an error in a small one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.contracts import Slice
from kmidi_lab.errors import ExportError

Array = NDArray[np.float32]


class Worst:
    """`call`, `output` and `error` of the largest error; NaN and infinity count as infinitely far.

    Args:
        got: `[T, M]`.
        expected: `[T, M]`.
        slices: of the outputs; all as one where they are not known.

    Raises:
        ExportError: the shapes differ.
    """

    def __init__(self, got: Array, expected: Array, slices: Sequence[Slice] = ()) -> None:
        if got.shape != expected.shape:
            raise ExportError(f"outputs {list(got.shape)} where {list(expected.shape)} are expected")
        # float64, so that the difference of two huge outputs does not overflow.
        wide = expected.astype(np.float64)
        scale = np.ones_like(wide)
        for part in [s.index for s in slices] or [slice(None)]:
            scale[:, part] = np.maximum(1.0, np.abs(wide[:, part]).max(axis=1, keepdims=True, initial=0.0))
        with np.errstate(all="ignore"):
            difference = np.abs(got - wide) / scale
        difference[~np.isfinite(difference)] = np.inf
        self.call, self.output = (int(i) for i in np.unravel_index(difference.argmax(), difference.shape))
        self.error = float(difference[self.call, self.output])
