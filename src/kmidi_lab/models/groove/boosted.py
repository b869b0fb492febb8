"""The strongest baseline of groove prediction: gradient-boosted trees over the steps with a stroke."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kmidi_lab.models.groove.contract import GROOVE
from kmidi_lab.models.groove.features import EncodedPerformances, milliseconds
from kmidi_lab.models.groove.grid import STEPS

_IN = {s.name: s.index for s in GROOVE.inputs}
_AROUND = 4
"""Steps before and after that a tree sees, across bar lines of one take."""
_MOST = 60_000
"""Strokes that trees are grown on, every k-th of all."""
_TREES = 150
_FEWEST = 50


def boosted_trees(train: EncodedPerformances) -> dict[str, Callable[[EncodedPerformances], np.ndarray]]:
    """`boosted_trees`, which maps bars to `[N, 32]`: absolute errors, a model for timing in ms and one for velocity.

    Each stroke is an example, as in the other baselines. Nothing is returned where there are too few strokes.
    """
    from sklearn.ensemble import HistGradientBoostingRegressor  # prediction asks the rules beside it without sklearn

    counts = train.hit.sum()
    if counts < _FEWEST:
        return {}
    row, step, _ = np.nonzero(train.hit)
    kept = slice(None, None, max(1, int(np.ceil(len(row) / _MOST))))
    x = _examples(train)[row[kept], step[kept]]
    late, hard = (
        HistGradientBoostingRegressor(loss="absolute_error", max_iter=_TREES, early_stopping=False, random_state=0)
        for _ in range(2)
    )
    late.fit(x, (train.timing * milliseconds(train.bpm)[:, None, None])[train.hit][kept])
    hard.fit(x, train.velocity[train.hit][kept])

    def predict(e: EncodedPerformances) -> np.ndarray:
        rows, steps = np.nonzero(e.hit.any(2))
        out = np.zeros((len(e.x), 2 * STEPS))
        if len(rows):
            seen = _examples(e)[rows, steps]
            out[rows, steps] = np.clip(late.predict(seen) / milliseconds(e.bpm)[rows], -1, 1)
            out[rows, STEPS + steps] = np.clip(hard.predict(seen), 0, 1)
        return out

    return {"boosted_trees": predict}


def _examples(e: EncodedPerformances) -> np.ndarray:
    """`[N, 16, F]`: place, style, swing, tempo, place in the phrase, and which voices play on the steps around."""
    hits = e.hit.reshape(-1, e.hit.shape[2])
    song = np.repeat(e.song, STEPS)
    around = []
    for k in range(-_AROUND, _AROUND + 1):
        seen = np.arange(len(hits)) + k
        inside = (seen >= 0) & (seen < len(hits))
        seen = seen.clip(0, max(0, len(hits) - 1))
        around.append(hits[seen] & (inside & (song[seen] == song))[:, None])
    own = np.concatenate(
        [e.style[:, None], e.x[:, _IN["swing"]].reshape(-1, 1), e.x[:, _IN["tempo"]], e.x[:, _IN["phrase_position"]]], 1
    )
    density = hits.reshape(len(e.x), -1, hits.shape[1]).mean(1)
    bar = np.repeat(np.concatenate([own, density], 1), STEPS, 0)
    step = np.tile(np.arange(STEPS), len(e.x))[:, None]
    made = np.concatenate([step, step % 4, bar, *around], 1).astype(np.float32)
    return np.asarray(made.reshape(len(e.x), STEPS, -1))
