"""How labels of which several may hold are scored: a cut for each, and F1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_CUTS = np.arange(0.06, 0.8, 0.02)


def f1(said: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Of one label `[E]`: the harmonic mean of precision and recall; 0 where it is never said and never true."""
    both = int((said & true).sum())
    return 2 * both / max(1, int(said.sum() + true.sum()))


def best_cuts(p: NDArray[np.floating], true: NDArray[np.bool_]) -> NDArray[np.float32]:
    """`[K]`: for each label the probability from which on it is said, the one with the best F1 on `[E, K]`."""
    scores = np.array([[f1(p[:, k] >= cut, true[:, k]) for cut in _CUTS] for k in range(p.shape[1])])
    return _CUTS[scores.argmax(1)].astype(np.float32)


def macro_f1(p: NDArray[np.floating], true: NDArray[np.bool_], cuts: NDArray[np.floating]) -> float:
    """The mean over labels of F1 `[E, K]`, with a cut for each."""
    return float(np.mean([f1(p[:, k] >= cuts[k], true[:, k]) for k in range(p.shape[1])]))


def pearson(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    """Correlation of `[E]` and `[E]`; 0 where one of them is constant."""
    if a.std() < 1e-9 or b.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
