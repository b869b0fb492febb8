"""What KmiDi expects of the dynamics model: its id, sizes, named slices, budget and state, and what they were before."""

from __future__ import annotations

from dataclasses import replace

from kmidi_lab.contract_features import SYMBOLIC_FEATURES, SYMBOLIC_FEATURES_2
from kmidi_lab.contract_types import CIRCLE, MOOD, SIGNED, TWICE, UNIT, Contract, Values, slices

_DYNAMICS_1 = Contract(
    model="dynamics",
    id="dynamicsengine",
    task="dynamics_mapping",
    inputs=slices(
        ("emotion", 4, "valence, arousal, dominance in -1..1, complexity in 0..1; zeros are neutral", MOOD),
        ("pitch", 1, "MIDI pitch / 127", UNIT),
        ("interval", 1, "interval from the previous note / 12", TWICE),
        ("duration", 1, "log2 of the duration in beats / 4", SIGNED),
        ("inter_onset", 2, "log2 inter-onset interval before and after / 4", SIGNED),
        ("beat_phase", 2, "sin, cos", CIRCLE),
        ("phrase_phase", 2, "sin, cos", CIRCLE),
        ("position", 2, "position in the phrase and in the piece, 0..1", UNIT),
        ("tempo", 1, "(bpm - 120) / 60", Values("range", -2.0, 4.0)),
        ("metre", 1, "beats per bar / 8", Values("range", 0.0, 2.0)),
        ("previous_velocities", 4, "the four previous velocities / 127", UNIT),
        ("local_peak", 1, "1 at a local pitch peak", UNIT),
        ("top_voice", 1, "1 for the top voice", UNIT),
        ("bass_voice", 1, "1 for the bass voice", UNIT),
        ("polyphony", 1, "number of sounding notes / 10", Values("range", 0.0, 2.0)),
        ("metrical_strength", 1, "0..1", UNIT),
        ("contour", 6, "three intervals before and three after / 12", TWICE),
    ),
    outputs=slices(
        ("velocity", 1, "velocity of this note, 0..1"),
        ("velocity_curve", 7, "velocity over the next seven notes, 0..1"),
        ("attack", 1, "attack emphasis, 0..1"),
        ("release", 1, "articulation: sounding / notated duration, 1 = legato"),
        ("dynamic_range", 1, "dynamic range of the phrase, 0..1"),
        ("compression", 1, "0..1"),
        ("timing", 1, "0.5 = on the grid, +-50 ms full scale"),
        ("pedal", 1, "pedal or legato overlap, 0..1"),
        ("reserved", 2, "zero"),
    ),
    budget_ms=1.0,
    params_hint="~20K",
    network="small MLP",
    state="none",
    features=SYMBOLIC_FEATURES,
    output_kind="values",
)
DYNAMICS = replace(
    _DYNAMICS_1,
    version="2",
    features=SYMBOLIC_FEATURES_2,
    inputs=tuple(
        replace(s, name="written_dynamic", meaning="dynamic that the score writes, as a MIDI velocity / 127; 0 unknown")
        if s.name == "metrical_strength"
        else s
        for s in _DYNAMICS_1.inputs
    ),
    earlier=(_DYNAMICS_1,),
)
