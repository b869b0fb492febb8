"""docs/networks.md says what the exporter does."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from kmidi_lab.contracts import Contract, Slice
from kmidi_lab.export.rtneural.layers import WRITERS
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.nn import layers, streaming


def page(repo: Path) -> str:
    return (repo / "docs" / "networks.md").read_text(encoding="utf-8")


def test_every_layer_with_a_writer_is_in_the_table(repo: Path) -> None:
    listed = set(re.findall(r"`(?:nn\.)?(\w+)`", page(repo)))
    assert {kind.__name__ for kind in WRITERS} <= listed


def test_the_example_network_exports(repo: Path) -> None:
    [code] = re.findall(r"```python\n(.*?)```", page(repo), re.S)
    names = {"nn": nn, "mean": torch.zeros(128), "std": torch.ones(128)}
    exec(code, names)
    network = names["network"].eval()
    contract = replace(toy(128), outputs=(Slice("all", 0, 48, ""),))
    assert RTNeuralModel.from_bytes(export_rtneural(network, contract)).output_size == 48


def toy(size: int) -> Contract:
    return Contract(
        model="toy", id="toymodel", task="custom", inputs=(Slice("all", 0, size, ""),), outputs=(Slice("all", 0, size, ""),),
        budget_ms=1.0, params_hint="", network="", state="one note a call", features="contract-v1", output_kind="logits",
    )  # fmt: skip


def test_the_stated_price_of_a_residual_block(repo: Path) -> None:
    assert "(H + H')·C + C² for each tap of" in " ".join(page(repo).split())
    size, hidden, wide, taps, middle = 6, 10, 14, 3, 2
    body = [
        layers.CausalConv1d(size, hidden, taps),
        layers.CausalConv1d(hidden, wide, middle),
        layers.CausalConv1d(wide, size, taps),
    ]
    network = streaming.Chain(streaming.Residual(*body)).eval()
    stored = RTNeuralModel.from_bytes(export_rtneural(network, toy(size))).parameters
    own = sum(p.numel() for p in network.parameters())
    biases = 2 * size
    assert stored - own == 2 * taps * size**2 + middle * ((hidden + wide) * size + size**2) + biases
