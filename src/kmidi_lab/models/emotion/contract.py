"""What KmiDi expects of the emotion model: its id, sizes, named slices, budget and state, and what they were before."""

from __future__ import annotations

from dataclasses import replace

from kmidi_lab.contract_features import AUDIO_FEATURES, SPEAKER_FEATURES
from kmidi_lab.contract_parts import EMBEDDING, MEL_FRAME
from kmidi_lab.contract_types import ADAPTED_MEL, Contract, slices

_EMOTION_1 = Contract(
    model="emotion",
    id="emotionrecognizer",
    task="emotion_embedding",
    inputs=MEL_FRAME,
    outputs=EMBEDDING,
    budget_ms=5.0,
    params_hint="~500K",
    network="causal CNN",
    state="one audio frame a call",
    features=AUDIO_FEATURES,
    output_kind="embedding",
    head=True,
)
EMOTION = replace(
    _EMOTION_1,
    version="2",
    features=SPEAKER_FEATURES,
    inputs=slices(
        (
            "mel",
            128,
            "one mel128-v2-speaker frame: a mel128-v1 frame less the running means of its level and shape over speech",
            ADAPTED_MEL,
        )
    ),
    earlier=(_EMOTION_1,),
)
