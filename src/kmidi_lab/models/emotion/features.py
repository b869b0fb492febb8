"""Spoken emotions: labels, and what the contract's readings of the embedding should be for each (contract.md §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.emotion_embedding import ANCHORS
from kmidi_lab.errors import ConfigError

if TYPE_CHECKING:
    import torch

EMOTIONS = ("neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise")
"""In the order of RAVDESS's codes 01 to 08."""
_MERGED = ("happy", "sad", "angry", "fear", "surprise", "disgust", "neutral")
INTENSITIES = ("normal", "strong")
SCALARS = ("valence", "arousal", "dominance", "complexity")
_NORMAL = 0.75
"""Share of the anchor that an emotion of normal intensity stands for; a strong one is the anchor itself."""
_DOMINANCE = {"happy": 0.46, "sad": -0.33, "angry": 0.25, "fear": -0.43, "disgust": 0.11, "surprise": -0.13}
"""J. Russell, A. Mehrabian, *Evidence for a three-factor theory of emotions*, 1977; neutral and calm are 0 here."""


def label_set(view: int) -> tuple[str, ...]:
    """The label set of the 8- or 7-label view (calm is neutral there). Raises ConfigError."""
    if view == len(EMOTIONS):
        return EMOTIONS
    if view == len(_MERGED):
        return _MERGED
    raise ConfigError(f"data.labels={view} must be 8 or 7 (calm counts as neutral), such as data.labels=8")


def label_of(emotion: int, view: int) -> int:
    """The label of a place in EMOTIONS, in that view."""
    name = EMOTIONS[emotion]
    names = label_set(view)
    return names.index(name if name in names else "neutral")


def scalars_of(emotion: int, strong: bool) -> tuple[float, float, float]:
    """Valence, arousal and dominance in -1..1 that a clip of a place in EMOTIONS stands for."""
    name = EMOTIONS[emotion]
    share = 1.0 if strong else _NORMAL
    valence, arousal = ANCHORS[name]
    return share * valence, share * arousal, share * _DOMINANCE.get(name, 0.0)


def complexity(frames: NDArray[np.floating]) -> float:
    """How evenly the power of frames `[T, 128]` is spread over the bands, 0 to 1.

    The entropy of each frame's share by band, by that of an even spread, averaged with the frames' power as weight.
    What the embedding's fourth block is taught to read as. It says that a sound is noisy or rich, not that a feeling
    is complex; no data here has that.
    """
    power = np.exp(frames.astype(np.float64))
    share = power / power.sum(1, keepdims=True)
    entropy = -(share * np.log(np.maximum(share, 1e-12))).sum(1) / np.log(frames.shape[1])
    return float((entropy * power.sum(1)).sum() / power.sum())


class EmotionBatch(NamedTuple):
    """Clips.

    `x` `[B, T, 128]` mel frames with `weight` `[B, T]` 1 where there was one, else 0; shares of the labels
    `[B, K]` and intensities `[B, 2]`, each row 1 in all; `scalars` `[B, 4]`: valence, arousal, dominance in -1..1,
    complexity in 0..1. `heard` `[C, H]`: of clips that are not there themselves, as in feedback, the mean over their speech
    of what the layers before `network.linear_part` say; their rows of the others stand below those of `x`. None: no such.
    """

    x: torch.Tensor
    weight: torch.Tensor
    label: torch.Tensor
    intensity: torch.Tensor
    scalars: torch.Tensor
    heard: torch.Tensor | None = None
