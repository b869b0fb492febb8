"""What KmiDi expects of the structure model: its id, sizes, named slices, budget and state."""

from __future__ import annotations

from kmidi_lab.contract_features import SYMBOLIC_FEATURES
from kmidi_lab.contract_parts import MOOD_SLICE
from kmidi_lab.contract_types import ONE_HOT, TWICE_UNIT, UNIT, WEIGHTED, Contract, Values, slices

STRUCTURE = Contract(
    model="structure",
    id="structurepredictor",
    task="custom",
    inputs=slices(
        ("previous_sections", 24, "types of the last two sections, oldest first, 12 one-hot each", UNIT),
        (
            "recalled_section",
            12,
            "type that most often followed the longest match of up to eight sections in this song; holds match / 8",
            WEIGHTED,
        ),
        ("counts", 11, "sections of each type so far / 4, without silence", TWICE_UNIT),
        ("last_length", 1, "bars of the last section / 32, at most 1; 0 unknown", UNIT),
        ("position", 1, "time since the song began / 4 min, at most 2", TWICE_UNIT),
        ("target", 1, "length that the song shall have / 4 min, at most 2; 0 unknown", TWICE_UNIT),
        ("arc", 8, "narrative arc, one-hot; no data hold arcs, so the head file's rule follows it", ONE_HOT),
        MOOD_SLICE,
        ("tempo", 1, "(quarter notes a minute - 120) / 60; 0 where unknown", Values("range", -2.0, 4.0)),
        ("metre", 1, "quarter notes of a bar / 8; 0 unknown", TWICE_UNIT),
    ),
    outputs=slices(
        (
            "section",
            13,
            "logits of the next section: intro verse pre-chorus chorus bridge solo breakdown build-up drop outro other "
            "silence, END",
        ),
        ("length", 8, "logits of its length in bars, 2 4 8 12 16 24 32 other; the head file adds a row for each type"),
        ("energy", 1, "expected energy by the rule of the head file, 0..1"),
        ("density", 1, "expected density by the rule of the head file, 0..1"),
        ("tension", 1, "expected tension by the rule of the head file, 0..1"),
        ("reserved", 8, "zero"),
    ),
    budget_ms=1.0,
    params_hint="~30K",
    network="small MLP",
    state="none",
    features=SYMBOLIC_FEATURES,
    output_kind="logits",
    head=True,
)
