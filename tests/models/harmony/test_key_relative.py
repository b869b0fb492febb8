"""The key-relative network: exactly equivariant, and equal to its dense form."""

from __future__ import annotations

import pytest
import torch

from kmidi_lab.errors import ConfigError
from kmidi_lab.models.harmony.features import transposition_table
from kmidi_lab.models.harmony.module import HarmonyPredictor


@pytest.fixture
def module() -> HarmonyPredictor:
    torch.manual_seed(0)
    return HarmonyPredictor(hidden=[24, 16]).eval()


def inputs(n: int = 48) -> torch.Tensor:
    x = torch.rand(n, 128)
    x[:, :64] = torch.randn(n, 64)
    x[:, 112:124] = torch.nn.functional.one_hot(torch.randint(12, (n,)), 12).float()
    x[:, 124:127] = torch.randn(n, 3).clamp(-1, 1)
    return x


@pytest.mark.parametrize("semitones", range(12))
def test_transposing_the_input_transposes_root_and_bass_and_nothing_else(
    module: HarmonyPredictor, semitones: int
) -> None:
    x = inputs()
    here, there = module(x), module(x[:, torch.from_numpy(transposition_table())[semitones]])
    assert torch.allclose(here[:, :12].roll(semitones, 1), there[:, :12], atol=1e-5)
    assert torch.allclose(here[:, 20:32].roll(semitones, 1), there[:, 20:32], atol=1e-5)
    assert torch.allclose(here[:, 12:20], there[:, 12:20], atol=1e-5)
    assert torch.allclose(here[:, 32:], there[:, 32:], atol=1e-5)


def test_dense_form_is_the_same_function_on_any_input(module: HarmonyPredictor) -> None:
    dense = module.export_network()
    wild = torch.cat([inputs(), torch.zeros(1, 128), torch.ones(1, 128), -torch.ones(1, 128), torch.randn(20, 128) * 3])
    # Outputs far beyond the contract's range are compared relative to their size, as the parity gate does.
    assert ((dense(wild) - module(wild)).abs() / module(wild).abs().clamp(min=1.0)).max() < 1e-5
    assert (dense(inputs()) - module(inputs())).shape == (48, 64)
    assert {type(m).__name__ for m in dense} == {"Linear", "ReLU"}


def test_dense_form_follows_the_weights(module: HarmonyPredictor) -> None:
    before = module.export_network()(inputs(4))
    torch.nn.init.ones_(module.network.hidden[0].weight)
    assert not torch.allclose(before, module.export_network()(inputs(4)))


@pytest.mark.parametrize(
    "bad", [{"hidden": []}, {"hidden": [0]}, {"dropout": 1.5}, {"learning_rate": 0}, {"side_weight": -1}]
)
def test_bad_values_are_named(bad: dict) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        HarmonyPredictor(**bad)
