"""What KmiDi expects of the groove model: its id, sizes, named slices, budget and state."""

from __future__ import annotations

from kmidi_lab.contract_features import SYMBOLIC_FEATURES
from kmidi_lab.contract_parts import MOOD_SLICE
from kmidi_lab.contract_types import CIRCLE, ONE_HOT, UNIT, Contract, Values, slices

GROOVE = Contract(
    model="groove",
    id="groovepredictor",
    task="groove_prediction",
    inputs=slices(
        ("onsets", 48, "16 steps x (low/kick, mid/snare, high/hat) onset strength 0..1, step-major", UNIT),
        ("style", 8, "straight swing shuffle laid_back pushed funk jazz latin, one-hot", ONE_HOT),
        ("tempo", 1, "(bpm - 120) / 60", Values("range", -2.0, 4.0)),
        ("swing", 1, "0..1", UNIT),
        MOOD_SLICE,
        ("phrase_position", 2, "bar in phrase: sin, cos", CIRCLE),
    ),
    outputs=slices(
        ("timing", 16, "timing offset of each sixteenth, -1..1 (x60 ticks at 480 PPQ)"),
        ("velocity", 16, "velocity of each sixteenth, 0..1"),
    ),
    budget_ms=2.0,
    params_hint="~25K",
    network="small RNN",
    state="one bar a call",
    features=SYMBOLIC_FEATURES,
    output_kind="values",
)
