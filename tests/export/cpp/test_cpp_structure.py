"""Residual blocks come back out of a widened file, and tiles hold a matrix without its zeros."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.streaming_networks import NETWORKS, network
from torch import nn

from kmidi_lab.errors import ExportError
from kmidi_lab.export.cpp import plan as planning
from kmidi_lab.export.cpp.plan import plan_of
from kmidi_lab.export.cpp.structure import Affine, Function, Node, Residual, structured
from kmidi_lab.export.cpp.tiles import TILES, stored, tiled
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.nn.layers import GRU, CausalConv1d
from kmidi_lab.nn.streaming import Chain
from kmidi_lab.nn.streaming import Residual as Block


def nodes(net: nn.Module, make_contract) -> list[Node]:
    outputs = net(torch.zeros(1, 1, 6)).shape[-1]
    return structured(RTNeuralModel.from_bytes(export_rtneural(net.eval(), make_contract(6, outputs))).layers)


def residuals(found: list[Node]) -> int:
    return sum(1 + residuals(node.body) for node in found if isinstance(node, Residual))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_residual_block_comes_back(name, make_contract):
    net = network(name)
    # A body of one layer is written as that layer with x added to its weights: nothing is carried, nothing is lost.
    wanted = 0 if name == "residual of one layer" else sum(isinstance(module, Block) for module in net.modules())
    assert residuals(nodes(net, make_contract)) == wanted


def test_the_body_is_the_body(make_contract):
    body = [CausalConv1d(6, 16, 3, 4), nn.ReLU(), nn.Linear(16, 6)]
    (block,) = nodes(Chain(Block(*body)), make_contract)
    conv, relu, linear = block.body
    np.testing.assert_array_equal(conv.weight, body[0].conv.weight.detach().permute(2, 1, 0))
    assert conv.dilation == 4 and relu == Function("relu")
    np.testing.assert_array_equal(linear.weight[0], body[2].weight.detach().T)


def test_what_only_resembles_a_block_stays_as_it_is(make_contract):
    """x carried past, but added with a weight that is not 1, or past a ReLU."""
    weight, back = np.zeros((8, 6), np.float32), np.random.default_rng(0).normal(size=(6, 8)).astype(np.float32)
    weight[2:], weight[:2] = np.eye(6), 0.5
    back[:, 2:] = np.eye(6)
    for middle, scale in ((nn.PReLU(8, 1.0), 0.999), (nn.ReLU(), 1.0)):
        net = nn.Sequential(nn.Linear(6, 8), middle, nn.Linear(8, 6))
        with torch.no_grad():
            net[0].weight.copy_(torch.from_numpy(weight))
            net[0].bias.zero_()
            net[2].weight.copy_(torch.from_numpy(back))
            net[2].weight[0, 2] = scale
        found = structured(RTNeuralModel.from_bytes(export_rtneural(net.eval(), make_contract(6, 6))).layers)
        assert residuals(found) == 0


def expanded(weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """(bias, matrix, stored floats) as the runtime reads the tiles."""
    tiles = tiled(weight)
    floats, at = stored(weight, bias, tiles), 0
    matrix, biases = np.zeros_like(weight), np.full_like(bias, np.nan)
    for i, columns in enumerate(tiles.columns):
        rows = np.arange(len(weight)) if tiles.rows is None else tiles.rows[i]
        part = floats[at : at + tiles.tile * (len(rows) + 1)].reshape(-1, tiles.tile)
        at += part.size
        here = columns >= 0
        assert not part[:, ~here].any()
        biases[columns[here]] = part[0, here]
        matrix[np.ix_(rows, columns[here])] = part[1:, here]
    assert at == floats.size
    return biases, matrix, floats.size


@given(st.integers(1, 70), st.integers(1, 70), st.integers(0, 10), st.integers(0, 2**32 - 1))
def test_tiles_hold_the_matrix_exactly(rows, columns, tenths, seed):
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(rows, columns)).astype(np.float32) * (rng.random((rows, columns)) < tenths / 10)
    bias = rng.normal(size=columns).astype(np.float32)
    biases, matrix, _ = expanded(weight, bias)
    np.testing.assert_array_equal(matrix, weight)
    np.testing.assert_array_equal(biases, bias)


def test_blocks_lose_their_zeros():
    """Block-diagonal, also with its columns shuffled: what is stored is the blocks and the biases."""
    rng = np.random.default_rng(0)
    weight = np.zeros((128, 128), np.float32)
    for i in range(4):
        weight[32 * i : 32 * i + 32, 32 * i : 32 * i + 32] = rng.normal(size=(32, 32))
    for columns in (np.arange(128), rng.permutation(128)):
        _, _, count = expanded(weight[:, columns], np.zeros(128, np.float32))
        assert count == 4 * 32 * 32 + 128


def test_a_full_matrix_needs_no_table():
    tiles = tiled(np.ones((40, 96), np.float32))
    assert tiles.rows is None and tiles.tile in TILES


def test_a_network_too_large_is_refused(make_contract, monkeypatch):
    monkeypatch.setattr(planning, "_LARGEST", 100)
    with pytest.raises(ExportError, match=r"needs \d+ floats in one piece; the C\+\+ runtime takes 100"):
        plan_of(export_rtneural(nn.Linear(6, 20).eval(), make_contract(6, 20)))


def test_nothing_is_computed_in_place_where_it_is_read_again(make_contract):
    """An activation right behind a GRU must not change the GRU's state."""
    plan = plan_of(export_rtneural(Chain(GRU(6, 4), nn.Tanh()).eval(), make_contract(6, 4)))
    kinds, at = [], 6
    while at < plan.words.size:
        kinds.append(int(plan.words[at]))
        at += int(plan.words[at + 1])
    assert kinds[-3:] == [8, 10, 6]
    assert isinstance(nodes(Chain(GRU(6, 4), nn.Linear(4, 2)), make_contract)[1], Affine)
