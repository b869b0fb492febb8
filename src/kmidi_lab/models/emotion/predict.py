"""task=predict for emotion: valence, arousal, dominance and complexity over time, the likeliest label and intensity."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from kmidi_lab.audio.mel_scale import FLOOR
from kmidi_lab.audio.voice_activity import VoiceActivity
from kmidi_lab.contracts import EMOTION
from kmidi_lab.emotion_embedding import read_emotion
from kmidi_lab.errors import RegistryError
from kmidi_lab.inference import listening
from kmidi_lab.inference.listening import READS, Frames, Read, Reading, likeliest
from kmidi_lab.inference.published import Published
from kmidi_lab.models.emotion.features import INTENSITIES

__all__ = ["READS", "main"]


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    root = Path(cfg.models_root)
    listening.main(cfg, context, lambda published: reader(published, root), loudness, VoiceActivity())


def reader(published: Published, root: Path) -> Read:
    """Reads the embedding by the contract's formulas and its label through the head file beside the model."""
    path = root / f"{EMOTION.id}.head.json"
    try:
        labels = json.loads(path.read_text(encoding="utf-8"))["labels"]
    except (OSError, ValueError, KeyError) as error:
        raise RegistryError(f"{path}: names no labels ({error!r}); export the model again") from error
    head = published.head
    questions = {"label": ("weight", "bias", labels)}
    if "intensity_weight" in head:
        questions["intensity"] = ("intensity_weight", "intensity_bias", list(INTENSITIES))

    def read(embedding: Frames) -> Reading:
        answers = {q: likeliest(head[w] @ embedding + head[b], names) for q, (w, b, names) in questions.items()}
        return Reading(read_emotion(embedding), answers)

    return read


def loudness(frame: Frames) -> Reading:
    """Arousal from the mean level between silence and full scale, since louder voices sound more aroused; nothing else is known."""
    level = float(np.mean(frame) - np.log(FLOOR)) / -np.log(FLOOR)
    return Reading({"valence": 0.0, "arousal": float(np.clip(level, 0, 1)), "dominance": 0.5, "complexity": 0.0})
