"""docs/networks.md says what the exporter does."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import nn

from kmidi_lab.contracts import Contract, Slice
from kmidi_lab.export.rtneural import export_rtneural
from kmidi_lab.export.rtneural_layers import WRITERS
from kmidi_lab.export.rtneural_reader import RTNeuralModel
from kmidi_lab.models import blocks, streaming


def page(repo: Path) -> str:
    return (repo / "docs" / "networks.md").read_text(encoding="utf-8")


def test_every_layer_with_a_writer_is_in_the_table(repo: Path) -> None:
    listed = set(re.findall(r"`(?:nn\.)?(\w+)`", page(repo)))
    assert {kind.__name__ for kind in WRITERS} <= listed


def test_the_example_network_exports(repo: Path) -> None:
    [code] = re.findall(r"```python\n(.*?)```", page(repo), re.S)
    names = {**vars(streaming), **vars(blocks), "nn": nn, "mean": torch.zeros(128), "std": torch.ones(128)}
    exec(code, names)
    network = names["network"].eval()
    contract = Contract(
        model="toy", id="toymodel", task="custom", inputs=(Slice("all", 0, 128, ""),), outputs=(Slice("all", 0, 48, ""),),
        budget_ms=1.0, params_hint="", network="", state="one note a call", features="contract-v1", output_kind="logits",
    )  # fmt: skip
    assert RTNeuralModel.from_bytes(export_rtneural(network, contract)).output_size == 48


def test_the_stated_price_of_a_residual_block(repo: Path) -> None:
    assert "C² numbers for each tap of the first layer" in page(repo)
    size, hidden, taps = 6, 10, 3
    body = [streaming.CausalConv1d(size, hidden, taps), nn.ReLU(), nn.Linear(hidden, size)]
    network = streaming.Chain(streaming.Residual(*body)).eval()
    contract = Contract(
        model="toy", id="toymodel", task="custom", inputs=(Slice("all", 0, size, ""),), outputs=(Slice("all", 0, size, ""),),
        budget_ms=1.0, params_hint="", network="", state="one note a call", features="contract-v1", output_kind="logits",
    )  # fmt: skip
    stored = RTNeuralModel.from_bytes(export_rtneural(network, contract)).parameters
    own = sum(p.numel() for p in network.parameters())
    slopes_and_biases = (hidden + size) + size
    assert stored - own == taps * size**2 + size**2 + slopes_and_biases
