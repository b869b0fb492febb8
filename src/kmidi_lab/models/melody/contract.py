"""What KmiDi expects of the melody model: its id, sizes, named slices, budget and state, and what they were before."""

from __future__ import annotations

from dataclasses import replace

from kmidi_lab.contract_features import SYMBOLIC_FEATURES, SYMBOLIC_FEATURES_2
from kmidi_lab.contract_types import KEY, MOOD, ONE_HOT, UNIT, WEIGHTED, Contract, Values, slices

_MELODY_CONTEXT = (
    ("chord", 12, "chroma of the current chord", UNIT),
    ("key", 3, "tonic as sin, cos on the circle of fifths; mode +1 major, -1 minor", KEY),
    ("mood", 3, "valence, arousal in -1..1, complexity in 0..1; zeros are neutral", MOOD),
)
_MELODY_1 = Contract(
    model="melody",
    id="melodytransformer",
    task="melody_generation",
    inputs=slices(
        ("previous_pitch_class", 12, "pitch class of the previous note, one-hot", ONE_HOT),
        ("previous_octave", 8, "MIDI octave 1..8 of the previous note, one-hot", ONE_HOT),
        ("rest_before", 1, "1 when a rest precedes the coming note", UNIT),
        ("phrase_start", 1, "1 when the coming note starts a phrase", UNIT),
        ("previous_duration", 8, "duration class: 1/16 1/8 1/8. 1/4 1/4. 1/2 1/2. whole+", ONE_HOT),
        ("next_position", 8, "metrical position of the coming note in the bar, 8 classes", ONE_HOT),
        ("next_duration", 8, "duration class of the coming note", ONE_HOT),
        *_MELODY_CONTEXT,
    ),
    outputs=slices(("pitch", 128, "probability of each MIDI pitch for the coming note")),
    budget_ms=5.0,
    params_hint="~400K",
    network="causal transformer (ONNX), recurrent student (RTNeural)",
    state="one note a call",
    features=SYMBOLIC_FEATURES,
    output_kind="probabilities",
)
MELODY = replace(
    _MELODY_1,
    version="2",
    features=SYMBOLIC_FEATURES_2,
    inputs=slices(
        ("previous_pitch_class", 12, "pitch class of the previous note, one-hot", ONE_HOT),
        ("previous_octave", 1, "(MIDI octave of the previous note - 4) / 4, octaves 1..8", Values("range", -0.75, 1.0)),
        ("rest_before", 1, "1 when a rest precedes the coming note", UNIT),
        ("phrase_start", 1, "1 when the coming note starts a phrase", UNIT),
        (
            "previous_duration",
            1,
            "log2 of the previous note's duration in quarters / 3, by class",
            Values("range", -0.7, 0.7),
        ),
        ("previous_dotted", 1, "1 when the previous note's duration class is dotted", UNIT),
        ("next_position", 8, "metrical position of the coming note in the bar, 8 classes", ONE_HOT),
        ("next_duration", 8, "duration class of the coming note: 1/16 1/8 1/8. 1/4 1/4. 1/2 1/2. whole+", ONE_HOT),
        (
            "recalled_pitch_class",
            12,
            "of the note that most often followed the longest match of up to eight notes in this piece; holds match / 8",
            WEIGHTED,
        ),
        (
            "recalled_octave",
            1,
            "octave of the recalled note less that of the previous note",
            Values("range", -3.0, 3.0),
        ),
        *_MELODY_CONTEXT,
    ),
    earlier=(_MELODY_1,),
)
