"""What KmiDi expects of the intent model: its id, sizes, named slices, budget and state."""

from __future__ import annotations

from kmidi_lab.contract_features import TEXT_FEATURES
from kmidi_lab.contract_parts import EMBEDDING
from kmidi_lab.contract_types import SIGNED, Contract, slices

INTENT = Contract(
    model="intent",
    id="intentclassifier",
    task="intent_mapping",
    inputs=slices(("text", 128, "text128-v1: mean of the table's rows of a text's pieces, of length 1", SIGNED)),
    outputs=EMBEDDING,
    budget_ms=5.0,
    params_hint="~100K and a table",
    network="MLP on text vectors",
    state="none",
    features=TEXT_FEATURES,
    output_kind="embedding",
    head=True,
)
