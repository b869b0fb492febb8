"""What KmiDi expects of the feel model: its id, sizes, named slices, budget and state."""

from __future__ import annotations

from kmidi_lab.contract_features import LEVEL_FEATURES
from kmidi_lab.contract_parts import LEVEL_FRAME
from kmidi_lab.contract_types import Contract, slices

FEEL = Contract(
    model="feel",
    id="audiofeelanalyzer",
    task="audio_classification",
    inputs=LEVEL_FRAME,
    outputs=slices(
        ("tempo", 32, "logits of the tempo; bin i is 50 x (220 / 50) ** (i / 31) quarter notes a minute"),
        ("beat", 1, "logit that a beat fell about 16 ms before the middle of this frame"),
        ("downbeat", 1, "logit that the first beat of a bar fell there"),
        ("onsets", 3, "logits that something was struck there: low, mid, high"),
        ("swing", 1, "0 even eighths, 1 triplets"),
        ("regularity", 1, "how closely the onsets lie on a grid of four or three a beat, 0..1"),
        ("energy", 1, "how much is struck and how hard, over the last 4 s, 0..1"),
        ("dynamic_range", 1, "4 x the standard deviation of the strokes' velocity / 127, 0..1"),
        ("density", 1, "onsets a second over the last 4 s / 12, 0..1"),
        ("brightness", 1, "mean band of the spectrum's power over the last 4 s, 0..1"),
        ("flatness", 1, "how even the spectrum is: 1 noise, 0 a tone"),
        ("percussive_share", 1, "of drums in what is struck, 0..1"),
        ("voices", 1, "pitches that sound together / 8, 0..1"),
        ("roughness", 1, "share of seconds and tritones among the intervals that sound together, 0..1"),
        ("register", 1, "mean pitch / 127"),
        ("register_width", 1, "from the lowest tenth of the pitches to the highest / 60, 0..1"),
        ("articulation", 1, "sounding share of the time from one note to the next, 1 = legato"),
        ("low_share", 1, "of low strokes and notes in what is struck, 0..1"),
        ("texture_reserved", 7, "zero"),
        ("valence", 1, "-1..1, of piano music alone"),
        ("arousal", 1, "-1..1, of piano music alone"),
        ("dominance", 1, "zero: no data hold it"),
        ("complexity", 1, "zero: no data hold it"),
        ("key_clarity", 1, "correlation of the pitches with the best of 24 keys, 0..1; 0 of drums alone"),
        ("confidence", 1, "logit that the tempo is right within 4 %"),
    ),
    budget_ms=5.0,
    params_hint="~150K",
    network="causal CNN",
    state="one audio frame a call",
    features=LEVEL_FEATURES,
    output_kind="logits",
)
