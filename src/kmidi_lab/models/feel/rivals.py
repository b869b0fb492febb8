"""What the baselines say of excerpts: tempo and beats by trackers, values by ridge regressions that are fitted once."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.level import adapted_sounds
from kmidi_lab.audio.mel import FRAME_S
from kmidi_lab.models.feel.baselines import Regression, statistics_of, trackers
from kmidi_lab.models.feel.features import CURVE_S, WHOLE, Excerpt
from kmidi_lab.models.feel.scores import SCORED, Answer, moment_ends, moments_of

STRONGEST = "autocorrelation+ridge"
_CONSTANT = "constant"


class Rivals:
    """Baselines that were fitted on excerpts; the constant says the training's means, the others regressions.

    Args:
        train: the excerpts of the train split.
    """

    def __init__(self, train: Sequence[Excerpt]) -> None:
        self._trackers = trackers(train)
        inputs = adapted_sounds([song.frames for song in train])
        curves = np.concatenate([moments_of(song) for song in train])
        self._curves = Regression.fit(statistics_of([w for x in inputs for w in _before(x)]), curves)
        whole = np.array([[song.values.get(name, np.nan) for name in WHOLE] for song in train])
        means = np.array([np.nanmean(column) if np.isfinite(column).any() else 0.0 for column in whole.T])
        self._means = curves.mean(0), means
        statistics = statistics_of(inputs)
        self._whole = {
            i: Regression.fit(statistics, whole[:, [i]])
            for i, name in enumerate(WHOLE)
            if name in SCORED and np.isfinite(whole[:, i]).sum() > 1
        }

    def answers(
        self, songs: Sequence[Excerpt], inputs: Sequence[NDArray[np.float32]], names: Collection[str] = ()
    ) -> dict[str, list[Answer]]:
        """What each baseline, or those of some `names`, says of excerpts whose `mel128-v2` frames are `inputs`."""
        windows = [_before(x) for x in inputs]
        curves = self._curves(statistics_of([w for some in windows for w in some])).reshape(*np.shape(windows)[:2], -1)
        constant, means = self._means
        whole, statistics = np.tile(means, (len(songs), 1)), statistics_of(inputs)
        for i, regression in self._whole.items():
            whole[:, i] = regression(statistics)[:, 0]
        out = {}
        for name, track in self._trackers.items():
            full = name if name == _CONSTANT else f"{name}+ridge"
            if names and full not in names:
                continue
            said = (constant + 0 * curves, np.tile(means, (len(songs), 1))) if name == _CONSTANT else (curves, whole)
            out[full] = [Answer(*track(s.frames), *own) for s, *own in zip(songs, *said, strict=True)]
        return out


def _before(x: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """The four seconds before each moment."""
    return [x[max(0, end - round(CURVE_S / FRAME_S)) : end] for end in moment_ends(len(x))]
