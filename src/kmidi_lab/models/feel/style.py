"""How music goes, as a song that should go so takes it: the style file of `task=predict model=feel`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.models.feel.decoding import confidence_of, pulse, values_of

VERSION = 1
_VALUES = (
    "swing", "regularity", "energy", "density", "brightness", "dynamic_range", "percussive_share", "voices", "valence",
    "arousal", "key_clarity",
)  # fmt: skip
_ENOUGH_BEATS = 24
_SIGNED = ("valence", "arousal")
_CLEARLY_THREE = 0.08
"""`triple` below this says little: no piece in 4/4 that was tried had more than 0.01 (docs/feel.md)."""
SURE = 0.4
"""Confidence below which there is no steady beat to rely on (docs/feel.md)."""


@dataclass(frozen=True)
class Style:
    """Values are 0..1, valence and arousal -1..1; `unsure` says why not to rely on it, empty where nothing is against it.

    Args:
        tempo: quarter notes a minute.
        metre: beats of a bar, 3 or 4.
        triple: how much more bars of three beats stand out than bars of four, -1..1.
        swing: 0 even eighths, 1 triplets.
        regularity: how closely onsets lie on a grid.
        energy: how much is struck, and how hard.
        density: onsets a second / 12.
        brightness: mean band of the power spectrum, measured: 0 lowest, 1 highest; music lies at about 0.03 to 0.2.
        dynamic_range: of the strokes.
        percussive_share: of drums.
        voices: that sound together / 8.
        valence: learnt from piano music alone.
        arousal: the same.
        key_clarity: how clear a key is.
        confidence: that the tempo is right.
        unsure: why it should not be relied on.
        beats: seconds.
        downbeats: seconds.
    """

    tempo: float
    metre: int
    swing: float
    regularity: float
    energy: float
    density: float
    brightness: float
    dynamic_range: float
    percussive_share: float
    voices: float
    valence: float
    arousal: float
    key_clarity: float
    confidence: float
    unsure: str = ""
    triple: float = 0.0
    beats: tuple[float, ...] = ()
    downbeats: tuple[float, ...] = ()

    @property
    def in_three(self) -> bool:
        """Whether bars have three beats for sure; that they have four is never sure."""
        return self.triple >= _CLEARLY_THREE and len(self.beats) >= _ENOUGH_BEATS

    def plain(self) -> dict[str, Any]:
        """As the style file has it, rounded to thousandths."""
        facts = {"feel_style": VERSION} | asdict(self) | {"unsure": self.unsure or None}
        return {name: _rounded(value) for name, value in facts.items()}


def style_of(outputs: NDArray[np.floating], begin_s: float = 0.0, unsure: str = "") -> Style:
    """Of the outputs `[T, 64]` of a whole sound that begins at `begin_s` of its recording."""
    beat = pulse(outputs)
    values = values_of(outputs, _VALUES)
    clipped = {n: float(np.clip(v, -1.0 if n in _SIGNED else 0.0, 1.0)) for n, v in values.items()}
    return Style(
        tempo=beat.tempo,
        metre=beat.metre,
        triple=beat.triple,
        confidence=confidence_of(outputs),
        unsure=unsure,
        beats=tuple((beat.beats + begin_s).tolist()),
        downbeats=tuple((beat.downbeats + begin_s).tolist()),
        **clipped,
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    return [round(v, 3) for v in value] if isinstance(value, tuple) else value
