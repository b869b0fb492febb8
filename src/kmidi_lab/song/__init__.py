"""What a song is to be, and the song itself as symbols before it is a file."""

from kmidi_lab.song.arrangement import Arrangement
from kmidi_lab.song.checking import faults
from kmidi_lab.song.elements import (
    ArrangementError,
    Bend,
    Marker,
    Metre,
    Note,
    Part,
    PlacedChord,
    PlacedKey,
    Section,
    Tempo,
)
from kmidi_lab.song.intent import (
    EmotionalIntent,
    IntentError,
    SongIntent,
    SongRoot,
    SystemDirective,
    TechnicalConstraints,
)
from kmidi_lab.song.interrogation import Choice, Question, answer, filled, missing, next_question
from kmidi_lab.song.reading import read_intent, to_json, to_yaml, write_intent
from kmidi_lab.song.rule_breaks import RuleBreakError, break_rule, new_order
from kmidi_lab.song.to_midi import midi_bytes

__all__ = [
    "Arrangement", "ArrangementError", "Bend", "Choice", "EmotionalIntent", "IntentError", "Marker", "Metre", "Note", "Part",
    "PlacedChord", "PlacedKey", "Question", "RuleBreakError", "Section", "SongIntent", "SongRoot", "SystemDirective", "TechnicalConstraints",
    "Tempo", "answer", "break_rule", "faults", "filled", "midi_bytes", "missing", "new_order", "next_question", "read_intent", "to_json",
    "to_yaml", "write_intent",
]  # fmt: skip
