"""Baselines of micro-timing, each fitted on drums and on pitched notes apart, and told what the model is told.

Where the player's lead is given, a baseline predicts the distance from it. All give quantiles: those of their errors on
the training notes, around what they predict, or those of a group of notes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kmidi_lab.midi.styles import STYLES
from kmidi_lab.models.microtiming.boosted import fit_trees
from kmidi_lab.models.microtiming.contract import MICROTIMING
from kmidi_lab.models.microtiming.features import STEPS, EncodedTakes
from kmidi_lab.models.microtiming.notes import ROLES
from kmidi_lab.models.microtiming.offset_queries import OffsetQueries, ask, is_pitched
from kmidi_lab.models.microtiming.quantiles import LEVELS

NAMES = (
    "quantised", "constant", "style_step_quantiles", "ridge", "boosted_trees", "boosted_trees_without_later_notes",
)  # fmt: skip
_FEW = 40
"""Quantiles over fewer notes are replaced by those of the next wider group."""
_MOST = 100_000
"""Notes that a ridge is fitted on, every k-th of all."""
_RIDGES = (1.0, 100.0, 10_000.0)
_IN = {s.name: s.index for s in MICROTIMING.inputs}


@dataclass(frozen=True)
class Prediction:
    """`quantiles` `[E, 5]` of the offset at LEVELS in ms, rising; `velocity` `[E]` 0..1."""

    quantiles: np.ndarray
    velocity: np.ndarray


Fitted = Callable[[OffsetQueries], tuple[np.ndarray, np.ndarray]]
"""To quantiles of the distance from the lead `[E, 5]` and velocities `[E]`."""


def fit_baselines(
    train: EncodedTakes, val: EncodedTakes, told: bool
) -> dict[str, Callable[[EncodedTakes], Prediction]]:
    """Every baseline by name; the ridge's strength is chosen on `val`."""
    own, other = ask(train, told), ask(val, told)
    kinds = [is_pitched(train), ~is_pitched(train)]
    fits: dict[str, list[Fitted | None]] = {}
    for index, kind in enumerate(kinds):
        rows = np.flatnonzero(kind & train.known & np.isfinite(train.velocity))
        if not len(rows):
            for name in NAMES:
                fits.setdefault(name, []).append(None)
            continue
        checked = np.flatnonzero((is_pitched(val) if index == 0 else ~is_pitched(val)) & val.known)
        late, hard = train.offset[rows] - own.lead[rows], train.velocity[rows]
        for name, fitted in {
            "quantised": _quantised(late, hard),
            "constant": _constant(late, hard),
            "style_step_quantiles": _table(own, rows, late, hard),
            "ridge": _ridge(own, rows, late, hard, other, checked),
            "boosted_trees": fit_trees(own, rows, late, hard, later=True),
            "boosted_trees_without_later_notes": fit_trees(own, rows, late, hard, later=False),
        }.items():
            fits.setdefault(name, []).append(fitted)
    return {name: _by_kind(pair, told) for name, pair in fits.items()}


def _by_kind(pair: list[Fitted | None], told: bool) -> Callable[[EncodedTakes], Prediction]:
    def predict(e: EncodedTakes) -> Prediction:
        asked = ask(e, told)
        quantiles, velocity = np.zeros((len(e.x), len(LEVELS))), np.full(len(e.x), 0.5)
        for fitted, rows in zip(pair, (is_pitched(e), ~is_pitched(e)), strict=True):
            if fitted is not None and rows.any():
                late, hard = fitted(asked)
                quantiles[rows], velocity[rows] = late[rows], hard[rows]
        return Prediction(quantiles + asked.lead[:, None], np.clip(velocity, 0, 1))

    return predict


def around(error: np.ndarray) -> np.ndarray:
    """`[5]`: quantiles of errors, less their median."""
    return np.asarray(np.quantile(error, LEVELS) - np.median(error))


def _quantised(late: np.ndarray, hard: np.ndarray) -> Fitted:
    """Every note where it is written (or at the player's lead); the spread is that of training."""
    q, v = around(late), float(np.median(hard))
    return lambda a: (np.tile(q, (len(a.x), 1)), np.full(len(a.x), v))


def _constant(late: np.ndarray, hard: np.ndarray) -> Fitted:
    q, v = np.quantile(late, LEVELS), float(np.median(hard))
    return lambda a: (np.tile(q, (len(a.x), 1)), np.full(len(a.x), v))


def _keys(a: OffsetQueries) -> list[np.ndarray]:
    """`[E]` groups of notes, from wide to narrow: role, step of a role, style and step of a role."""
    e = a.e
    step = e.role * STEPS + e.step
    return [e.role, step, (e.style + 1) * len(ROLES) * STEPS + step]


def _table(a: OffsetQueries, rows: np.ndarray, late: np.ndarray, hard: np.ndarray) -> Fitted:
    """Quantiles and median velocity of the narrowest group with enough notes."""
    overall = np.append(np.quantile(late, LEVELS), np.median(hard))
    shape = (len(STYLES) + 1) * len(ROLES) * STEPS
    tables = []
    for key in _keys(a):
        own = key[rows]
        order = np.argsort(own, kind="stable")
        names, begin = np.unique(own[order], return_index=True)
        table = np.full((shape, len(overall)), np.nan)
        for name, group in zip(names, np.split(order, begin[1:]), strict=True):
            if len(group) >= _FEW:
                table[name] = np.append(np.quantile(late[group], LEVELS), np.median(hard[group]))
        tables.append(table)

    def predict(asked: OffsetQueries) -> tuple[np.ndarray, np.ndarray]:
        out = np.tile(overall, (len(asked.x), 1))
        for key, table in zip(_keys(asked), tables, strict=True):
            entry = table[key]
            out = np.where(np.isnan(entry), out, entry)
        return out[:, :-1], out[:, -1]

    return predict


def _ridge(
    a: OffsetQueries, rows: np.ndarray, late: np.ndarray, hard: np.ndarray, other: OffsetQueries, checked: np.ndarray
) -> Fitted:
    """Linear regression on the vector of the note and of the notes beside it."""
    kept = slice(None, None, max(1, int(np.ceil(len(rows) / _MOST))))
    rows, late, hard = rows[kept], late[kept], hard[kept]
    x = beside(a, rows)
    gram, sums = x.T @ x, x.T @ np.stack([late, hard], 1)
    seen, truth = beside(other, checked), other.e.offset[checked] - other.lead[checked]
    best: tuple[float, np.ndarray] | None = None
    for strength in _RIDGES:
        penalty = np.diag([*np.full(len(gram) - 1, strength), 1e-6])
        weights = np.linalg.solve(gram + penalty, sums)
        error = float(np.abs(seen @ weights[:, 0] - truth).mean()) if len(truth) else 0.0
        if best is None or error < best[0]:
            best = error, weights
    assert best is not None
    weights = best[1]
    error = late - x @ weights[:, 0]
    q, middle = around(error), float(np.median(error))

    def predict(asked: OffsetQueries) -> tuple[np.ndarray, np.ndarray]:
        out = beside(asked, np.arange(len(asked.x))) @ weights
        return out[:, :1] + middle + q, out[:, 1]

    return predict


def beside(a: OffsetQueries, rows: np.ndarray) -> np.ndarray:
    """`[K, 64 + 2 * 26 + 1]` of the notes `rows` `[K]`: each one's vector, step, role and chord of the notes before and after
    it in its take, and 1.
    """
    seen = np.r_[_IN["step"], _IN["role"], _IN["chord_size"], _IN["chord_rank"]]
    parts = [a.x[rows]]
    for k in (-1, 1):
        at = rows + k
        inside = (at >= 0) & (at < len(a.x))
        at = at.clip(0, max(0, len(a.x) - 1))
        parts.append(a.x[at][:, seen] * (inside & (a.e.song[at] == a.e.song[rows]))[:, None])
    return np.concatenate([*parts, np.ones((len(rows), 1))], 1)
