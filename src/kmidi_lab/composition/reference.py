"""A recording that a song shall sound like: what is taken of it, and what is said where little can be."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from kmidi_lab.composition.brief import Brief, Mood
from kmidi_lab.composition.form import Stretch
from kmidi_lab.composition.players import Players
from kmidi_lab.errors import ConfigError

_MODEL = "feel"
_LATE = 1 / 6
"""Quarters that the second eighth of a beat is late by where it is swung to a triplet."""
_SWUNG = 0.5
"""Swing from which drums are played as swung ones."""
_DRUMS_ALONE = 0.7
"""Share of drums from which a recording says nothing of valence."""
_FAINTEST = 0.05


class Style(Protocol):
    """What the feel model says of a recording; values 0..1, valence and arousal -1..1."""

    tempo: float
    swing: float
    energy: float
    density: float
    valence: float
    arousal: float
    percussive_share: float
    confidence: float
    unsure: str


@dataclass(frozen=True)
class Reference:
    """What a song takes of a recording; None is left to the mood and the style.

    Args:
        audio: its name.
        tempo: quarters a minute.
        swing: 0 even eighths, 1 triplets.
        energy: mean of the sections', 0..1.
        valence: -1..1.
        arousal: -1..1.
        confidence: that the tempo is right, 0..1.
        by: the model that listened, or what stood in for it.
    """

    audio: str
    tempo: float | None
    swing: float | None
    energy: float
    valence: float | None
    arousal: float
    confidence: float
    by: str

    def trace(self) -> dict[str, Any]:
        """For the song's JSON file."""
        return {name: round(v, 3) if isinstance(v, float) else v for name, v in asdict(self).items()}

    def mood(self) -> Mood:
        """What the recording feels like, where nothing else says it."""
        return Mood(self.valence or 0.0, self.arousal, words="as the recording")

    def applied(self, brief: Brief) -> Brief:
        """The brief with the recording's swing and energy."""
        brief = replace(brief, energy=self.energy)
        if self.swing is None:
            return brief
        groove = brief.band.groove
        if groove and self.swing >= _SWUNG:
            groove = "swing"
        elif groove == "swing":
            groove = "straight"
        return replace(brief, band=replace(brief.band, swing=self.swing * _LATE, groove=groove))


def listened(audio: str | Path, players: Players) -> tuple[Reference, list[str]]:
    """What is taken of a recording, and remarks for the person who asked.

    Where the model is unsure, tempo and swing are left to mood and style. Where there is no model, the tempo is that of a rule.

    Raises:
        UserError: the recording can't be used.
    """
    try:
        style: Style = players.ask(_MODEL, audio=str(audio)).style
    except ConfigError as error:
        raise ConfigError(str(error).replace("predict.", "compose.")) from None
    player = players.trace[_MODEL]
    doubtful = bool(style.unsure) and not player.fallback
    drums = style.percussive_share >= _DRUMS_ALONE
    reference = Reference(
        audio=str(audio),
        tempo=None if doubtful else style.tempo,
        swing=None if style.unsure else style.swing,
        energy=max(_FAINTEST, (style.energy + style.density) / 2),
        valence=None if drums else style.valence,
        arousal=2 * style.energy - 1 if drums else style.arousal,
        confidence=style.confidence,
        by=player.by,
    )
    if doubtful:
        return reference, [f"the recording: {style.unsure}; its tempo and swing are not used, set compose.tempo"]
    told = f"tempo {style.tempo:.0f}" + (f", swing {style.swing:.2f}" if reference.swing is not None else "")
    return reference, [f"as in {Path(audio).name}: {told}, energy {reference.energy:.2f}"]


def as_full(plan: list[Stretch], energy: float | None) -> list[Stretch]:
    """Sections whose energy, on average over the bars, is a given one; what is louder stays louder."""
    if energy is None or not plan:
        return plan
    mean = sum(s.energy * s.bars for s in plan) / sum(s.bars for s in plan)
    factor = energy / max(mean, _FAINTEST)
    return [s._replace(energy=min(max(s.energy * factor, _FAINTEST), 1.0)) for s in plan]
