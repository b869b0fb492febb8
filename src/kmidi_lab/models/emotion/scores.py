"""How the emotion model's answers are scored: its labels, and what its embedding is read as."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.models.emotion.features import SCALARS
from kmidi_lab.scoring.metrics import (
    expected_calibration_error,
    log_likelihoods,
    softmax,
)


def decode(embeddings: NDArray[np.floating], head: dict[str, np.ndarray]) -> NDArray[np.float64]:
    """Label probabilities `[N, K]` of embeddings `[N, 64]` by the head of `emotionrecognizer.head.json`."""
    return softmax(embeddings.astype(np.float64) @ head["weight"].T.astype(np.float64) + head["bias"])


def uar(p: NDArray[np.floating], true: NDArray[np.integer]) -> float:
    """Unweighted average recall over the labels that there are."""
    right = p.argmax(1) == true
    return float(np.mean([right[true == label].mean() for label in np.unique(true)]))


def ccc(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Concordance correlation of `[N]` and `[N]`: 1 where they are equal, 0 where one is constant."""
    spread = a.var() + b.var() + (a.mean() - b.mean()) ** 2
    return float(2 * np.mean((a - a.mean()) * (b - b.mean())) / spread) if spread > 1e-12 else 0.0


def label_scores(p: NDArray[np.floating], true: NDArray[np.integer]) -> dict[str, float]:
    """Of probabilities `[N, K]`, by metric; `true` `[N]` are the labels."""
    return {
        "uar": uar(p, true),
        "accuracy": float((p.argmax(1) == true).mean()),
        "nll": float(-log_likelihoods(p, true).mean()),
        "ece": expected_calibration_error(p, true),
    }


def agreement(readings: NDArray[np.floating], targets: NDArray[np.floating]) -> dict[str, float]:
    """The `ccc` of each of the readings `[N, S]` and what they should be `[N, S]`, by metric."""
    names = SCALARS[: targets.shape[1]]
    return {f"{name}_ccc": ccc(readings[:, i], targets[:, i]) for i, name in enumerate(names)}
