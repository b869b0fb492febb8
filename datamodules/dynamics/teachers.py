"""Boosted trees that teach the dynamics network what velocity a note has.

The folds of the trees are of pieces, so that each training note has trees that have not heard its piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kmidi_lab.contracts import DYNAMICS
from kmidi_lab.models.dynamics.features import WRITTEN, EncodedPiece

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

_PREVIOUS = DYNAMICS.input("previous_velocities").index
_VELOCITY = DYNAMICS.output("velocity").start
_TREE_NOTES = 250_000
_UNWRITTEN = 0.25


class Notes:
    """The training notes behind each other, pieces alike in weight; the previous velocities are left out."""

    def __init__(self, pieces: Sequence[EncodedPiece]) -> None:
        ordered = sorted(pieces, key=lambda p: p.piece)
        self.x, self.y, self.mask = (np.concatenate([getattr(p, n) for p in ordered]) for n in ("x", "y", "mask"))
        self.x[:, _PREVIOUS] = 0
        self.ends = np.cumsum([len(p.x) for p in ordered])
        self.names, of_performance = np.unique([p.piece for p in ordered], return_inverse=True)
        self.piece = np.repeat(of_performance, [len(p.x) for p in ordered])
        self.heard = self.mask[:, _VELOCITY] > 0
        self.count = np.bincount(self.piece[self.heard], minlength=len(self.names))
        self.weight = (1 / np.maximum(self.count, 1))[self.piece]
        self.weight /= self.weight[self.heard].mean()
        velocity = self.y[:, _VELOCITY]
        average = np.average(velocity[self.heard], weights=self.weight[self.heard])
        parts = zip(self.split(velocity), self.split(self.heard), strict=True)
        means = [v[h].mean() if h.any() else average for v, h in parts]
        self.level = np.repeat(np.array(means) - average, [len(p.x) for p in ordered])

    def split(self, values: np.ndarray) -> list[np.ndarray]:
        """By performance."""
        return np.split(values, self.ends[:-1])


class Teachers:
    """Two boosted regressions of the velocity for each fold of pieces, fitted on the other folds.

    One of a pair learns velocities as played, the other each performance brought to the average level, which has the
    better shape. A quarter of the notes learn without their written dynamic.
    """

    def __init__(self, notes: Notes, folds: int, seed: int = 0) -> None:
        self._fold = np.random.default_rng(seed).permutation(len(notes.names))[notes.piece] % folds
        self._trees = [
            [
                _fit(notes, np.flatnonzero(notes.heard & (self._fold != fold)), level, 2 * fold + level)
                for level in (0, 1)
            ]
            for fold in range(folds)
        ]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """`[N, 32]` to velocities `[N]`, 0..1: the mean of all."""
        return np.mean([_ask(pair, x) for pair in self._trees], 0).astype(np.float32)

    def unheard(self, x: np.ndarray) -> np.ndarray:
        """The same of the training notes in order, by the pair alone that has not heard the note's piece."""
        out = np.zeros(len(x), np.float32)
        for fold, pair in enumerate(self._trees):
            out[self._fold == fold] = _ask(pair, x[self._fold == fold])
        return out


def _fit(notes: Notes, rows: np.ndarray, level: int, seed: int) -> HistGradientBoostingRegressor:
    from sklearn.ensemble import HistGradientBoostingRegressor  # most trainings have no teachers

    rng = np.random.default_rng(seed)
    rows = rng.choice(rows, min(len(rows), _TREE_NOTES), replace=False)
    x, y = notes.x[rows], notes.y[rows, _VELOCITY] - level * notes.level[rows]
    x[rng.random(len(x)) < _UNWRITTEN, WRITTEN] = 0
    trees = HistGradientBoostingRegressor(
        max_iter=250, learning_rate=0.06, max_leaf_nodes=31, min_samples_leaf=min(1000, 1 + len(rows) // 200),
        max_features=0.3, l2_regularization=10.0, early_stopping=False, random_state=seed,
    )  # fmt: skip
    return trees.fit(x, y, notes.weight[rows])


def _ask(trees: Sequence[HistGradientBoostingRegressor], x: np.ndarray) -> np.ndarray:
    return np.clip(np.mean([t.predict(x) for t in trees], 0), 0, 1)
