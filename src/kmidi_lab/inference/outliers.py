"""Whether a sound is like those that a model was trained on: the distance of its mean output from theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEY = "outliers"
"""What the head file calls it."""


@dataclass(frozen=True)
class OutlierDetector:
    """The Mahalanobis distance from the nearest class (K. Lee et al., *A Simple Unified Framework for Detecting
    Out-of-Distribution Samples*, 2018).

    Attributes:
        means: mean output `[K, M]` of each class of training sounds.
        whitening: `[R, M]`; the classes' common covariance is the unit matrix behind it.
        threshold: the distance that `false_alarms` of the sounds held out lie beyond.
        false_alarms: share, 0 to 1.
    """

    means: NDArray[np.float32]
    whitening: NDArray[np.float32]
    threshold: float
    false_alarms: float

    def distance(self, outputs: NDArray[np.floating]) -> NDArray[np.float64]:
        """`[..., M]` mean outputs to `[...]`: 1 at the threshold, an outlier beyond."""
        apart = np.asarray(outputs, np.float64)[..., None, :] - self.means
        whitened = apart @ self.whitening.T.astype(np.float64)
        return np.asarray(np.sqrt((whitened**2).sum(-1)).min(-1) / self.threshold)

    def layout(self) -> dict[str, object]:
        """What the head file holds."""
        return {
            "decode": "distance = least of norm(whitening @ (output - mean)) over the means, by the threshold; the output "
            "is the mean of those that count; beyond 1 the sound is not like those of the training",
            "threshold": self.threshold,
            "false_alarms": self.false_alarms,
            "means": self.means,
            "whitening": self.whitening,
        }


def read_outliers(head: Mapping[str, Any], outputs: int) -> OutlierDetector | None:
    """The detector of a head file, None where it has none.

    Args:
        head: the file's content.
        outputs: how many the model has.

    Raises:
        ValueError, KeyError, TypeError: it can't be used.
    """
    if KEY not in head:
        return None
    layout = head[KEY]
    means, whitening = (np.array(layout[name], np.float32) for name in ("means", "whitening"))
    threshold, false_alarms = float(layout["threshold"]), float(layout["false_alarms"])
    for name, values in (("means", means), ("whitening", whitening)):
        if values.ndim != 2 or not len(values) or values.shape[1] != outputs or not np.isfinite(values).all():
            raise ValueError(f"{KEY}.{name} must be rows of {outputs} finite numbers")
    if not (0 < threshold < np.inf and 0 <= false_alarms <= 1):
        raise ValueError(f"{KEY}.threshold must be above 0 and false_alarms 0 to 1")
    return OutlierDetector(means, whitening, threshold, false_alarms)
