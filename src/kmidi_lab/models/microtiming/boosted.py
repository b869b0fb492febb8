"""The strongest baselines of micro-timing: gradient-boosted trees over notes with their neighbours."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kmidi_lab.models.microtiming.contract import MICROTIMING
from kmidi_lab.models.microtiming.features import EncodedTakes
from kmidi_lab.models.microtiming.offset_queries import OffsetQueries
from kmidi_lab.models.microtiming.quantiles import LEVELS

_AROUND = 4
"""Notes before, and after, that a tree sees."""
_MOST = 40_000
"""Notes that trees are grown on, every k-th of all."""
_TREES = 150
_FEWEST = 50
_IN = {s.name: s.index for s in MICROTIMING.inputs}


def fit_trees(
    a: OffsetQueries, rows: np.ndarray, late: np.ndarray, hard: np.ndarray, later: bool
) -> Callable[[OffsetQueries], tuple[np.ndarray, np.ndarray]] | None:
    """Absolute errors, one model for the offset and one for velocity; None where there are too few notes.

    With `later` they see the four notes after, too, of which the contract gives a network the next interval alone.
    """
    from sklearn.ensemble import (
        HistGradientBoostingRegressor,
    )  # prediction asks no baseline, and starts without sklearn

    if len(rows) < _FEWEST:
        return None
    kept = slice(None, None, max(1, int(np.ceil(len(rows) / _MOST))))
    x = examples(a.e, a.x, rows[kept], later)
    offset, velocity = (
        HistGradientBoostingRegressor(loss="absolute_error", max_iter=_TREES, early_stopping=False, random_state=0)
        for _ in range(2)
    )
    offset.fit(x, late[kept])
    velocity.fit(x, hard[kept])
    error = late[kept] - offset.predict(x)
    q = np.quantile(error, LEVELS) - np.median(error)

    def predict(asked: OffsetQueries) -> tuple[np.ndarray, np.ndarray]:
        seen = examples(asked.e, asked.x, np.arange(len(asked.x)), later)
        return offset.predict(seen)[:, None] + q, velocity.predict(seen)

    return predict


def examples(e: EncodedTakes, x: np.ndarray, rows: np.ndarray, later: bool) -> np.ndarray:
    """`[K, F]` of the notes `rows` `[K]`: style, step, role as numbers, the other inputs, and what the notes around are.

    Those are role, step, intervals, pitch and chord of the four before, and with `later` of the four after.

    Args:
        e: all notes.
        x: `[E, 64]`, their vectors, with or without leads.
        rows: which of them.
        later: whether the notes after are seen.
    """
    first, last = _IN["tempo"].start, _IN["reserved"].start
    own = np.concatenate([np.stack([e.style, e.step, e.step % 4, e.role], 1)[rows], x[rows, first:last]], 1)
    seen = np.r_[_IN["inter_onset"], _IN["pitch"], _IN["chord_size"]]
    around = []
    for k in range(-_AROUND, _AROUND * later + 1):
        if k == 0:
            continue
        at = rows + k
        inside = (at >= 0) & (at < len(x))
        at = at.clip(0, max(0, len(x) - 1))
        inside &= e.song[at] == e.song[rows]
        shown = np.concatenate([e.role[at][:, None], e.step[at][:, None], x[at][:, seen]], 1)
        around.append(np.where(inside[:, None], shown, np.nan))
    return np.asarray(np.concatenate([own, *around], 1), np.float32)
