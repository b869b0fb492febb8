"""No file begins with a batchnorm, whatever the network begins with, and computes the same all the same."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import orjson
import pytest
import torch
from torch import nn

from kmidi_lab.conf_dir import options
from kmidi_lab.config import check
from kmidi_lab.contracts import Contract
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.nn.layers import GRU, CausalConv1d, Standardize
from kmidi_lab.nn.module import LabModule
from kmidi_lab.nn.streaming import Chain, TorchModel
from kmidi_lab.targets import build


def standardize() -> Standardize:
    """As of log-mel frames: far from 0."""
    return Standardize(torch.linspace(-11, -2, 6), torch.linspace(0.5, 4, 6))


def norm() -> nn.BatchNorm1d:
    made = nn.BatchNorm1d(6)
    nn.init.uniform_(made.weight, 0.5, 2)
    nn.init.normal_(made.bias)
    made.running_mean, made.running_var = torch.randn(6), torch.rand(6) + 0.2
    return made


@pytest.mark.parametrize("first", [standardize, norm])
@pytest.mark.parametrize(
    ("rest", "begins"),
    [
        ([nn.Linear(6, 4)], ["dense"]),
        ([nn.Linear(6, 4, bias=False), nn.ReLU()], ["dense", "activation"]),
        ([CausalConv1d(6, 4, 3, 2)], ["dense", "conv1d"]),
        ([CausalConv1d(6, 4, 1)], ["dense", "conv1d"]),
        ([GRU(6, 4)], ["dense", "gru"]),
        ([nn.ReLU(), nn.Linear(6, 4)], ["dense", "activation", "dense"]),
        ([nn.BatchNorm1d(6), nn.Linear(6, 4)], ["dense", "batchnorm", "dense"]),
    ],
)
def test_a_first_batchnorm_becomes_or_joins_a_dense_layer(
    first: Callable[[], nn.Module], rest: list[nn.Module], begins: list[str], make_contract: Callable[..., Contract]
) -> None:
    torch.manual_seed(2)
    network = Chain(first(), *rest).eval()
    file = export_rtneural(network, make_contract(6, 4, state="one note a call"))
    assert [layer["type"] for layer in orjson.loads(file)["layers"]] == begins
    reader, right = RTNeuralModel.from_bytes(file), TorchModel(network)
    for x in np.random.default_rng(0).uniform(-13.8, 10, (40, 6)).astype(np.float32):
        np.testing.assert_allclose(reader(x), right(x), atol=2e-5)  # the past of a convolution is part of it


@pytest.mark.parametrize("name", options("model"))
def test_no_model_of_the_lab_begins_with_a_batchnorm(name: str) -> None:
    module = build(check([f"model={name}"], False)[0].model.module, LabModule, ()).eval()
    if module.student_plan() is None:
        file = orjson.loads(export_rtneural(module.export_network(), module.contract))
        assert file["layers"][0]["type"] in ("dense", "conv1d", "gru", "lstm")
