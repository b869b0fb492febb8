"""Baselines of expressive performance: each maps contract vectors `[B, 32]` to outputs `[B, 16]`.

They see what the network sees, so they run with the velocities as played or with their own, as it does. Those that do
not hear the previous velocities say so (`hears_history`): a performance is one call then. Pieces count alike
in their fits, however long or often played, as they do in the network's training and in the metrics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.midi.score import PHRASE_BARS
from kmidi_lab.models.dynamics.contract import DYNAMICS
from kmidi_lab.models.dynamics.features import WRITTEN, Call, EncodedPiece

_HISTORY = DYNAMICS.input("previous_velocities").index
_METRE, _PLACE = DYNAMICS.input("metre").start, DYNAMICS.input("position").start
_VELOCITY = DYNAMICS.output("velocity").start
_LOUD = slice(DYNAMICS.output("velocity").start, DYNAMICS.output("velocity_curve").stop)
_TREE_NOTES = 200_000
_PENALTIES = (1.0, 1e2, 1e4, 1e5)


class Loss(Protocol):
    """What a choice on the validation split is made by."""

    def __call__(self, call: Call, pieces: Sequence[EncodedPiece]) -> float: ...


class Constant:
    """The mean of each output over the training pieces."""

    hears_history = False

    def __init__(self, pieces: Sequence[EncodedPiece]) -> None:
        _, y, counted = _stack(pieces)
        self.mean = (y * counted).sum(0) / np.maximum(counted.sum(0), 1e-9)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.tile(self.mean, (len(x), 1)).astype(np.float32)


class Metrical:
    """The mean over the training notes of the same metre and place in the bar; over all where there are none."""

    hears_history = False

    def __init__(self, pieces: Sequence[EncodedPiece]) -> None:
        self._fallback = Constant(pieces)
        x, y, counted = _stack(pieces)
        keys, place = np.unique(_places(x), axis=0, return_inverse=True)
        total, count = np.zeros((len(keys), y.shape[1])), np.zeros((len(keys), y.shape[1]))
        np.add.at(total, place, y * counted)
        np.add.at(count, place, counted)
        means = np.where(count > 0, total / np.maximum(count, 1e-9), self._fallback.mean)
        self._means = {tuple(key): mean for key, mean in zip(keys.tolist(), means, strict=True)}

    def __call__(self, x: np.ndarray) -> np.ndarray:
        keys = _places(x).tolist()
        return np.array([self._means.get(tuple(k), self._fallback.mean) for k in keys], np.float32)


class WrittenDynamic:
    """The written dynamic, straight to a velocity by least squares; where there is none, and for the rest, the constant."""

    hears_history = False

    def __init__(self, pieces: Sequence[EncodedPiece]) -> None:
        self._constant = Constant(pieces)
        x, y, counted = _stack(pieces)
        rows = (x[:, WRITTEN] > 0) & (counted[:, _VELOCITY] > 0)
        weight = np.sqrt(counted[rows, _VELOCITY])
        design = np.column_stack([x[rows, WRITTEN], np.ones(rows.sum())]) * weight[:, None]
        self._line = np.linalg.lstsq(design, y[rows, _VELOCITY] * weight, rcond=None)[0]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        out = self._constant(x)
        line = np.clip(x[:, WRITTEN, None] * self._line[0] + self._line[1], 0, 1)
        out[:, _LOUD] = np.where(x[:, WRITTEN, None] > 0, line, out[:, _LOUD])
        return out


class Carry:
    """The velocity of the note before; run freely, it never leaves the mean. The rest is the constant."""

    def __init__(self, pieces: Sequence[EncodedPiece]) -> None:
        self._constant = Constant(pieces)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        out = self._constant(x)
        last = x[:, _HISTORY][:, -1:]
        out[:, _LOUD] = np.where(last > 0, last, out[:, _LOUD])
        return out


class Normal:
    """Normal equations of the regressions of every output on the standardised vector; one pass over the notes."""

    def __init__(self, pieces: Sequence[EncodedPiece], history: bool) -> None:
        x, y, counted = _stack(pieces)
        self.columns = np.ones(x.shape[1], bool)
        self.columns[_HISTORY] = history
        x = x[:, self.columns]
        self.mean, self.std = x.mean(0), np.maximum(x.std(0), 1e-3)
        z = np.concatenate([(x - self.mean) / self.std, np.ones((len(x), 1))], 1)
        self.grams = [z.T @ (z * counted[:, column, None]) for column in range(y.shape[1])]
        self.products = z.T @ (y * counted)


class Linear:
    """Ridge regression of each output on the whole vector, or on all but the previous velocities."""

    def __init__(self, normal: Normal, penalty: float) -> None:
        self._normal = normal
        self.hears_history = bool(normal.columns[_HISTORY].any())
        ridge = penalty * np.eye(len(normal.products))
        ridge[-1, -1] = 1e-9  # the intercept is free
        solved = [np.linalg.solve(g + ridge, normal.products[:, c]) for c, g in enumerate(normal.grams)]
        self._weights = np.stack(solved, 1)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        z = (x[:, self._normal.columns] - self._normal.mean) / self._normal.std
        return np.clip(z @ self._weights[:-1] + self._weights[-1], 0, 1).astype(np.float32)


class Trees:
    """Gradient-boosted trees of the velocity on all but the previous velocities (scikit-learn's, after LightGBM).

    The rest is the constant. Half of the notes learn without their written dynamic, as the network's do.
    """

    hears_history = False

    def __init__(self, pieces: Sequence[EncodedPiece], seed: int = 0) -> None:
        from sklearn.ensemble import HistGradientBoostingRegressor

        self._constant = Constant(pieces)
        x, y, counted = _stack(pieces)
        rng = np.random.default_rng(seed)
        rows = np.flatnonzero(counted[:, _VELOCITY] > 0)
        rows = rng.choice(rows, min(len(rows), _TREE_NOTES), replace=False)
        seen = self._seen(x[rows])
        if any(p.written for p in pieces):
            seen[rng.random(len(seen)) < 0.5, WRITTEN] = 0
        self._trees = HistGradientBoostingRegressor(
            max_iter=200, learning_rate=0.08, max_leaf_nodes=31, min_samples_leaf=200, random_state=seed
        ).fit(seen, y[rows, _VELOCITY], counted[rows, _VELOCITY])

    @staticmethod
    def _seen(x: np.ndarray) -> np.ndarray:
        out = x.copy()
        out[:, _HISTORY] = 0
        return out

    def __call__(self, x: np.ndarray) -> np.ndarray:
        out = self._constant(x)
        out[:, _LOUD] = np.clip(self._trees.predict(self._seen(x)), 0, 1)[:, None]
        return out


def fit_baselines(train: Sequence[EncodedPiece], val: Sequence[EncodedPiece], loss: Loss) -> dict[str, Call]:
    """All baselines, fitted on `train`; the penalties of the linear ones are those of the least `loss` on `val`."""
    out: dict[str, Call] = {
        "constant": Constant(train),
        "metrical mean": Metrical(train),
        **({"written dynamic": WrittenDynamic(train)} if any(p.written for p in train) else {}),
        "previous velocity": Carry(train),
    }
    for name, history in (("linear", True), ("linear without history", False)):
        normal = Normal(train, history)
        rivals = [Linear(normal, penalty) for penalty in _PENALTIES]
        out[name] = min(rivals, key=lambda rival: loss(rival, val)) if val else rivals[0]
    out["boosted trees"] = Trees(train)
    return out


def _places(x: np.ndarray) -> np.ndarray:
    """`[N, 2]` metre and place in the bar: the place in the phrase counts four bars."""
    return np.stack([x[:, _METRE].round(3), (x[:, _PLACE].astype(np.float64) * PHRASE_BARS % 1).round(2) % 1], 1)


def _stack(pieces: Sequence[EncodedPiece]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Vectors, outputs, and what each known output counts: one over the notes of its piece, 1 on average."""
    x, y, mask = (np.concatenate([getattr(p, n) for p in pieces]).astype(np.float64) for n in ("x", "y", "mask"))
    notes = Counter[str]()
    for piece in pieces:
        notes[piece.piece] += len(piece.x)
    share = np.concatenate([np.full(len(p.x), 1 / notes[p.piece]) for p in pieces])
    rows = mask.any(1)
    return x[rows], y[rows], (mask * (share / share.mean())[:, None])[rows]
