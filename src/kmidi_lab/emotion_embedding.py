"""The 64-float emotion embedding: scalars in, scalars out (contract.md §3)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.contract_parts import EMBEDDING

_BLOCKS = {s.name: s for s in EMBEDDING}
BLOCK = EMBEDDING[0].size
_WEIGHTS = 1.0 - np.arange(BLOCK) / (2.0 * BLOCK)
BLOCK_PATTERN = _WEIGHTS / _WEIGHTS.sum()
"""Share of a block's sum that each of its 16 values has when a scalar is written."""
_LIMIT = 0.99
ANCHORS: Mapping[str, tuple[float, float]] = {
    "happy": (0.8, 0.6),
    "sad": (-0.6, -0.4),
    "angry": (-0.6, 0.7),
    "fear": (-0.7, 0.5),
    "surprise": (0.3, 0.8),
    "disgust": (-0.5, 0.3),
    "neutral": (0.0, 0.0),
    "calm": (0.3, -0.5),
}
"""Valence and arousal in -1..1 of the emotion labels (contract.md §5)."""


def encode_emotion(valence: float, arousal: float, dominance: float = 0.0, complexity: float = 0.0) -> np.ndarray:
    """The 64-float embedding of four scalars in -1..1 (complexity 0..1), float32.

    A reader gets the same four back. Values beyond +-0.99 are clipped, as the contract says.
    """
    out = np.zeros(EMBEDDING[-1].stop, np.float32)
    for name, value in (("valence", valence), ("arousal", arousal), ("dominance", dominance)):
        s = float(np.clip(value, -_LIMIT, _LIMIT))
        out[_BLOCKS[name].index] = 8.0 * np.arctanh(s) * BLOCK_PATTERN
    out[_BLOCKS["complexity"].index] = complexity
    return out


def read_scalars(embedding: NDArray[np.floating]) -> NDArray[np.float64]:
    """What readers make of embeddings `[..., 64]`.

    Returns:
        `[..., 4]`: valence, arousal and dominance in -1..1, complexity from 0 (contract.md §9: the form that the other
        models take as their input).
    """
    blocks = {s.name: np.asarray(embedding, np.float64)[..., s.index] for s in EMBEDDING}
    signed = [np.tanh(blocks[name].sum(-1) / 8) for name in ("valence", "arousal", "dominance")]
    return np.stack([*signed, np.abs(blocks["complexity"]).mean(-1)], -1)


def read_emotion(embedding: NDArray[np.floating]) -> dict[str, float]:
    """Scalars of an embedding `[64]`: valence, arousal, dominance in -1..1, 0 neutral, and complexity in 0..1.

    That is the form which the other models take. KmiDi's own readers show arousal and dominance as (x + 1) / 2.
    """
    *signed, complexity = (float(v) for v in read_scalars(embedding))
    return dict(zip(_BLOCKS, (*signed, min(complexity, 1.0)), strict=True))
