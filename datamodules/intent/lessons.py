"""What a training step may ask of a text: what people said of it, what its rule says, and what the teacher thinks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from datamodules.intent.phrases import phrases
from datamodules.intent.rules import NAME as BY_RULE
from datamodules.intent.sentence_encoder import SIZE
from datamodules.intent.targets import affect_of, targets
from datamodules.intent.tuned_encoder import LABELLED, Opinions
from kmidi_lab.models.intent.features import AFFECT, COLUMNS, Sentence

_SHARE_OF_RATINGS = 0.5
"""The teacher's part in a rating where people gave one, too; where they gave none, its own counts by 1."""
_OF_RATED = 10.0
"""How much the rating of a sentence counts that people rated: one of thirty texts is; for the others the teacher alone rates."""
_OF_PHRASES = 0.5
"""How much its labels and ratings of a phrase count beside those of a sentence."""


@dataclass
class Lessons:
    """N texts and what is known of them, in the columns of an `IntentBatch`.

    Args:
        texts: N of them.
        target, known: `[N, L]`.
        affect: `[N, 3]`.
        rated: `[N]`.
        teacher: `[N, 384]`, or `[N, 0]` without a teacher.
    """

    texts: list[str]
    target: NDArray[np.float32]
    known: NDArray[np.float32]
    affect: NDArray[np.float32]
    rated: NDArray[np.float32]
    teacher: NDArray[np.float32]

    def columns(self) -> dict[str, NDArray[np.float32]]:
        """All but the texts, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)[1:]}


def lessons(sentences: Sequence[Sentence], teacher_size: int = 0) -> Lessons:
    """What people and rules said of sentences; zeros for the teacher's vectors."""
    none = np.zeros((len(sentences), teacher_size), np.float32)
    return Lessons([s.text for s in sentences], *targets(sentences), *affect_of(sentences), none)


def taught(sentences: Sequence[Sentence], teacher: Callable[[Sequence[str]], Opinions]) -> Lessons:
    """The same with the teacher's labels, which it learnt from people's, and half of its ratings; and behind them phrases.

    What a rule says of a sentence is left as it is.
    """
    own = lessons(sentences)
    said = teacher(own.texts)
    people = np.array([s.source != BY_RULE for s in sentences])
    own.target[people, :LABELLED], own.known[people, :LABELLED] = said.labels[people], 1
    rated, unrated = people & (own.rated > 0), own.rated == 0
    own.affect[rated] = (1 - _SHARE_OF_RATINGS) * own.affect[rated] + _SHARE_OF_RATINGS * said.affect[rated]
    own.rated[rated] = _OF_RATED
    own.affect[unrated], own.rated[unrated] = said.affect[unrated], 1
    own.teacher = said.vectors.astype(np.float32)
    return _joined(own, _of_phrases(phrases(s.text for s in sentences if s.source != BY_RULE), teacher))


def _of_phrases(texts: list[str], teacher: Callable[[Sequence[str]], Opinions]) -> Lessons:
    said = teacher(texts)
    target, mask = np.zeros((2, len(texts), sum(COLUMNS)), np.float32)
    target[:, :LABELLED], mask[:, :LABELLED] = said.labels, _OF_PHRASES
    affect, rated = said.affect.astype(np.float32), np.full(len(texts), _OF_PHRASES, np.float32)
    assert affect.shape == (len(texts), len(AFFECT)) and said.vectors.shape == (len(texts), SIZE)
    return Lessons(texts, target, mask, affect, rated, said.vectors.astype(np.float32))


def _joined(first: Lessons, second: Lessons) -> Lessons:
    both = {name: np.concatenate([column, second.columns()[name]]) for name, column in first.columns().items()}
    return Lessons([*first.texts, *second.texts], **both)
