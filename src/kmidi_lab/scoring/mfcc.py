"""The baseline of everything that listens: statistics of MFCCs over a clip, and logistic regression on them.

MFCCs (S. Davis, P. Mermelstein, 1980) are taken from the contract's own mel frames, so that the baseline hears exactly
what the network hears.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

COEFFICIENTS = 20
_STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)
_STEPS = 1000

Floats = NDArray[np.floating]


def mfcc_statistics(clips: Sequence[Floats], coefficients: int = COEFFICIENTS) -> NDArray[np.float32]:
    """Mean and standard deviation of each MFCC, and standard deviation of its change from frame to frame.

    Args:
        clips: mel frames `[T_i, 128]` each, T_i at least 1.

    Returns:
        `[N, 3 * coefficients]`.
    """
    return np.stack([_statistics(np.asarray(clip, np.float32), coefficients) for clip in clips])


def _statistics(frames: NDArray[np.float32], coefficients: int) -> NDArray[np.float32]:
    mfcc = dct(frames, norm="ortho", axis=1)[:, :coefficients]
    change = np.diff(mfcc, axis=0, prepend=mfcc[:1])
    return np.concatenate([mfcc.mean(0), mfcc.std(0), change.std(0)]).astype(np.float32)


@dataclass(frozen=True)
class MfccLogistic:
    """Multinomial logistic regression on standardised statistics."""

    scaler: StandardScaler
    model: LogisticRegression
    classes: int

    @classmethod
    def fit(
        cls, x: Floats, labels: NDArray[np.integer], val_x: Floats, val_labels: NDArray[np.integer], classes: int
    ) -> MfccLogistic:
        """Fitted on `x` `[N, F]` with `labels` `[N]` below `classes`; its strength is what is best on the val part."""
        scaler = StandardScaler().fit(x)
        fitted = [
            cls(scaler, LogisticRegression(C=c, max_iter=_STEPS).fit(scaler.transform(x), labels), classes)
            for c in _STRENGTHS
        ]
        return max(fitted, key=lambda f: float((f.probabilities(val_x).argmax(1) == val_labels).mean()))

    def probabilities(self, x: Floats) -> NDArray[np.float64]:
        """`[N, classes]`; a class that was not in the training data has probability 0."""
        out = np.zeros((len(x), self.classes))
        out[:, self.model.classes_] = self.model.predict_proba(self.scaler.transform(x))
        return out
