"""Baselines of groove prediction: each gives `[N, 32]` (timing, velocity of every step) for N bars, each bar by itself.

Medians, since the metric is the mean absolute error. A step with several voices has one output, as the model's has:
every voice that plays there counts as one observation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kmidi_lab.models.groove.boosted import boosted_trees
from kmidi_lab.models.groove.contract import GROOVE
from kmidi_lab.models.groove.features import EncodedPerformances, milliseconds
from kmidi_lab.models.groove.grid import STEPS, STEPS_PER_BEAT

_FEW = 20
"""A median over fewer strokes is replaced by that of the next wider group."""
_RIDGES = (1.0, 10.0, 100.0, 1000.0, 10_000.0)
_IN = {s.name: s.index for s in GROOVE.inputs}
Predict = Callable[[EncodedPerformances], np.ndarray]


def fit_baselines(train: EncodedPerformances, val: EncodedPerformances) -> dict[str, Predict]:
    """Every baseline by name, fitted on `train`; the ridge's strength is chosen on `val`."""
    style = _Medians(train, [lambda e: e.style[:, None]])
    step = _Medians(train, [lambda e: _steps(e), lambda e: e.style[:, None] * STEPS + _steps(e)])
    voices = _Medians(
        train,
        [
            lambda e: _steps(e),
            lambda e: _voicing(e) * STEPS + _steps(e),
            lambda e: (e.style[:, None] * 8 + _voicing(e)) * STEPS + _steps(e),
        ],
    )
    median = float(np.median(train.velocity[train.hit])) if train.hit.any() else 0.5
    return {
        "quantised": lambda e: np.tile(np.repeat([0.0, median], STEPS), (len(e.x), 1)),
        "rules": lambda e: rules(e.x),
        "style_median": style.predict,
        "style_step_median": step.predict,
        "style_step_voices_median": voices.predict,
        "ridge": _Ridge.fit(train, val, _this_bar).predict,
        "ridge_two_bars": _Ridge.fit(train, val, _two_bars).predict,
        **boosted_trees(train),
    }


_SWINGS = 0.5


def rules(x: np.ndarray) -> np.ndarray:
    """The heuristic that needs no training: `[N, 64]` to `[N, 32]`.

    Off-beats swing by the input's share of the way from even to triplet eighths; strokes on the beat are stronger than
    those between (metrical accent: Lerdahl and Jackendoff, *A Generative Theory of Tonal Music*, 1983, ch. 4).
    """
    swing = x[:, _IN["swing"]]
    timing = np.zeros((len(x), STEPS), np.float32)
    # From even to triplet eighths is 80 ticks of 480 and timing is in 60s. Where it swings, an off-beat may be written on
    # the last step of its beat, and comes before it.
    timing[:, 2::STEPS_PER_BEAT] = np.minimum(swing * 4 / 3, 1)
    timing[:, 3::STEPS_PER_BEAT] = np.where(swing > _SWINGS, np.maximum(swing * 4 / 3 - 2, -1), 0)
    accents = np.array([0.75, 0.5, 0.62, 0.5] * (STEPS // STEPS_PER_BEAT), np.float32)
    return np.concatenate([timing, np.tile(accents, (len(x), 1))], 1)


def _steps(e: EncodedPerformances) -> np.ndarray:
    return np.tile(np.arange(STEPS), (len(e.x), 1))


def _voicing(e: EncodedPerformances) -> np.ndarray:
    """Which voices play together, 0..7, `[N, 16]`."""
    return np.asarray(e.hit @ (1 << np.arange(e.hit.shape[2])))


class _Medians:
    """Median timing in milliseconds and velocity by key; `keys` go from wide to narrow, the narrowest with data counts."""

    def __init__(self, train: EncodedPerformances, keys: list[Callable[[EncodedPerformances], np.ndarray]]) -> None:
        self._keys = keys
        strokes = _strokes(train)
        self._overall = _median(strokes)
        self._tables: list[dict[int, np.ndarray]] = []
        for key in keys:
            own = np.broadcast_to(key(train)[..., None], train.hit.shape)[train.hit]
            order = np.argsort(own, kind="stable")
            names, begin = np.unique(own[order], return_index=True)
            groups = np.split(strokes[order], begin[1:]) if len(names) else []
            self._tables.append({int(n): _median(g) for n, g in zip(names, groups, strict=True) if len(g) >= _FEW})

    def predict(self, e: EncodedPerformances) -> np.ndarray:
        out = np.broadcast_to(self._overall, (len(e.x), STEPS, 2)).copy()
        for key, table in zip(self._keys, self._tables, strict=True):
            own = np.broadcast_to(key(e), (len(e.x), STEPS))
            for name in np.unique(own):
                if int(name) in table:
                    out[own == name] = table[int(name)]
        timing = np.clip(out[..., 0] / milliseconds(e.bpm)[:, None], -1, 1)
        return np.concatenate([timing, out[..., 1]], 1)


def _strokes(e: EncodedPerformances) -> np.ndarray:
    """`[K, 2]` milliseconds and velocity of every stroke."""
    ms = e.timing * milliseconds(e.bpm)[:, None, None]
    return np.stack([ms[e.hit], e.velocity[e.hit]], 1)


def _median(strokes: np.ndarray) -> np.ndarray:
    return np.median(strokes, 0) if len(strokes) else np.array([0.0, 0.5])


@dataclass
class _Ridge:
    """Linear regression on `features` `[N, F]` of bars, step by step, over the strokes there; `weights` `[16, F + 1, 2]`."""

    weights: np.ndarray
    features: Callable[[EncodedPerformances], np.ndarray]

    @classmethod
    def fit(
        cls, train: EncodedPerformances, val: EncodedPerformances, features: Callable[[EncodedPerformances], np.ndarray]
    ) -> _Ridge:
        x = _with_one(features(train))
        fitted = [cls(_solve(train, x, strength), features) for strength in _RIDGES]
        return min(fitted, key=lambda ridge: ridge._error(val))

    def _error(self, e: EncodedPerformances) -> float:
        out = self.predict(e)
        late = np.abs(out[:, :STEPS, None] - e.timing) * (120 / e.bpm)[:, None, None]
        hard = np.abs(out[:, STEPS:, None] - e.velocity)
        return float((late + hard)[e.hit].mean()) if e.hit.any() else 0.0

    def predict(self, e: EncodedPerformances) -> np.ndarray:
        out = np.einsum("ni,sio->nos", _with_one(self.features(e)), self.weights)
        return np.concatenate([out[:, 0].clip(-1, 1), out[:, 1].clip(0, 1)], 1)


def _this_bar(e: EncodedPerformances) -> np.ndarray:
    return e.x


def _two_bars(e: EncodedPerformances) -> np.ndarray:
    """The vector of each bar, and the strokes of the bar before in its take."""
    before = np.zeros_like(e.x[:, _IN["onsets"]])
    before[1:] = e.x[:-1, _IN["onsets"]]
    before[e.starts[:-1][np.diff(e.starts) > 0]] = 0
    return np.concatenate([e.x, before], 1)


def _with_one(x: np.ndarray) -> np.ndarray:
    return np.concatenate([x, np.ones((len(x), 1))], 1)


def _solve(train: EncodedPerformances, x: np.ndarray, strength: float) -> np.ndarray:
    penalty = np.diag([*np.full(x.shape[1] - 1, strength), 1e-6])
    weights = []
    for step in range(STEPS):
        count = train.hit[:, step].sum(1)
        sums = np.stack([train.timing[:, step].sum(1), train.velocity[:, step].sum(1)], 1)
        weights.append(np.linalg.solve((x * count[:, None]).T @ x + penalty, x.T @ sums))
    return np.stack(weights)
