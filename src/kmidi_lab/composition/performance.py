"""A written song as it is played: the models of drums and of expression change onsets, velocities and pedal of the MIDI file."""

from __future__ import annotations

from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.players import Players
from kmidi_lab.song import Arrangement, midi_bytes


def performed(song: Arrangement, brief: Brief, players: Players) -> bytes:
    """The MIDI file of the song: drums humanised, the other parts played with expression. Nothing else in it changes."""
    data = midi_bytes(song)
    if song.part("drums") and brief.band.groove:
        data = players.ask("groove", brief.seed, midi=data, style=brief.band.groove).midi
    if any(not part.is_drums for part in song.parts):
        data = players.ask("dynamics", brief.seed, midi=data, emotion=str(brief.mood)).midi
    return data
