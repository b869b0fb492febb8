"""The card of a model that listens says how well speech, music and neither are told; no other card does."""

from __future__ import annotations

import re

from kmidi_lab.audio.kind import packaged
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.report.card_figures import other_sounds


def test_cards_of_listening_models_have_the_auroc_of_the_packaged_head() -> None:
    listening = {name for name, contract in CONTRACTS.items() if other_sounds(contract)}
    assert listening == {"emotion", "instrument", "emotion_node", "feel"}
    said = other_sounds(CONTRACTS["feel"])
    told = packaged()["figures"]["test"]["auroc"]
    [row] = [line for line in said.splitlines() if line.startswith("| sounds not fitted on")]
    assert [float(cell) for cell in re.findall(r"\d\.\d{3}", row)] == list(told.values())
    assert "music against neither" in said
