"""Baselines of speech emotion: each gives label probabilities `[N, K]` for N clips of mel frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.scoring.mfcc import MfccLogistic, mfcc_statistics

Frames = NDArray[np.floating]
Predict = Callable[[Sequence[Frames]], NDArray[np.float64]]


def fit_baselines(
    train: Sequence[Frames], labels: NDArray[np.integer], val: Sequence[Frames], val_labels: NDArray[np.integer],
    classes: int,
) -> dict[str, Predict]:  # fmt: skip
    """Every baseline by name, fitted on `train`; the regression's strength is chosen on `val`."""
    counts = np.bincount(labels, minlength=classes).astype(np.float64)
    logistic = MfccLogistic.fit(mfcc_statistics(train), labels, mfcc_statistics(val), val_labels, classes)
    return {
        "majority": lambda clips: np.tile(counts / counts.sum(), (len(clips), 1)),
        "mfcc+logistic": lambda clips: logistic.probabilities(mfcc_statistics(clips)),
    }
