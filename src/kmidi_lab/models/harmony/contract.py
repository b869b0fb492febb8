"""What KmiDi expects of the harmony model: its id, sizes, named slices, budget and state, and what they were before."""

from __future__ import annotations

from dataclasses import replace

from kmidi_lab.contract_features import SYMBOLIC_FEATURES, SYMBOLIC_FEATURES_2
from kmidi_lab.contract_types import CIRCLE, ONE_HOT, SIGNED, TWICE, UNIT, Contract, slices, with_meaning

_HARMONY_1 = Contract(
    model="harmony",
    id="harmonypredictor",
    task="harmony_prediction",
    inputs=slices(
        (
            "emotion",
            64,
            "emotion embedding (valence, arousal, dominance, complexity); zeros when unknown",
            TWICE,
        ),
        ("previous_chords", 36, "previous three chords, oldest first, 12 chroma each: root 1.0, chord tones 0.5", UNIT),
        ("recalled_chord", 12, "chroma of the chord that followed the last time the same chords stood in a row", UNIT),
        ("key_tonic", 12, "tonic pitch class, one-hot", ONE_HOT),
        ("mode", 1, "+1 major, -1 minor, 0 unknown", SIGNED),
        ("phrase_position", 2, "sin, cos of the position in the phrase", CIRCLE),
        ("last_duration", 1, "duration of the last chord in bars, clipped to 4, divided by 4", UNIT),
    ),
    outputs=slices(
        ("root", 12, "root pitch-class logits"),
        ("quality", 8, "quality logits: major minor dim aug dom7 maj7 min7 dim7"),
        ("bass", 12, "bass pitch-class logits"),
        ("voice_leading", 4, "motion of soprano, alto, tenor, bass in semitones"),
        ("chord_embedding", 28, "embedding; head.json maps it to 12 degrees x 8 qualities"),
    ),
    budget_ms=3.0,
    params_hint="~100K",
    network="MLP",
    state="none",
    features=SYMBOLIC_FEATURES,
    output_kind="logits",
    head=True,
)
HARMONY = replace(
    _HARMONY_1,
    version="2",
    features=SYMBOLIC_FEATURES_2,
    inputs=with_meaning(
        _HARMONY_1.inputs,
        recalled_chord="chroma of the chord that most often followed the longest match of up to eight chords in this song",
    ),
    earlier=(_HARMONY_1,),
)
