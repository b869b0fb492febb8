"""The regression: fitted on training windows, its limits chosen on validation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from datamodules.sound_kind.windows import CLEAN, Table
from kmidi_lab.audio.kind import KINDS, KindHead

FALSE_ALARMS = 0.05
"""Share of what a model takes that may be said to be something else."""
_STRENGTH, _STEPS, _DIGITS = 0.01, 1000, 4
_AS_LIKELY = 0.5
_NOT_TAKEN = ("RAVDESS, song",)
"""No model is trained on singing."""


def fit(table: Table) -> KindHead:
    """The head; each kind weighs the same, and a source by the square root of its windows; limits are as yet 0.5."""
    from sklearn.linear_model import LogisticRegression

    own = table.splits == "train"
    values, kinds = table.values[own], table.kinds[own]
    mean = np.nanmean(values, 0).round(_DIGITS)
    std = np.maximum(np.nanstd(values, 0), 1e-3).round(_DIGITS)
    plain = KindHead(mean, std, np.zeros(0), np.zeros(0), dict.fromkeys(KINDS, _AS_LIKELY))
    weights = _weights(kinds, table.sources[own])
    fitted = LogisticRegression(C=_STRENGTH, max_iter=_STEPS).fit(plain.inputs(values), kinds, sample_weight=weights)
    return replace(plain, weight=fitted.coef_.round(_DIGITS), bias=fitted.intercept_.round(_DIGITS))


def with_limits(head: KindHead, table: Table) -> KindHead:
    """The head with the largest limits, up to 0.5, that call no more than FALSE_ALARMS of any validation source anything
    else; windows as they are and in recording conditions count alike.
    """
    own = (table.splits == "val") & ((table.conditions == CLEAN) | table.changed)
    own &= ~np.isin(table.sources, _NOT_TAKEN)
    chances = head.chances(table.values[own])
    limits = {}
    for place, kind in enumerate(KINDS[:2]):
        of_kind = table.kinds[own] == place
        least = [
            np.quantile(chances[of_kind & (table.sources[own] == source), place], FALSE_ALARMS)
            for source in np.unique(table.sources[own][of_kind])
        ]
        limits[kind] = float(np.floor(min(_AS_LIKELY, *least) * 100) / 100)
    return replace(head, limits=limits)


def _weights(kinds: NDArray[np.int64], sources: NDArray[np.str_]) -> NDArray[np.float64]:
    """`[N]`, with a mean of 1."""
    weights = np.zeros(len(kinds))
    for place in range(len(KINDS)):
        own = kinds == place
        _, which, counts = np.unique(sources[own], return_inverse=True, return_counts=True)
        weights[own] = 1 / np.sqrt(counts[which])
        weights[own] /= weights[own].sum()
    return weights * len(kinds) / len(KINDS)
