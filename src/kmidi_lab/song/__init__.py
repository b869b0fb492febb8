"""What a song is to be, and the song itself as symbols before it is a file."""

from kmidi_lab.song.arrangement import Arrangement
from kmidi_lab.song.elements import (
    ArrangementError,
    Bend,
    Marker,
    Metre,
    Note,
    Part,
    PlacedChord,
    Section,
    Tempo,
)
from kmidi_lab.song.to_midi import midi_bytes

__all__ = [
    "Arrangement", "ArrangementError", "Bend", "Marker", "Metre", "Note", "Part", "PlacedChord", "Section", "Tempo", "midi_bytes",
]  # fmt: skip
