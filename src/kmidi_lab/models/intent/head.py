"""What `intentclassifier.head.json` says: the linear heads that were learnt, and the rules that were not."""

from __future__ import annotations

from kmidi_lab.models.intent.anchors import CUES, KINDS, choices, linear_map
from kmidi_lab.models.intent.contract import INTENT
from kmidi_lab.models.intent.features import LABELS, SUB_EMOTIONS, SUB_OF_FINE
from kmidi_lab.text.function_words import FUNCTION_WORDS

LEAST_COVERAGE = 0.5
"""Share of a text's words that must be known for an answer, of all and of those that are no function words."""


def head_layout() -> dict[str, object]:
    """All but the arrays."""
    return {
        "input": {"slice": "output", "start": 0, "stop": INTENT.output_size},
        "decode": "logits = weight @ embedding + bias, sigmoid gives each label's probability; the label is that whose logit "
        "lies farthest above its cut_bias; sub-emotions likewise by sub_weight and sub_bias. readings are the contract's; a "
        "rule's scores are map @ [valence, arousal, dominance, complexity, 1], softmax gives probabilities",
        "labels": list(LABELS),
        "sub_emotions": list(SUB_EMOTIONS),
        "sub_emotions_with_data": sorted(set(SUB_OF_FINE.values())),
        "unsure": {
            "least_coverage": LEAST_COVERAGE,
            "least_coverage_of_telling_words": LEAST_COVERAGE,
            "function_words": sorted(FUNCTION_WORDS),
            "least_logit_above_cut": 0.0,
        },
        "rules": {
            kind: {"learnt": False, "names": list(choices(kind)), "map": linear_map(kind).tolist()} for kind in KINDS
        },
        "said_arcs": {"learnt": False, **CUES},
    }
