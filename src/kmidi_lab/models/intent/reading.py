"""What a text reads as: the answer of the model, or of the word list that stands in for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.emotion_embedding import ANCHORS, encode_emotion, read_emotion
from kmidi_lab.models.intent.anchors import probabilities, said_arc
from kmidi_lab.models.intent.features import LABELS, SUB_EMOTIONS
from kmidi_lab.models.intent.head import LEAST_COVERAGE
from kmidi_lab.song.vocabularies import mood_affect
from kmidi_lab.text.pieces import is_word, tokens
from kmidi_lab.text.table import Known

MODEL, WORD_LIST = "model", "word list"
_NEAREST = 4.0


@dataclass(frozen=True)
class Feeling:
    """What a text reads as.

    Attributes:
        text: as it was given.
        unsure: there is no answer to rely on: readings are 0, probabilities are even and `why` says the reason.
        why: why it is unsure; empty where it isn't.
        source: `model` or `word list`.
        coverage: share 0..1 of the text's words that are known.
        valence, arousal, dominance: -1..1, 0 neutral.
        complexity: 0..1, 0 for one feeling.
        label: the likeliest of `probabilities`, or `unsure`.
        probabilities: of the six bases and neutral, each 0..1 by itself; several may hold.
        sub_emotions: of the 36, each 0..1 by itself.
        moods, arcs, feels, vulnerability: the song form's words, each kind's probabilities add up to 1.
        rule_breaks: rules to break, the one that fits the feeling best first.
        arc: the likeliest of `arcs`, or what the text asks for in words.
        arc_said: whether the text asks for it.
        embedding: the 64 floats that other models take.
    """

    text: str
    unsure: bool
    why: str
    source: str
    coverage: float
    valence: float
    arousal: float
    dominance: float
    complexity: float
    label: str
    probabilities: dict[str, float]
    sub_emotions: dict[str, float]
    moods: dict[str, float]
    arcs: dict[str, float]
    feels: dict[str, float]
    vulnerability: dict[str, float]
    rule_breaks: list[str]
    arc: str
    arc_said: bool
    embedding: tuple[float, ...]

    @property
    def mood(self) -> str:
        """The likeliest mood."""
        return max(self.moods, key=self.moods.__getitem__)

    @property
    def feel(self) -> str:
        """The likeliest feel of the rhythm."""
        return max(self.feels, key=self.feels.__getitem__)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "mood": self.mood, "feel": self.feel}


def from_model(text: str, known: Known, embedding: NDArray[np.floating], head: dict[str, np.ndarray]) -> Feeling:
    """The model's answer.

    Args:
        text: what was asked.
        known: shares of its words that the table knows.
        embedding: `[64]`.
        head: arrays of the head file.
    """
    logits = label_logits(embedding, head)
    above = logits - head["cut_bias"]
    subs = _sigmoid(embedding.astype(np.float64) @ head["sub_weight"].T + head["sub_bias"])
    if not any(is_word(token) and not token.isdecimal() and len({*token}) > 1 for token in tokens(text)):
        why = "the text has no words"
    elif known.all < LEAST_COVERAGE:
        why = f"only {known.all:.0%} of its words are known: another language, or no words at all"
    elif known.telling < LEAST_COVERAGE:
        why = f"only {known.telling:.0%} of its words are known, small ones such as the and is left out"
    elif above.max() < 0:
        why = "no feeling stands out"
    else:
        why = ""
    return _feeling(text, why, MODEL, known.all, embedding, _sigmoid(logits), subs, LABELS[int(above.argmax())])


def from_words(text: str) -> Feeling:
    """The answer of the feel lexicon alone: the mean place of the words that it knows, and the label nearest to it."""
    affect = mood_affect(text)
    valence, arousal = affect or (0.0, 0.0)
    far = [(valence - ANCHORS[name][0]) ** 2 + (arousal - ANCHORS[name][1]) ** 2 for name in LABELS]
    p = np.exp(-_NEAREST * np.array(far))
    even = np.full(len(SUB_EMOTIONS), 1 / len(SUB_EMOTIONS))
    embedding = encode_emotion(valence, arousal)
    why = "" if affect else "none of its words is in the word list"
    return _feeling(text, why, WORD_LIST, 1.0 if affect else 0.0, embedding, p / p.sum(), even, LABELS[int(p.argmax())])


def label_logits(embedding: NDArray[np.floating], head: dict[str, np.ndarray]) -> NDArray[np.float64]:
    """`[..., 7]` of embeddings `[..., 64]`."""
    return np.asarray(embedding.astype(np.float64) @ head["weight"].T + head["bias"])


def _sigmoid(x: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -60, 60))), np.float64)


def _feeling(
    text: str,
    why: str,
    source: str,
    coverage: float,
    embedding: NDArray[np.floating],
    labels: NDArray[np.floating],
    subs: NDArray[np.floating],
    label: str,
) -> Feeling:
    if why:
        embedding, label = np.zeros_like(embedding), "unsure"
        labels = np.full(len(LABELS), 1 / len(LABELS))
        subs = np.full(len(SUB_EMOTIONS), 1 / len(SUB_EMOTIONS))
    scalars = read_emotion(embedding)
    readings = np.array(list(scalars.values()))
    kinds = {kind: probabilities(kind, readings) for kind in ("moods", "arcs", "feels", "vulnerability")}
    ranked = probabilities("rule_breaks", readings)
    said = said_arc(text)
    return Feeling(
        text=text,
        unsure=bool(why),
        why=why,
        source=source,
        coverage=coverage,
        valence=scalars["valence"],
        arousal=scalars["arousal"],
        dominance=scalars["dominance"],
        complexity=scalars["complexity"],
        label=label,
        probabilities=dict(zip(LABELS, map(float, labels), strict=True)),
        sub_emotions=dict(zip(SUB_EMOTIONS, map(float, subs), strict=True)),
        moods=kinds["moods"],
        arcs=kinds["arcs"],
        feels=kinds["feels"],
        vulnerability=kinds["vulnerability"],
        rule_breaks=sorted(ranked, key=ranked.__getitem__, reverse=True),
        arc=said or max(kinds["arcs"], key=kinds["arcs"].__getitem__),
        arc_said=said is not None,
        embedding=tuple(map(float, embedding)),
    )
