"""What KmiDi expects of the emotion_node model: its id, sizes, named slices, budget and state, and what they were before."""

from __future__ import annotations

from dataclasses import replace

from kmidi_lab.contract_features import AUDIO_FEATURES, LEVEL_FEATURES
from kmidi_lab.contract_parts import LEVEL_FRAME, MEL_FRAME
from kmidi_lab.contract_types import Contract, slices

_EMOTION_NODE_1 = Contract(
    model="emotion_node",
    id="emotionnodeclassifier",
    task="emotion_node_classification",
    inputs=MEL_FRAME,
    outputs=slices(
        ("base", 6, "HAPPY SAD ANGRY FEAR SURPRISE DISGUST"),
        ("sub", 6, "sub-emotion within the base"),
        ("intensity", 6, "subtle mild moderate strong intense overwhelming"),
        ("key", 24, "2 x tonic + mode"),
        ("node", 216, "base x 36 + sub x 6 + leaf"),
    ),
    budget_ms=15.0,
    params_hint="~3M",
    network="causal CNN, five heads",
    state="one audio frame a call",
    features=AUDIO_FEATURES,
    output_kind="logits",
)

EMOTION_NODE = replace(
    _EMOTION_NODE_1,
    version="2",
    features=LEVEL_FEATURES,
    inputs=LEVEL_FRAME,
    earlier=(_EMOTION_NODE_1,),
)
