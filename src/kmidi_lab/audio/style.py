"""How recorded music goes, as a song that should go so takes it: what the style file of `task=predict model=feel` holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

KEY, VERSION = "feel_style", 1
"""What a style file is known by."""
SIGNED = ("valence", "arousal")
"""Values that go from -1 to 1."""
_ENOUGH_BEATS = 24
_CLEARLY_THREE = 0.08
"""`triple` below this says little: no piece in 4/4 that was tried had more than 0.01 (docs/feel.md)."""


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
        by_rule: made without a model, by a rule that knows no swing and no mood.
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
    by_rule: bool = False

    @property
    def in_three(self) -> bool:
        """Whether bars have three beats for sure; that they have four is never sure."""
        return self.triple >= _CLEARLY_THREE and len(self.beats) >= _ENOUGH_BEATS

    def rounded(self) -> Style:
        """The same to thousandths, as the style file has it."""
        return replace(self, **{name: _rounded(value) for name, value in vars(self).items()})

    def plain(self) -> dict[str, Any]:
        """As the style file has it."""
        return {KEY: VERSION} | asdict(self.rounded()) | {"unsure": self.unsure or None}


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3)
    return tuple(round(v, 3) for v in value) if isinstance(value, tuple) else value
