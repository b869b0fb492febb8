"""Frozen parts and slower layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from kmidi_lab.errors import ConfigError
from kmidi_lab.nn.layer_rates import frozen_parts, parameter_groups


def _network() -> nn.Module:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.trunk = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4))
            self.fixed = nn.Linear(4, 4).requires_grad_(False)
            self.end = nn.Linear(4, 2)

    return Net()


def test_without_settings_there_are_the_two_groups_of_every_training() -> None:
    net = _network()
    matrices, vectors = parameter_groups(net, (), 0.1, 1.0)
    assert [p.ndim for p in matrices["params"]] == [2] * 4 and [p.ndim for p in vectors["params"]] == [1] * 4
    assert "lr" not in matrices and vectors["weight_decay"] == 0.0


def test_each_layer_has_a_share_of_the_next_ones_rate() -> None:
    groups = parameter_groups(_network(), ("trunk.0",), 0.1, 0.5)
    rates = sorted({group["lr"] for group in groups})
    assert rates == pytest.approx([0.1 * 0.5**2, 0.1 * 0.5, 0.1])
    assert sum(p.numel() for group in groups for p in group["params"]) == 4 * 4 + 4 + 4 * 4 + 4 + 4 * 2 + 2
    assert all(group.get("weight_decay", 1) == (0.0 if group["params"][0].ndim == 1 else 1) for group in groups)


def test_what_is_frozen_does_not_move() -> None:
    net = _network()
    before = {name: p.clone() for name, p in net.named_parameters()}
    optimizer = torch.optim.AdamW(parameter_groups(net, ("trunk",), 0.1, 1.0), lr=0.1, weight_decay=0.5)
    sum(p.square().sum() for p in net.parameters()).backward()
    optimizer.step()
    moved = {name for name, p in net.named_parameters() if not torch.equal(p, before[name])}
    assert moved and all(name.startswith("end.") for name in moved)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["trunc"], "Did you mean 'trunk'?"),
        (["trunk.1"], "is not allowed"),
        (["fixed"], "is not allowed"),
        (["trunk", "end"], "nothing is left to train"),
        ([""], "is not allowed"),
    ],
)
def test_a_wrong_part_is_said(names: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=r"model\.freeze") as caught:
        frozen_parts(_network(), names)
    assert message in str(caught.value) and "\n" not in str(caught.value)
