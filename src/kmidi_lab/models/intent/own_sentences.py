"""The 200 sentences of our own, and whether an answer to one is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from kmidi_lab.own_yaml import table


@dataclass(frozen=True)
class OwnSentence:
    """One of them.

    Args:
        kind: `negation`, `music`, `plain` or `unsure`.
        text: the sentence.
        labels: those that are right, or `unsure` alone.
        sign: of valence, 1 or -1; 0 where it doesn't matter.
    """

    kind: str
    text: str
    labels: tuple[str, ...]
    sign: int

    def right(self, label: str, valence: float) -> bool:
        """Whether a label (or `unsure`) and a valence are a right answer; a word that is rightly left open needs no sign."""
        return label in self.labels and (self.sign == 0 or label == "neutral" or valence * self.sign > 0)


@cache
def own_sentences() -> tuple[OwnSentence, ...]:
    """All of them, in the file's order."""
    out = []
    for kind, rows in table(__name__, "own_sentences.yaml").items():
        for sentence, expected in rows:
            labels, _, sign = str(expected).partition(" ")
            out.append(OwnSentence(kind, str(sentence), tuple(labels.split("|")), {"+": 1, "-": -1}.get(sign, 0)))
    return tuple(out)


def shares_right(answers: Sequence[tuple[str, float]]) -> dict[str, float]:
    """The share of right answers of each kind, as `own_<kind>`.

    Args:
        answers: label and valence for each of `own_sentences`, in order.
    """
    right: dict[str, list[bool]] = {}
    for own, (label, valence) in zip(own_sentences(), answers, strict=True):
        right.setdefault(f"own_{own.kind}", []).append(own.right(label, valence))
    return {kind: sum(each) / len(each) for kind, each in right.items()}
