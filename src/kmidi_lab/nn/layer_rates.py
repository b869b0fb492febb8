"""Which weights a training moves, and how fast: frozen parts, and slower steps for layers nearer to the input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import nn

from kmidi_lab.errors import ConfigError, one_of


def frozen_parts(module: nn.Module, names: Sequence[str]) -> list[nn.Module]:
    """The parts of `module` that `names` name, such as `network.hidden`.

    Raises:
        ConfigError: there is no such part, it has no weights, or nothing would be left to train.
    """
    parts = dict(module.named_modules())
    learning = [name for name, part in parts.items() if name and any(p.requires_grad for p in part.parameters())]
    for name in names:
        if name not in learning:
            raise ConfigError(one_of("model.freeze", name, learning))
    left = [p for n, p in module.named_parameters() if p.requires_grad and not _is_below(n, names)]
    if names and not left:
        raise ConfigError(f"model.freeze={list(names)}: nothing is left to train; freeze fewer parts")
    return [parts[name] for name in names]


def parameter_groups(module: nn.Module, frozen: Sequence[str], rate: float, layer_rate: float) -> list[dict[str, Any]]:
    """Groups for AdamW: matrices, which decay, and the rest, which doesn't; for each layer where `layer_rate` is not 1.

    Args:
        module: its layers count in the order in which it lists them, from the input on.
        frozen: parts that are left out.
        rate: learning rate of the last layer.
        layer_rate: each layer before has this share of the next one's rate.
    """
    named = [(name, p) for name, p in module.named_parameters() if not _is_below(name, frozen)]
    layers = list(dict.fromkeys(_layer(name) for name, _ in module.named_parameters()))
    if layer_rate == 1.0:
        layers_apart, rates = [named], [rate]
    else:
        layers_apart = [[(name, p) for name, p in named if _layer(name) == layer] for layer in layers]
        rates = [rate * layer_rate ** (len(layers) - 1 - depth) for depth in range(len(layers))]
    groups: list[dict[str, Any]] = []
    for own, lr in zip(layers_apart, rates, strict=True):
        rest = {} if layer_rate == 1.0 else {"lr": lr}
        groups.append({"params": [p for _, p in own if p.ndim > 1], **rest})
        groups.append({"params": [p for _, p in own if p.ndim <= 1], "weight_decay": 0.0, **rest})
    return [group for group in groups if group["params"] or layer_rate == 1.0]


def _layer(name: str) -> str:
    return name.rpartition(".")[0]


def _is_below(name: str, parts: Sequence[str]) -> bool:
    return any(name.startswith(f"{part}.") for part in parts)
