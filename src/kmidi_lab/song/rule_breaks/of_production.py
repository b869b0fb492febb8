"""The two rules of production that MIDI can hold, and why it can't hold the other three."""

from __future__ import annotations

import math
from dataclasses import replace

from kmidi_lab.song.arrangement import Arrangement
from kmidi_lab.song.elements import Bend, Part
from kmidi_lab.song.rule_breaks.changing import RuleBreakError

FARTHEST = 0.35
"""Semitones that the voice drifts off at most."""
MIDDLE = 64
_STEP = 0.25


def pitch_imperfection(song: Arrangement) -> Arrangement:
    """The voice drifts slowly off its pitch to both sides, a third of a semitone at most, and comes to each note from below."""
    if not any(part.role == "lead" and part.notes for part in song.parts):
        raise RuleBreakError("PRODUCTION_PitchImperfection needs a part with the role lead that plays")
    parts = (replace(p, bends=_drift(p, song.length)) if p.role == "lead" and p.notes else p for p in song.parts)
    return replace(song, parts=tuple(parts))


def mono_collapse(song: Arrangement) -> Arrangement:
    """Every part comes from the middle."""
    return replace(song, parts=tuple(replace(part, pan=MIDDLE) for part in song.parts))


def _drift(part: Part, length: float) -> tuple[Bend, ...]:
    """Two slow waves that never meet again, and a scoop at the start of each note."""
    places = [step * _STEP for step in range(math.ceil(length / _STEP))]
    bends = {place: 0.16 * math.sin(place / 1.7) + 0.09 * math.sin(place / 0.61 + 1) for place in places}
    for note in part.notes:
        bends[note.start] = -FARTHEST
        settled = note.start + min(0.2, note.duration / 2)
        bends[settled] = 0.16 * math.sin(settled / 1.7)
    return tuple(Bend(place, bends[place]) for place in sorted(bends))
