"""Cutting a sequence into pieces changes nothing; nothing sees the future; sizes are what the blocks say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from kmidi_lab.nn.layers import GRU, LSTM, CausalAttention, CausalConv1d
from kmidi_lab.nn.streaming import Chain, Heads, Residual, Streaming

BLOCKS = {
    "conv": lambda: CausalConv1d(6, 4, 3, 2, 2),
    "conv of one tap": lambda: CausalConv1d(6, 4, 1),
    "gru": lambda: GRU(6, 5, 2),
    "lstm": lambda: LSTM(6, 5, 2),
    "attention": lambda: CausalAttention(6, 3, 5),
    "attention to the present alone": lambda: CausalAttention(6, 2, 1),
    "residual": lambda: Residual(CausalConv1d(6, 6, 4), nn.Tanh()),
    "heads": lambda: Heads(nn.Linear(6, 2), GRU(6, 3), CausalConv1d(6, 1, 2)),
    "transformer": lambda: Chain(
        Residual(nn.LayerNorm(6), CausalAttention(6, 2, 7)),
        Residual(nn.LayerNorm(6), nn.Linear(6, 12), nn.GELU(), nn.Linear(12, 6)),
        Residual(CausalAttention(6, 1, 3)),
    ),
    "chain": lambda: Chain(
        nn.Linear(6, 6), nn.PReLU(6), nn.BatchNorm1d(6), GRU(6, 4), CausalConv1d(4, 4, 3), LSTM(4, 2)
    ),
}


def block(name: str) -> Streaming:
    torch.manual_seed(len(name))
    return BLOCKS[name]().eval()


def in_pieces(net: Streaming, x: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    state, out = net.zero_state(x), []
    for piece in x.split(lengths, 1):
        y, state = net.stream(piece, state)
        out.append(y)
    return torch.cat(out, 1)


@torch.no_grad()
@pytest.mark.parametrize("name", BLOCKS)
@settings(max_examples=15, deadline=None)
@given(lengths=st.lists(st.integers(1, 12), min_size=1, max_size=6))
def test_pieces_give_what_the_whole_gives(name, lengths):
    net = block(name)
    x = torch.randn(3, sum(lengths), 6)
    torch.testing.assert_close(in_pieces(net, x, lengths), net(x), rtol=0, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("name", BLOCKS)
def test_the_past_never_depends_on_the_future(name):
    net, x = block(name), torch.randn(1, 20, 6)
    changed = x.clone()
    changed[:, 11:] += 1
    torch.testing.assert_close(net(x)[:, :11], net(changed)[:, :11], rtol=0, atol=1e-6)
    assert (net(x)[:, 11] - net(changed)[:, 11]).abs().max() > 1e-4


@torch.no_grad()
@pytest.mark.parametrize("name", BLOCKS)
def test_the_state_is_what_it_says_and_sequences_do_not_mix(name):
    net, x = block(name), torch.randn(4, 9, 6)
    y, state = net.stream(x, net.zero_state(x))
    assert [tuple(part.shape) for part in state] == [(4, *shape) for shape in net.state_shapes()]
    torch.testing.assert_close(y[2:3], net(x[2:3]), rtol=0, atol=1e-6)


@torch.no_grad()
def test_convolution_by_hand():
    net = CausalConv1d(1, 1, 2, dilation=3)
    net.conv.weight.data[:] = torch.tensor([[[10.0, 1.0]]])  # ten times the call three before, once the present
    net.conv.bias.data[:] = 0.5
    y = net(torch.arange(1.0, 6.0)[None, :, None])[0, :, 0]
    np.testing.assert_allclose(y, [1.5, 2.5, 3.5, 14.5, 25.5])


@torch.no_grad()
def test_attention_sees_its_window_and_no_more():
    net = block("attention")
    x = torch.randn(1, 30, 6)
    # The call at 20 sees 16 to 20.
    for at, seen in ((15, False), (16, True), (20, True)):
        changed = x.clone()
        changed[:, at] += 3
        difference = (net(x)[:, 20] - net(changed)[:, 20]).abs().max()
        assert (difference > 1e-5) == seen


@torch.no_grad()
def test_attention_against_the_plain_formula():
    net, x = CausalAttention(4, 1, 100).eval(), torch.randn(1, 7, 4)
    query, key, value = (net.qkv(x)[0, :, i * 4 : (i + 1) * 4].numpy() for i in range(3))
    expected = []
    for t in range(7):
        scores = np.array([query[t] @ key[j] / 2 - net.slopes.item() * (t - j) for j in range(t + 1)])
        weights = np.exp(scores - scores.max())
        expected.append(weights / weights.sum() @ value[: t + 1])
    torch.testing.assert_close(net(x)[0], net.out(torch.tensor(np.array(expected), dtype=torch.float32)))


@pytest.mark.parametrize(("heads", "window"), [(4, 5), (0, 5), (2, 0), (2, -3)])
def test_attention_takes_only_heads_that_divide_and_windows_with_the_present(heads, window):
    with pytest.raises(ValueError, match="must divide 6 channels"):
        CausalAttention(6, heads, window)


@torch.no_grad()
def test_long_attention_in_half_precision_keeps_count():
    net = CausalAttention(4, 1, 300).eval().to(torch.bfloat16)
    x = torch.randn(1, 400, 4, dtype=torch.bfloat16)
    pieces = in_pieces(net, x, [1] * 400).float()
    torch.testing.assert_close(pieces, net(x).float(), rtol=0, atol=0.02)


def test_modules_that_work_in_place_are_refused():
    with pytest.raises(ValueError, match="LeakyReLU works in place"):
        Residual(nn.Linear(6, 6), nn.Sequential(nn.LeakyReLU(0.1, inplace=True)))


def test_pointwise_modules_see_all_calls_as_one_batch():
    """BatchNorm1d in a chain normalises over batch and time, with channels last."""
    net = Chain(nn.BatchNorm1d(6, affine=False)).train()
    y = net(torch.randn(5, 40, 6) * 3 + 2)
    torch.testing.assert_close(y.mean((0, 1)), torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.var((0, 1), correction=0), torch.ones(6), atol=1e-3, rtol=0)


def test_gradients_reach_every_parameter_and_the_distant_past():
    net = block("chain").train()
    x = torch.randn(2, 10, 6, requires_grad=True)
    net(x)[:, -1].sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for n, p in net.named_parameters() if "2.bias" not in n)
    assert x.grad is not None and x.grad[:, 0].abs().sum() > 0


FIELDS = {
    "conv": 5,
    "conv of one tap": 1,
    "attention": 5,
    "residual": 4,
    "transformer": 9,
    "gru": np.inf,
    "heads": np.inf,
}


@pytest.mark.parametrize("name", FIELDS)
def test_receptive_field_is_what_gradients_reach(name):
    net = block(name)
    assert net.receptive_field() == FIELDS[name]
    x = torch.randn(1, 30, 6, requires_grad=True)
    net(x)[:, -1].sum().backward()
    assert x.grad is not None
    farthest = int(x.grad[0].abs().sum(-1).nonzero()[0])
    assert 30 - farthest == min(30, FIELDS[name])
