"""What KmiDi expects of the microtiming model: its id, sizes, named slices, budget and state."""

from __future__ import annotations

from kmidi_lab.contract_features import SYMBOLIC_FEATURES
from kmidi_lab.contract_parts import MOOD_SLICE
from kmidi_lab.contract_types import CIRCLE, ONE_HOT, SIGNED, TWICE_UNIT, UNIT, Contract, Values, slices

MICROTIMING = Contract(
    model="microtiming",
    id="microtimingmodel",
    task="custom",
    inputs=slices(
        ("style", 8, "straight swing shuffle laid_back pushed funk jazz latin, one-hot; zeros unknown", ONE_HOT),
        ("step", 16, "nearest sixteenth of the bar, one-hot", ONE_HOT),
        ("role", 8, "lead bass comp kick snare hat cymbal other, one-hot", ONE_HOT),
        ("tempo", 1, "(quarter notes a minute - 120) / 60", Values("range", -2.0, 4.0)),
        ("swing", 1, "0 even eighths, 1 triplets", UNIT),
        ("inter_onset", 2, "log2 of the quarters from the onset before and to the one after / 4; 0 unknown", SIGNED),
        ("duration", 1, "log2 of the written duration in quarters / 4; 0 for drums", SIGNED),
        ("pitch", 1, "MIDI pitch / 127; drums as one of nine voices", UNIT),
        ("chord_size", 1, "notes written at this onset / 10, at most 2", TWICE_UNIT),
        ("chord_rank", 1, "place among them by pitch, 0 the lowest, 1 the highest; 0 alone", UNIT),
        (
            "played_offsets",
            4,
            "the last four offsets as played, oldest first, in the unit of the outputs; 0 unknown",
            SIGNED,
        ),
        ("lead", 1, "how late the player is as a whole / 30 ms, below 0 early; 0 unknown", SIGNED),
        ("phrase_position", 2, "sin, cos of the place in a phrase of eight bars; zeros unknown", CIRCLE),
        MOOD_SLICE,
        ("written_dynamic", 1, "dynamic that the score writes, as a MIDI velocity / 127; 0 unknown", UNIT),
        ("reserved", 12, "keep it zero; it has no effect", UNIT),
    ),
    outputs=slices(
        ("median", 1, "median offset from the written place, -1..1 = +-60 ticks at 480 PPQ, later is above 0"),
        ("quantiles", 4, "10, 25, 75 and 90 % quantiles of the offset; sort them with the median before use"),
        ("velocity", 1, "velocity, 0..1"),
        ("velocity_spread", 1, "mean distance of velocities from it, 0..1"),
        ("reserved", 9, "zero"),
    ),
    budget_ms=1.0,
    params_hint="~20K",
    network="small RNN",
    state="one note a call",
    features=SYMBOLIC_FEATURES,
    output_kind="values",
)
