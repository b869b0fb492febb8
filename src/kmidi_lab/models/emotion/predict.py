"""task=predict for emotion: valence, arousal, dominance and complexity over time, the likeliest label and intensity."""

from __future__ import annotations

import json

import numpy as np

from kmidi_lab.audio.mel import FLOOR
from kmidi_lab.emotion_embedding import read_emotion
from kmidi_lab.errors import RegistryError
from kmidi_lab.inference.listener import Frames, Read, Reading, likeliest
from kmidi_lab.inference.listening import Listening, no_answer_stands_out
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.questions import SOUNDS
from kmidi_lab.inference.ways import Way
from kmidi_lab.models.emotion.contract import EMOTION
from kmidi_lab.models.emotion.features import INTENSITIES

_SURE = 0.35
"""Probability of the likeliest label below which the answer is said to be unsure: one in eight of the test clips of five
folds has less, and of these one in three is right (docs/emotion.md)."""


class HeardEmotion(Listening):
    """Asks how a voice sounds: valence, arousal, dominance in -1..1, complexity in 0..1, the likeliest label and intensity."""

    ways = (Way("audio", "how a voice sounds"),)
    asks_about = SOUNDS
    asks_by = "far"
    without_model = "a guess from how loud it is"
    takes = "speech"
    least_s = 1.0
    """Seconds of speech that there are 2 s after its onset, pauses left out; by then the unweighted recall has nearly
    reached that of whole clips (docs/emotion.md)."""

    def reader(self, published: Published) -> Read:
        """Reads the embedding by the contract's formulas and its label through the head file beside the model."""
        head = published.head
        questions = {"label": ("weight", "bias", _labels(published))}
        if "intensity_weight" in head:
            questions["intensity"] = ("intensity_weight", "intensity_bias", list(INTENSITIES))

        def read(embedding: Frames) -> Reading:
            answers = {q: likeliest(head[w] @ embedding + head[b], names) for q, (w, b, names) in questions.items()}
            return Reading(read_emotion(embedding), answers)

        return read

    @classmethod
    def labels(cls, published: Published) -> list[str]:
        return _labels(published)

    @classmethod
    def chances(cls, output: Frames, published: Published) -> Frames:
        logits = published.head["weight"] @ output + published.head["bias"]
        p: Frames = np.exp(logits - logits.max())
        return p / p.sum()

    def doubt(self, summary: Reading, sounded_s: float) -> str:
        """Says so where no label stands out."""
        return no_answer_stands_out("label", summary.answers.get("label", ("", 1.0)), _SURE)

    def guess(self, frame: Frames) -> Reading:
        """Arousal from the mean level, -1 in silence and 1 at full scale, as louder voices sound aroused; no more is known."""
        level = float(np.mean(frame) - np.log(FLOOR)) / -np.log(FLOOR)
        arousal = 2 * float(np.clip(level, 0, 1)) - 1
        return Reading({"valence": 0.0, "arousal": arousal, "dominance": 0.0, "complexity": 0.0})


def _labels(published: Published) -> list[str]:
    """Names of the label head's rows. Raises RegistryError: the head file names none."""
    path = published.folder / f"{EMOTION.id}.head.json"
    try:
        return list(json.loads(path.read_text(encoding="utf-8"))["labels"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RegistryError(f"{path}: names no labels ({error!r}); export the model again") from error
