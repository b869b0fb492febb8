"""Fits what says that a sound is not like those of the training, and scores it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.inference.outliers import OutlierDetector

FALSE_ALARMS = 0.05
_SHRINKAGE = 0.02
"""Share of the mean variance in the covariance, which has many directions that hardly vary."""


def fit_outliers(
    outputs: NDArray[np.floating],
    classes: NDArray[np.integer],
    held_out: NDArray[np.floating],
    false_alarms: float = FALSE_ALARMS,
) -> OutlierDetector:
    """A detector that calls `false_alarms` of the sounds held out outliers.

    Args:
        outputs: `[N, M]` mean outputs of training sounds.
        classes: `[N]`, whose distances from their class's mean make the covariance.
        held_out: `[H, M]` of sounds of the same kind that were not trained on, such as those of validation speakers.
        false_alarms: share of them beyond the threshold.

    Raises:
        ValueError: nothing to fit on, or all outputs are the same.
    """
    if not len(outputs) or not len(held_out):
        raise ValueError("outliers need outputs of training sounds and of sounds held out")
    names, inverse = np.unique(classes, return_inverse=True)
    x = np.asarray(outputs, np.float64)
    means = np.stack([x[inverse == k].mean(0) for k in range(len(names))])
    apart = x - means[inverse]
    covariance = apart.T @ apart / len(x)
    size = len(covariance)
    power = float(np.trace(covariance)) / size
    if not power > 0:
        raise ValueError("outliers need outputs that differ")
    covariance = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * power * np.eye(size)
    variance, directions = np.linalg.eigh(covariance)
    whitening = np.ascontiguousarray((directions / np.sqrt(variance)).T)
    unit = OutlierDetector(means.astype(np.float32), whitening.astype(np.float32), 1.0, false_alarms)
    threshold = float(np.quantile(unit.distance(held_out), 1 - false_alarms))
    return OutlierDetector(unit.means, unit.whitening, threshold, false_alarms)
