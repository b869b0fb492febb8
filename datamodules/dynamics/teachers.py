"""Boosted trees that teach the dynamics network what velocity and timing a note has.

The folds of the trees are of pieces, so that each training note has trees that have not heard its piece.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kmidi_lab.models.dynamics.contract import DYNAMICS
from kmidi_lab.models.dynamics.features import WRITTEN, EncodedPiece

if TYPE_CHECKING:
    from sklearn.ensemble import HistGradientBoostingRegressor

_PREVIOUS = DYNAMICS.input("previous_velocities").index
_VELOCITY, _TIMING = DYNAMICS.output("velocity").start, DYNAMICS.output("timing").start
_TREE_NOTES = 300_000
_UNWRITTEN = 0.25
_SETTINGS: dict[int, dict[str, Any]] = {
    _VELOCITY: {"max_iter": 250, "max_leaf_nodes": 31},
    # A pianist's timing is nearly all noise with far outliers: smaller trees, for the error that is measured.
    _TIMING: {"max_iter": 100, "max_leaf_nodes": 15, "loss": "absolute_error"},
}


class Notes:
    """The training notes behind each other; the previous velocities are left out."""

    def __init__(self, pieces: Sequence[EncodedPiece]) -> None:
        ordered = sorted(pieces, key=lambda p: p.piece)
        self.x, self.y, self.mask = (np.concatenate([getattr(p, n) for p in ordered]) for n in ("x", "y", "mask"))
        self.x[:, _PREVIOUS] = 0
        self.ends = np.cumsum([len(p.x) for p in ordered])
        self.names, of_performance = np.unique([p.piece for p in ordered], return_inverse=True)
        self.piece = np.repeat(of_performance, [len(p.x) for p in ordered])
        self.heard = self.mask[:, _VELOCITY] > 0
        self.count = np.bincount(self.piece[self.heard], minlength=len(self.names))
        velocity = self.y[:, _VELOCITY]
        alike = (1 / np.maximum(self.count, 1))[self.piece]
        average = np.average(velocity[self.heard], weights=alike[self.heard])
        parts = zip(self.split(velocity), self.split(self.heard), strict=True)
        means = [v[h].mean() if h.any() else average for v, h in parts]
        self.level = np.repeat(np.array(means) - average, [len(p.x) for p in ordered])

    def split(self, values: np.ndarray) -> list[np.ndarray]:
        """By performance."""
        return np.split(values, self.ends[:-1])


class Teachers:
    """A boosted regression of one output for each fold of pieces, fitted on the other folds, pieces alike in weight.

    A quarter of the notes learn without their written dynamic.

    Args:
        notes: the training notes.
        folds: of pieces.
        column: of the outputs: the velocity or the timing.
        levelled: each performance is brought to the average level first, which gives a better shape.
    """

    def __init__(self, notes: Notes, folds: int, column: int = _VELOCITY, levelled: bool = False) -> None:
        self._fold = np.random.default_rng(0).permutation(len(notes.names))[notes.piece] % folds
        known = notes.mask[:, column] > 0
        y = notes.y[:, column] - levelled * notes.level
        self._trees = [
            _fit(notes, np.flatnonzero(known & (self._fold != f)), y, _SETTINGS[column], f) for f in range(folds)
        ]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """`[N, 32]` to outputs `[N]`, 0..1: the mean of all."""
        return np.mean([_ask(trees, x) for trees in self._trees], 0).astype(np.float32)

    def unheard(self, x: np.ndarray) -> np.ndarray:
        """The same of the training notes in order, by the trees alone that have not heard the note's piece."""
        out = np.zeros(len(x), np.float32)
        for fold, trees in enumerate(self._trees):
            out[self._fold == fold] = _ask(trees, x[self._fold == fold])
        return out


def _fit(
    notes: Notes, rows: np.ndarray, y: np.ndarray, settings: dict[str, Any], seed: int
) -> HistGradientBoostingRegressor:
    from sklearn.ensemble import HistGradientBoostingRegressor  # most trainings have no teachers

    weight = 1 / np.maximum(np.bincount(notes.piece[rows], minlength=len(notes.names)), 1)[notes.piece]
    rng = np.random.default_rng(seed)
    rows = rng.choice(rows, min(len(rows), _TREE_NOTES), replace=False)
    x = notes.x[rows]
    x[rng.random(len(x)) < _UNWRITTEN, WRITTEN] = 0
    trees = HistGradientBoostingRegressor(
        **settings, learning_rate=0.06, min_samples_leaf=min(1000, 1 + len(rows) // 200),
        max_features=0.3, l2_regularization=10.0, early_stopping=False, random_state=seed,
    )  # fmt: skip
    return trees.fit(x, y[rows], weight[rows] / weight[rows].mean())


def _ask(trees: HistGradientBoostingRegressor, x: np.ndarray) -> np.ndarray:
    return np.clip(trees.predict(x), 0, 1)
