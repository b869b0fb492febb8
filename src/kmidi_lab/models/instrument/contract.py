"""What KmiDi expects of the instrument model: its id, sizes, named slices, budget and state, and what they were before."""

from __future__ import annotations

from dataclasses import replace

from kmidi_lab.contract_features import AUDIO_FEATURES, LEVEL_FEATURES
from kmidi_lab.contract_parts import LEVEL_FRAME, MEL_FRAME
from kmidi_lab.contract_types import Contract, slices

_INSTRUMENT_1 = Contract(
    model="instrument",
    id="instrumentrecognizer",
    task="dual_instrument_recognition",
    inputs=MEL_FRAME,
    outputs=slices(
        ("family", 16, "instrument family"),
        ("instrument", 32, "instrument"),
        ("technique", 16, "playing technique"),
        ("articulation", 8, "articulation"),
        ("register", 4, "bass low_mid high_mid treble"),
        ("brightness", 4, "brightness"),
        ("expression_style", 12, "expression style"),
        ("energy", 8, "energy, ordinal"),
        ("role", 8, "musical role"),
        ("valence", 8, "valence, mean over the slice"),
        ("arousal", 8, "arousal, mean over the slice"),
        ("dynamic_range", 4, "dynamic range, ordinal"),
        ("human_feel", 8, "human feel"),
        ("vibrato", 4, "vibrato, ordinal"),
        ("attack", 8, "attack"),
        ("sustain", 8, "sustain"),
        ("genre_feel", 4, "classical jazz rock electronic"),
    ),
    budget_ms=10.0,
    params_hint="~2M",
    network="causal CNN, two heads of 80",
    state="one audio frame a call",
    features=AUDIO_FEATURES,
    output_kind="logits",
)
INSTRUMENT = replace(
    _INSTRUMENT_1,
    version="2",
    features=LEVEL_FEATURES,
    inputs=LEVEL_FRAME,
    earlier=(_INSTRUMENT_1,),
)
