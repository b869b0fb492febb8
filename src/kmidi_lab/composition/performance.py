"""A written song as it is played: the models of drums, expression and micro-timing change onsets, velocities and pedal."""

from __future__ import annotations

from dataclasses import replace

from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.metres import COMMON
from kmidi_lab.composition.players import Players
from kmidi_lab.errors import UserError
from kmidi_lab.song import Arrangement, midi_bytes

_DRAWN = 0.5
"""Share of a stroke's velocity that is the model's; the rest is written, so that a backbeat stays one."""

_TIGHT = 0.4
"""Share of the offsets of solo pianists that a band plays: whoever plays together is tighter. Our choice."""


def performed(song: Arrangement, brief: Brief, players: Players) -> tuple[bytes, list[str]]:
    """The MIDI file of the song, drums humanised and the other parts played with expression, and remarks on it."""
    remarks = []
    drummed = song.part("drums") is not None and brief.band.groove is not None
    if drummed and brief.metre is COMMON:
        try:
            song = _humanised(song, brief, players)
        except UserError as error:  # a rule that was broken may have made bars that the model does not know
            remarks.append(f"the drums are played as they are written: {str(error).removeprefix('the MIDI data: ')}")
    data = midi_bytes(song)
    if drummed and brief.metre is not COMMON:  # which the groove model does not know
        asked = {"parts": "drums", "style": brief.band.groove}
        data = players.ask("microtiming", brief.seed, midi=data, **asked).midi
    if any(not part.is_drums for part in song.parts):
        data = players.ask("dynamics", brief.seed, midi=data, emotion=str(brief.mood), timing=False).midi
        data = players.ask("microtiming", brief.seed, midi=data, parts="pitched", amount=_TIGHT).midi
    return data, remarks


def _humanised(song: Arrangement, brief: Brief, players: Players) -> Arrangement:
    played = players.ask("groove", brief.seed, midi=midi_bytes(song), style=brief.band.groove)
    parts = []
    for part in song.parts:
        if part.is_drums and [n.velocity for n in part.notes] == played.before.tolist():
            strokes = zip(part.notes, played.shift.tolist(), played.velocity.tolist(), strict=True)
            part = part.with_notes(
                [
                    n._replace(
                        start=max(0.0, n.start + shift * song.tempo_at(n.start) / 60),
                        velocity=round((1 - _DRAWN) * n.velocity + _DRAWN * drawn),
                    )
                    for n, shift, drawn in strokes
                ]
            )
        parts.append(part)
    return replace(song, parts=tuple(parts))
