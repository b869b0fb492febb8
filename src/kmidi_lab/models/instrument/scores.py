"""How the instrument model's answers are scored, slice by slice, on the clips that have a label for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.models.instrument.baselines import Probabilities, labelled
from kmidi_lab.models.instrument.contract import INSTRUMENT
from kmidi_lab.models.instrument.features import (
    LOSS_WEIGHTS,
    ORDINAL,
    TRAINED,
    Labels,
)
from kmidi_lab.scoring.metrics import (
    expected_calibration_error,
    log_likelihoods,
    softmax,
)

STREAMED = ("instrument", "family")
MACRO = ("technique", "articulation")
"""Slices whose places are so unevenly common that each counts the same."""


def probabilities(outputs: NDArray[np.floating]) -> Probabilities:
    """`[N, 160]` to the probabilities `[N, K]` of each trained slice's places."""
    return {name: softmax(outputs[:, INSTRUMENT.output(name).index].astype(np.float64)) for name in TRAINED}


def score(p: Probabilities, labels: Sequence[Labels]) -> dict[str, float]:
    """Every metric of every slice that any of the clips has a label for."""
    out: dict[str, float] = {}
    loss = 0.0
    for name in TRAINED:
        rows, true = labelled(name, labels)
        if not len(rows):
            continue
        own = p[name][rows]
        loss += LOSS_WEIGHTS[name] * float(-log_likelihoods(own, true).mean())
        out[f"{name}_accuracy"] = float((own.argmax(1) == true).mean())
        if name in MACRO:
            out[f"{name}_f1"] = macro_f1(own.argmax(1), true)
        if name in ORDINAL:
            out[f"{name}_mae"] = float(np.abs(median_place(own) - true).mean())
        if name == "instrument":
            out["ece"] = expected_calibration_error(own, true)
    out["loss"] = loss
    return out


def macro_f1(predicted: NDArray[np.integer], true: NDArray[np.integer]) -> float:
    """Mean F1 over the places that occur in `true`."""
    scores = []
    for place in np.unique(true):
        hits = ((predicted == place) & (true == place)).sum()
        scores.append(2 * hits / ((predicted == place).sum() + (true == place).sum()))
    return float(np.mean(scores))


def median_place(p: NDArray[np.floating]) -> NDArray[np.int64]:
    """`[N]`: the place that half of the probability lies at or below, which is nearest on average."""
    return np.asarray((p.cumsum(1) >= 0.5 - 1e-9).argmax(1), np.int64)


def rows_of(p: Probabilities, rows: NDArray[np.bool_]) -> Probabilities:
    """Those of the clips where `rows` `[N]` is true."""
    return {name: values[rows] for name, values in p.items()}


def accuracies_of(p: Probabilities, labels: Sequence[Labels]) -> dict[str, float]:
    """Accuracies of the slices that are also scored as the model listens, where any clip has a label for them."""
    out = {}
    for name in STREAMED:
        rows, true = labelled(name, labels)
        if len(rows):
            out[name] = float((p[name][rows].argmax(1) == true).mean())
    return out
