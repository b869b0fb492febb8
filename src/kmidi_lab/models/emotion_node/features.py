"""Vocabularies and ids of emotion nodes, keys and intensities (contract.md §4 and §5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.contracts import EMOTION_NODE

if TYPE_CHECKING:
    import torch

BASES = ("HAPPY", "SAD", "ANGRY", "FEAR", "SURPRISE", "DISGUST")
SUBS: dict[str, tuple[str, ...]] = {
    "HAPPY": ("contentment", "joy", "excitement", "pride", "love", "hope"),
    "SAD": ("grief", "despair", "loneliness", "disappointment", "melancholy", "hurt"),
    "ANGRY": ("irritation", "hostility", "rage", "jealousy", "indignation", "vengeance"),
    "FEAR": ("anxiety", "terror", "dread", "vulnerability", "unease", "phobia"),
    "SURPRISE": ("amazement", "shock", "confusion", "curiosity", "disbelief", "enlightenment"),
    "DISGUST": ("revulsion", "contempt", "loathing", "aversion", "moral_disgust", "boredom"),
}
INTENSITIES = ("subtle", "mild", "moderate", "strong", "intense", "overwhelming")
TONICS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
KEYS = tuple(f"{tonic} {mode}" for tonic in TONICS for mode in ("major", "minor"))
"""Key = 2 * tonic + mode, mode 0 major and 1 minor."""
CLASSES = tuple(f"{base}.{sub}" for base in BASES for sub in SUBS[base])
"""The 36 sub-emotions by base * 6 + sub: what data and model must agree on."""
PER_SUB, PER_BASE = 6, 36
HEADS = tuple(s.name for s in EMOTION_NODE.outputs)


class NodeId(NamedTuple):
    """A node's place: base 0..5, sub 0..5 within it, leaf 0..5 within that."""

    base: int
    sub: int
    leaf: int

    @property
    def node(self) -> int:
        return self.base * PER_BASE + self.sub * PER_SUB + self.leaf


def node_of(node: int) -> NodeId:
    """Of an id 0..215. Raises ValueError."""
    if not 0 <= node < len(BASES) * PER_BASE:
        raise ValueError(f"node {node} is not one of 0..{len(BASES) * PER_BASE - 1}")
    return NodeId(node // PER_BASE, node // PER_SUB % PER_SUB, node % PER_SUB)


def targets(node: int, intensity: int, key: int) -> dict[str, int]:
    """Class of each head."""
    place = node_of(node)
    return {"base": place.base, "sub": place.sub, "intensity": intensity, "key": key, "node": node}


def marginals(node: NDArray[np.floating]) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Probabilities of base `[N, 6]` and of the sub-emotion's place in any base `[N, 6]`, from nodes' `[N, 216]`."""
    grid = node.reshape(len(node), len(BASES), PER_SUB, PER_SUB)
    return grid.sum((2, 3)), grid.sum((1, 3))


class NodeBatch(NamedTuple):
    """Clips: `x` `[B, T, 128]` mel frames; `target` `[B, 5]`, the class of each head in the contract's order."""

    x: torch.Tensor
    target: torch.Tensor
