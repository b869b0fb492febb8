"""Small contracts and networks for the export tests, and the folder of RTNeural's own models."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kmidi_lab.contracts import Contract, Slice, Values

if TYPE_CHECKING:
    from torch import nn


@pytest.fixture(scope="session")
def make_contract() -> Callable[..., Contract]:
    """`(N, M)` to a contract of that size, without state unless told."""

    def make(inputs: int, outputs: int, state: str = "none", features: str = "contract-v1") -> Contract:
        return Contract(
            model="toy",
            id="toymodel",
            task="custom",
            inputs=(Slice("all", 0, inputs, "test", Values("range", -20.0, 20.0)),),
            outputs=(Slice("first", 0, 1, "test"), Slice("rest", 1, outputs, "test")),
            budget_ms=1.0,
            params_hint="",
            network="",
            state=state,
            features=features,
            output_kind="values",
        )

    return make


@pytest.fixture
def dense_network() -> nn.Sequential:
    """6 -> 4 through every layer type of the dense path, with statistics that are not the defaults."""
    import torch
    from torch import nn

    from kmidi_lab.nn.layers import Standardize

    torch.manual_seed(7)
    norm = nn.BatchNorm1d(8)
    nn.init.uniform_(norm.weight, 0.5, 2)
    nn.init.normal_(norm.bias)
    norm.running_mean = torch.randn(8)
    norm.running_var = torch.rand(8) + 0.2
    return nn.Sequential(
        Standardize(torch.randn(6), torch.rand(6) + 0.3),
        nn.Linear(6, 8),
        norm,
        nn.PReLU(8),
        nn.Dropout(0.5),
        nn.Sequential(nn.Linear(8, 8, bias=False), nn.LeakyReLU(0.1), nn.Identity(), nn.Linear(8, 8), nn.ELU()),
        nn.Linear(8, 5),
        nn.Tanh(),
        nn.Linear(5, 5),
        nn.ReLU(),
        nn.Linear(5, 5),
        nn.Sigmoid(),
        nn.Linear(5, 4),
        nn.Softmax(dim=-1),
    ).eval()


@pytest.fixture(scope="session")
def golden_folder() -> Path:
    """RTNeural's own models with inputs and outputs; they belong to RTNeural and are not in this repository."""
    shared = Path(os.environ.get("KMIDI_SHARED", Path(__file__).parents[2].parent / "shared"))
    folder = shared / "data" / "rtneural_golden"
    if not folder.is_dir():
        pytest.skip(f"RTNeural's golden models are not at {folder}; set KMIDI_SHARED")
    return folder
