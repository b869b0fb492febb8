"""Sentences, the labels that they may have, and a training step's batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import torch

SUBS: Mapping[str, tuple[str, ...]] = {
    "happy": ("contentment", "joy", "excitement", "pride", "love", "hope"),
    "sad": ("grief", "despair", "loneliness", "disappointment", "melancholy", "hurt"),
    "angry": ("irritation", "hostility", "rage", "jealousy", "indignation", "vengeance"),
    "fear": ("anxiety", "terror", "dread", "vulnerability", "unease", "phobia"),
    "surprise": ("amazement", "shock", "confusion", "curiosity", "disbelief", "enlightenment"),
    "disgust": ("revulsion", "contempt", "loathing", "aversion", "moral_disgust", "boredom"),
}
"""The sub-emotions of each base (contract.md §5)."""
BASES = tuple(SUBS)
LABELS = (*BASES, "neutral")
"""The bases, and neutral, which GoEmotions has beside them."""
SUB_EMOTIONS = tuple(f"{base}/{sub}" for base, subs in SUBS.items() for sub in subs)
FINE = (
    "admiration", "amusement", "anger", "annoyance", "approval", "caring", "confusion", "curiosity", "desire",
    "disappointment", "disapproval", "disgust", "embarrassment", "excitement", "fear", "gratitude", "grief", "joy", "love",
    "nervousness", "optimism", "pride", "realization", "relief", "remorse", "sadness", "surprise", "neutral",
)  # fmt: skip
"""GoEmotions' labels, in its order."""
SUB_OF_FINE: Mapping[str, str] = {
    "amusement": "happy/joy", "annoyance": "angry/irritation", "caring": "happy/love", "confusion": "surprise/confusion",
    "curiosity": "surprise/curiosity", "disappointment": "sad/disappointment", "disgust": "disgust/revulsion",
    "excitement": "happy/excitement", "fear": "fear/terror", "gratitude": "happy/contentment", "grief": "sad/grief",
    "joy": "happy/joy", "love": "happy/love", "nervousness": "fear/anxiety", "optimism": "happy/hope", "pride": "happy/pride",
    "realization": "surprise/enlightenment", "relief": "happy/contentment", "sadness": "sad/melancholy",
    "surprise": "surprise/amazement",
}  # fmt: skip
"""What GoEmotions' labels say of sub-emotions; the others have sentences by rule alone."""
SIDE = (
    *(f"isear/{name}" for name in ("anger", "disgust", "fear", "joy", "sadness", "shame", "guilt")),
    *(
        f"xed/{name}"
        for name in ("anger", "anticipation", "disgust", "fear", "joy", "sadness", "surprise", "trust", "neutral")
    ),
)
"""Labels that only training looks at, each through a head of its own."""
AFFECT = ("valence", "arousal", "dominance")


@dataclass(frozen=True)
class Sentence:
    """A text and what is known of the feeling in it.

    Args:
        id: of its place in its source.
        source: `goemotions`, `emobank`, `isear`, `xed` or `rules`.
        part: `train` or `dev` where its publisher says so, else empty.
        text: as it was written.
        labels: of `LABELS`.
        fine: of `FINE`.
        subs: of `SUB_EMOTIONS`, of a sentence made by rule.
        side: of `SIDE`.
        affect: valence, arousal, dominance in -1..1, 0 neutral; empty where nobody rated them.
    """

    id: str
    source: str
    part: str
    text: str
    labels: tuple[str, ...] = ()
    fine: tuple[str, ...] = ()
    subs: tuple[str, ...] = ()
    side: tuple[str, ...] = ()
    affect: tuple[float, ...] = ()

    @property
    def title(self) -> str:
        return self.text[:60]


class IntentBatch(NamedTuple):
    """Texts and targets; a row of `known` is 1 where a column's answer is known, 0 where not.

    `at` `[R]` rows of the table and `starts` `[B]` where each text's begin; `weight` `[R]` 1, or 0 where a piece is
    left out; `target` and `known` `[B, L]` over LABELS, FINE, SUB_EMOTIONS and SIDE in a row; `affect` `[B, 3]` with
    `rated` `[B]`, how much a rating counts; `teacher` `[B, 384]`, zeros where there is none; `given` `[B, 128]`, the vector
    of a text that is not there itself, as in feedback, zeros where it is; None where all are.
    """

    at: torch.Tensor
    starts: torch.Tensor
    weight: torch.Tensor
    target: torch.Tensor
    known: torch.Tensor
    affect: torch.Tensor
    rated: torch.Tensor
    teacher: torch.Tensor
    given: torch.Tensor | None = None


COLUMNS = (len(LABELS), len(FINE), len(SUB_EMOTIONS), len(SIDE))
"""Sizes of the four parts of a target."""
