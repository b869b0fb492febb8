"""How music goes, by the feel model's outputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.style import SIGNED, Style
from kmidi_lab.models.feel.decoding import confidence_of, pulse, values_of

_VALUES = (
    "swing", "regularity", "energy", "density", "brightness", "dynamic_range", "percussive_share", "voices", "valence",
    "arousal", "key_clarity",
)  # fmt: skip
SURE = 0.5
"""Confidence below which there is no steady beat to rely on (docs/feel.md)."""


def within(name: str, value: float) -> float:
    """A value of the network, kept in its range: valence and arousal from -1 to 1, all others from 0 to 1."""
    return float(np.clip(value, -1.0 if name in SIGNED else 0.0, 1.0))


def style_of(outputs: NDArray[np.floating], begin_s: float = 0.0, unsure: str = "") -> Style:
    """Of the outputs `[T, 64]` of a whole sound that begins at `begin_s` of its recording."""
    beat = pulse(outputs)
    values = values_of(outputs, _VALUES)
    clipped = {name: within(name, value) for name, value in values.items()}
    return Style(
        tempo=beat.tempo,
        metre=beat.metre,
        triple=beat.triple,
        confidence=confidence_of(outputs),
        unsure=unsure,
        beats=tuple((beat.beats + begin_s).tolist()),
        downbeats=tuple((beat.downbeats + begin_s).tolist()),
        by_rule=False,
        **clipped,
    )
