"""Baselines of instruments: each gives, for N clips of mel frames, the probabilities `[N, K]` of every slice's places."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.models.instrument.contract import INSTRUMENT
from kmidi_lab.models.instrument.features import TRAINED, Labels
from kmidi_lab.scoring.mfcc import MfccLogistic, mfcc_statistics

Frames = NDArray[np.floating]
Probabilities = dict[str, NDArray[np.float64]]
Predict = Callable[[Sequence[Frames]], Probabilities]


def fit_baselines(
    train: Sequence[Frames], labels: Sequence[Labels], val: Sequence[Frames], val_labels: Sequence[Labels]
) -> dict[str, Predict]:
    """Every baseline by name, fitted on `train`; the strength of each slice's regression is chosen on `val`.

    A slice that has no two places in `train` has its majority in both.
    """
    shares = {name: _shares(name, labels) for name in TRAINED}
    x, val_x = mfcc_statistics(train), mfcc_statistics(val)
    fitted: dict[str, MfccLogistic] = {}
    for name, share in shares.items():
        rows, places = labelled(name, labels)
        val_rows, val_places = labelled(name, val_labels)
        if (share > 0).sum() > 1 and len(np.unique(places)) > 1:
            held_out = (val_x[val_rows], val_places) if len(val_rows) else (x[rows], places)
            fitted[name] = MfccLogistic.fit(x[rows], places, *held_out, len(share))

    def majority(clips: Sequence[Frames]) -> Probabilities:
        return {name: np.tile(share, (len(clips), 1)) for name, share in shares.items()}

    def logistic(clips: Sequence[Frames]) -> Probabilities:
        statistics = mfcc_statistics(clips)
        return majority(clips) | {name: model.probabilities(statistics) for name, model in fitted.items()}

    return {"majority": majority, "mfcc+logistic": logistic}


def labelled(name: str, labels: Sequence[Labels]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which clips have a label for a slice, and those labels."""
    rows = [i for i, clip_labels in enumerate(labels) if name in clip_labels]
    return np.array(rows, np.int64), np.array([labels[i][name] for i in rows], np.int64)


def _shares(name: str, labels: Sequence[Labels]) -> NDArray[np.float64]:
    """`[K]`: how common each place is; even where nothing is known."""
    size = INSTRUMENT.output(name).size
    counts = np.bincount(labelled(name, labels)[1], minlength=size).astype(np.float64)
    return counts / counts.sum() if counts.sum() else np.full(size, 1 / size)
