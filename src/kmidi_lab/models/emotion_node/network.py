"""A causal convolutional network from mel frames to base, sub-emotion, intensity, key and node."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from kmidi_lab.contract_types import Contract
from kmidi_lab.models.emotion_node.contract import EMOTION_NODE
from kmidi_lab.models.emotion_node.features import (
    BASES,
    HEADS,
    INTENSITIES,
    KEYS,
    PER_BASE,
    PER_SUB,
    QUADRANTS,
    node_of,
    node_quadrants,
)
from kmidi_lab.nn.audio import trunk
from kmidi_lab.nn.streaming import Chain

_FACTORS = {
    "base": len(BASES),
    "sub": PER_SUB,
    "intensity": len(INTENSITIES),
    "key": len(KEYS),
    "leaf": PER_SUB,
    "quadrant": len(QUADRANTS),
}


def node_network(
    channels: int,
    kernel: int,
    dilations: Sequence[int],
    dropout: float,
    first_kernel: int,
    cepstra: int,
    contract: Contract = EMOTION_NODE,
) -> Chain:
    """Frames `[B, T, 128]` to logits `[B, T, 258]`; the arguments are those of `nn.audio.trunk`, and the contract's version."""
    layers = trunk(channels, kernel, dilations, dropout, first_kernel, cepstra)
    factors = {name: size for name, size in _FACTORS.items() if contract.version != "1" or name != "quadrant"}
    return Chain(*layers, nn.Dropout(dropout), nn.Linear(channels, sum(factors.values())), _assembly(factors))


def _assembly(factors: Mapping[str, int]) -> nn.Linear:
    """The contract's 258 logits from those of `factors`, fixed.

    A node's logit is the sum of its base's, its place's among the sub-emotions, its place's among the leaves, and that of
    the quadrant of valence and arousal that the thesaurus puts it in: what listeners said is learnt there, whatever the
    rules made of the base. A base's logit has the quadrants' by the share of its nodes that lie in each. Version 1 had none.
    """
    layer = nn.Linear(sum(factors.values()), EMOTION_NODE.output_size)
    first = dict(zip(factors, itertools.accumulate((0, *factors.values())), strict=False))
    quadrant = node_quadrants()
    with torch.no_grad():
        layer.weight.zero_()
        layer.bias.zero_()
        for name in HEADS:
            rows = layer.weight[EMOTION_NODE.output(name).index]
            if name != "node":
                size = EMOTION_NODE.output(name).size
                rows[:, first[name] : first[name] + size] = torch.eye(size)
        base, node = (layer.weight[EMOTION_NODE.output(name).index] for name in ("base", "node"))
        for place in map(node_of, range(EMOTION_NODE.output("node").size)):
            parts = [first["base"] + place.base, first["sub"] + place.sub, first["leaf"] + place.leaf]
            if "quadrant" in first:
                parts.append(first["quadrant"] + quadrant[place.node])
                base[place.base, parts[-1]] += 1 / PER_BASE
            node[place.node, parts] = 1.0
    return layer.requires_grad_(False)
