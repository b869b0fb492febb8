"""A recording that a song shall sound like, or the style of one: what is taken of it, and what is said where little can be."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from kmidi_lab.audio.style import Style
from kmidi_lab.audio.style_file import is_style_file, read_style_file
from kmidi_lab.composition import summaries
from kmidi_lab.composition.brief import Brief, Mood
from kmidi_lab.composition.form import Stretch, bars_in
from kmidi_lab.composition.players import Players

_MODEL = "feel"
_LATE = 1 / 6
"""Quarters that the second eighth of a beat is late by where it is swung to a triplet."""
_SWUNG = 0.5
"""Swing from which drums are played as swung ones."""
_DRUMS_ALONE = 0.7
"""Share of drums from which arousal follows energy: it was learnt from piano music."""
_FAINTEST = 0.05
AS_HEARD = "as lively as the recording"
"""The words of a mood that only a recording says."""
_HEARD_BEFORE = "a style file"


@dataclass(frozen=True)
class Reference:
    """What a song takes of a recording; None is left to the mood and the style.

    Args:
        audio: its name, or that of its style file.
        tempo: quarters a minute.
        swing: 0 even eighths, 1 triplets.
        energy: mean of the sections', 0..1.
        arousal: -1..1.
        confidence: that the tempo is right, 0..1.
        by: the model that listened, what stood in for it, or a style file.
        metre: 3/4 where bars have three beats for sure, empty where that is not known.
    """

    audio: str
    tempo: float | None
    swing: float | None
    energy: float | None
    arousal: float | None
    confidence: float
    by: str
    metre: str = ""

    def trace(self) -> dict[str, Any]:
        """For the song's JSON file."""
        return {name: round(v, 3) if isinstance(v, float) else v for name, v in asdict(self).items()}

    def mood(self) -> Mood:
        """How lively the recording is, where nothing else says what a song is to feel like.

        Not how glad: the model's valence is hardly better than chance (docs/feel.md), and its sign decides on major or minor.
        """
        return Mood(0.0, self.arousal or 0.0, words="" if self.arousal is None else AS_HEARD)

    def lines(self, tempo_by: str, mood_by: str, metre_by: str = "") -> list[str]:
        """What a song takes of it, and what it does not.

        Args:
            tempo_by: what else says the tempo; empty where nothing does.
            mood_by: what else says the mood; empty where nothing does.
            metre_by: what else says the metre; empty where nothing does.
        """
        told = [f"tempo {self.tempo:.0f}"] if self.tempo and not tempo_by else []
        told += [f"metre {self.metre}"] if self.metre and not metre_by else []
        told += [f"swing {self.swing:.2f}"] if self.swing is not None else []
        told += [f"energy {self.energy:.2f}"] if self.energy is not None else []
        told += [f"arousal {self.arousal:+.2f}"] if self.arousal is not None and not mood_by else []
        lines = [f"as in {Path(self.audio).name}: {', '.join(told)}"] if told else []
        if self.tempo and tempo_by:
            lines.append(f"its tempo {self.tempo:.0f} is not used: {tempo_by}")
        if self.metre and metre_by:
            lines.append(f"its metre {self.metre} is not used: {metre_by}")
        if not (self.metre or metre_by):
            lines.append(
                "no bars of three beats are heard for sure, so the song is in 4/4: compose.metre=… sets another"
            )
        if not mood_by:
            lines.append("whether it is glad or sad is not heard: type compose.emotion=… or compose.key=…")
        return lines

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


def heard_style(players: Players, **sound: Any) -> Style:
    """The style of a recording, or of samples, as the feel model's request takes them. Raises UserError: it can't be used."""
    style: Style = players.ask(_MODEL, **sound).style
    return style


def listened(audio: str | Path | Style, players: Players) -> tuple[Reference, list[str]]:
    """What can be taken of a recording, or of the style of one, and a remark where it is nothing.

    Where the model is unsure, the recording may be no music at all, so nothing is taken. Where there is no model, tempo and
    energy are those of a rule.

    Args:
        audio: a recording or a style file by name, or a style as it was heard before.
        players: of whom one listens.

    Raises:
        UserError: the recording or the style can't be used.
    """
    name = "the recording" if isinstance(audio, Style) else str(audio)
    if isinstance(audio, Style):
        style, by = audio, _HEARD_BEFORE
    elif is_style_file(Path(audio)):
        style, by = read_style_file(Path(audio)), _HEARD_BEFORE
    else:
        style = heard_style(players, audio=name)
        player = players.trace[_MODEL]
        player.answered, by = summaries.of_style(style), player.by
    if style.unsure and not style.by_rule:
        reference = Reference(name, None, None, None, None, style.confidence, by)
        return reference, [
            f"the recording: {style.unsure}; nothing of it is used, neither tempo, metre, swing, energy nor mood: type compose.tempo=… "
            "and compose.emotion=…"
        ]
    drums = style.percussive_share >= _DRUMS_ALONE
    return Reference(
        audio=name,
        tempo=style.tempo,
        swing=None if style.unsure else style.swing,
        energy=max(_FAINTEST, (style.energy + style.density) / 2),
        arousal=None if style.by_rule else 2 * style.energy - 1 if drums else style.arousal,
        confidence=style.confidence,
        by=by,
        metre="3/4" if style.in_three else "",
    ), []


def as_full(plan: list[Stretch], energy: float | None) -> list[Stretch]:
    """Sections whose energy, on average over the bars, is a given one; what is louder stays louder."""
    if energy is None or not plan:
        return plan
    mean = sum(s.energy * s.bars for s in plan) / bars_in(plan)
    factor = energy / max(mean, _FAINTEST)
    return [s._replace(energy=min(max(s.energy * factor, _FAINTEST), 1.0)) for s in plan]
