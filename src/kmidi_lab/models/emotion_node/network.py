"""A causal convolutional network from mel frames to base, sub-emotion, intensity, key and node."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch
from torch import nn

from kmidi_lab.contracts import EMOTION_NODE
from kmidi_lab.models.emotion_node.features import BASES, HEADS, INTENSITIES, KEYS, PER_SUB, node_of
from kmidi_lab.nn.audio import trunk
from kmidi_lab.nn.streaming import Chain

_FACTORS = {"base": len(BASES), "sub": PER_SUB, "intensity": len(INTENSITIES), "key": len(KEYS), "leaf": PER_SUB}


def node_network(
    channels: int, kernel: int, dilations: Sequence[int], dropout: float, first_kernel: int, cepstra: int
) -> Chain:
    """Frames `[B, T, 128]` to logits `[B, T, 258]`; the arguments are those of `nn.audio.trunk`."""
    layers = trunk(channels, kernel, dilations, dropout, first_kernel, cepstra)
    return Chain(*layers, nn.Dropout(dropout), nn.Linear(channels, sum(_FACTORS.values())), _assembly())


def _assembly() -> nn.Linear:
    """The contract's 258 logits from those of `_FACTORS`, fixed.

    A node's logit is the sum of its base's, its place's among the sub-emotions and its place's among the leaves.
    """
    layer = nn.Linear(sum(_FACTORS.values()), EMOTION_NODE.output_size)
    places = dict(zip(_FACTORS, itertools.accumulate((0, *_FACTORS.values())), strict=False))
    rows: dict[str, list[tuple[int, ...]]] = {
        name: [(places[name] + i,) for i in range(EMOTION_NODE.output(name).size)] for name in HEADS if name != "node"
    }
    nodes = map(node_of, range(EMOTION_NODE.output("node").size))
    rows["node"] = [(places["base"] + n.base, places["sub"] + n.sub, places["leaf"] + n.leaf) for n in nodes]
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.zero_()
        for name in HEADS:
            for row, columns in zip(layer.weight[EMOTION_NODE.output(name).index], rows[name], strict=True):
                row[list(columns)] = 1.0
    return layer.requires_grad_(False)
