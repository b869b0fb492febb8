"""Which directions tell classes apart: linear discriminant analysis (C. Rao, 1948) with a shrunken covariance.

Each is scaled so that examples of one class vary by about 1 along it. Few numbers are left that way, and what is learnt
from them can't learn speakers by heart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.contracts import EMOTION

_SHRINKAGE = 0.05
"""Share of no correlation in the correlations within classes, which are of more numbers than there are clips to tell."""


def fit_discriminants(
    x: NDArray[np.floating], classings: Sequence[tuple[NDArray[np.integer], int]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One direction less than there are classes for each of the classings, most telling first, one classing behind the other.

    Args:
        x: `[N, D]` examples.
        classings: `[N]`, whole numbers that say which examples are alike, and how many classes there are. Where some of
            them have no examples, the directions that are missing are zeros.

    Returns:
        Weight `[K, D]` and bias `[K]`: `x @ weight.T + bias` has mean 0 over the examples.
    """
    mean = x.mean(0, np.float64)
    weight = np.concatenate([_directions(x - mean, classes, count) for classes, count in classings])
    return weight, -weight @ mean


def spare_directions(count: int) -> NDArray[np.float32]:
    """`[64, count]`: orthonormal directions of an embedding that no reading sees, the same every time; 45 at most."""
    blocks = [EMOTION.output(name).index for name in ("valence", "arousal", "dominance")]
    # Of these blocks readings see the sums, of the fourth block all.
    drawn = np.random.default_rng(0).standard_normal((len(blocks), EMOTION.output("valence").size, count))
    unseen, _ = np.linalg.qr((drawn - drawn.mean(1, keepdims=True)).reshape(-1, count))
    directions = np.zeros((EMOTION.output_size, count), np.float32)
    for block, rows in zip(blocks, np.split(unseen, len(blocks)), strict=True):
        directions[block] = rows
    return directions


def _directions(x: NDArray[np.float64], classes: NDArray[np.integer], count: int) -> NDArray[np.float64]:
    """`[count - 1, D]` of examples `[N, D]` with mean 0."""
    _, place, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    centres = np.stack([x[place == k].mean(0) for k in range(len(sizes))])
    own = x - centres[place]
    # Where each class has one example, nothing varies within them.
    scale = np.maximum(np.maximum(own.std(0), 0.1 * x.std(0)), 1e-9)
    own /= scale
    alike = (1 - _SHRINKAGE) * own.T @ own / len(x) + _SHRINKAGE * np.eye(x.shape[1])
    variance, axes = np.linalg.eigh(alike)
    whitening = axes / np.sqrt(np.maximum(variance, 1e-9)) / scale[:, None]
    between = centres @ whitening * np.sqrt(sizes / len(x))[:, None]
    _, _, directions = np.linalg.svd(between, full_matrices=False)
    found = min(len(sizes) - 1, count - 1, x.shape[1])
    weight = np.zeros((count - 1, x.shape[1]))
    weight[:found] = directions[:found] @ whitening.T
    return weight
