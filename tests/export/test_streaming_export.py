"""Every streaming layer and block: torch, ONNX, our reader and, where it is given, the real RTNeural agree."""

from __future__ import annotations

import copy

import numpy as np
import onnx
import orjson
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.streaming_networks import NETWORKS, network
from torch import nn

from kmidi_lab.errors import ExportError
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.proof.parity import _plans, _Proof, check_parity
from kmidi_lab.export.proof.probes import gate_inputs
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.runner import runner_from_env
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.nn.layers import GRU, LSTM, CausalAttention, CausalConv1d
from kmidi_lab.nn.streaming import Chain, Heads, Residual, State, Streaming, TorchModel

PROBES = np.random.default_rng(8).normal(size=(70, 6)).astype(np.float32)


def contract_of(net, make_contract):
    return make_contract(6, net(torch.zeros(1, 1, 6)).shape[-1], state="one note a call")


MANY = [pytest.param(name, marks=[pytest.mark.slow] * (name != "everything")) for name in NETWORKS]


@pytest.mark.parametrize("name", MANY)
def test_every_artefact_computes_what_torch_computes(name, make_contract):
    net = network(name)
    contract = contract_of(net, make_contract)
    files = export_onnx(net, contract), export_rtneural(net, contract)
    report = check_parity(net, contract, *files, PROBES, tolerance=1e-5)
    assert report["onnx"] < 1e-5 and report["rtneural_reader"] < 1e-5 and report["chunking"] < 1e-5
    assert report["calls"] == 3 * (len(PROBES) + len(gate_inputs(contract)))


@pytest.mark.parametrize("name", MANY)
def test_the_real_rtneural_loads_every_file(name, make_contract):
    runner = runner_from_env()
    if runner is None:
        pytest.skip("RTNEURAL_RUNNER is not set; see docs/rtneural_runner.md")
    net = network(name)
    contract = contract_of(net, make_contract)
    report = check_parity(
        net, contract, export_onnx(net, contract), export_rtneural(net, contract), PROBES, 1e-5, runner
    )
    assert report["rtneural"] < 1e-5


def layer(draw, kind: str, size: int) -> tuple[nn.Module, int]:
    """(a layer or block with `size` inputs, its outputs)."""
    groups = draw(st.sampled_from([g for g in (1, 2, 3) if size % g == 0]))
    out = groups * draw(st.integers(1, 4))
    kernel, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    act = draw(st.sampled_from([nn.ReLU(), nn.PReLU(init=0.3), nn.LeakyReLU(0.1)]))
    if kind == "linear":
        return nn.Linear(size, out), out
    if kind == "conv":
        return CausalConv1d(size, out, kernel, dilation, groups), out
    if kind in ("gru", "lstm"):
        return (GRU if kind == "gru" else LSTM)(size, out, kernel), out
    if kind == "residual":
        first = CausalConv1d(size, out, kernel, dilation, groups)
        return Residual(first, act, CausalConv1d(out, size, dilation)), size
    branches = [Chain(nn.Linear(size, width), act, nn.Linear(width, 2)) for width in (out, 3)]
    return Heads(*branches), 4


@st.composite
def chains(draw):
    """A chain of up to five layers and blocks of any sizes."""
    size, modules = 6, []
    for _ in range(draw(st.integers(1, 5))):
        kind = draw(st.sampled_from(["linear", "conv", "gru", "lstm", "residual", "heads"]))
        module, size = layer(draw, kind, size)
        modules.append(module)
    return Chain(*modules, nn.Linear(size, 4)).eval()


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(chains(), st.integers(0, 2**32 - 1))
def test_any_chain_reads_back_as_it_was(make_contract, net, seed):
    torch.manual_seed(seed)
    for parameter in net.parameters():
        nn.init.uniform_(parameter, -0.6, 0.6)
    reader = RTNeuralModel.from_bytes(export_rtneural(net, make_contract(6, 4, state="one note a call")))
    expected = TorchModel(net).run(PROBES)
    got = np.stack([reader(x) for x in PROBES])
    assert np.abs(got - expected).max() / max(1, np.abs(expected).max()) < 1e-5
    reader.reset()
    np.testing.assert_array_equal(reader(PROBES[0]), got[0])


class Remembers(Streaming):
    """Loses its state at each call, as a wrong block would."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(6, 4)

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return ((4,),)

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        return self.linear(x).cumsum(1), state


def test_a_block_that_loses_its_state_is_caught(make_contract):
    net = Remembers().eval()
    contract = make_contract(6, 4, state="one note a call")
    with pytest.raises(ExportError, match=r"ONNX is off by .* called in a row"):
        check_parity(net, contract, export_onnx(net, contract), None, PROBES)


def fault(layer: str, change) -> tuple[str, object]:
    def apply(file):
        found = [entry for entry in file["layers"] if entry["name"] == layer]
        change(found[-1]["weights"])

    return layer, apply


def swap_gates(weights) -> None:
    """r and z the PyTorch way round: the fault that many exporters make."""
    for matrix in (weights[0], weights[1], weights[2]):
        for row in matrix:
            size = len(row) // 3
            row[:] = row[size : 2 * size] + row[:size] + row[2 * size :]


def reverse_time(weights) -> None:
    weights[0].reverse()


def one_bias_row(weights) -> None:
    weights[2][1] = [0.0] * len(weights[2][1])


def second_lstm_gate(weights) -> None:
    for matrix in (weights[0], weights[1], [weights[2]]):
        for row in matrix:
            size = len(row) // 4
            row[:] = row[size : 2 * size] + row[:size] + row[2 * size :]


STREAMING_FAULTS = {
    "gru gates not swapped": (Chain(nn.Linear(6, 5), GRU(5, 4)), *fault("1", swap_gates)),
    "gru with one bias": (Chain(nn.Linear(6, 5), GRU(5, 4, 2)), *fault("1 layer 0", one_bias_row)),
    "kernel back to front": (Chain(nn.Linear(6, 5), CausalConv1d(5, 4, 3)), *fault("1", reverse_time)),
    "lstm gates": (Chain(nn.Linear(6, 5), LSTM(5, 4)), *fault("1", second_lstm_gate)),
}


@pytest.mark.parametrize("name", STREAMING_FAULTS)
def test_a_planted_fault_is_found_and_named(name, make_contract):
    net, layer, change = STREAMING_FAULTS[name]
    torch.manual_seed(2)
    net = copy.deepcopy(net).eval()
    contract = make_contract(6, 4, state="one note a call")
    file = orjson.loads(export_rtneural(net, contract))
    change(file)
    with pytest.raises(ExportError, match=rf"RTNeural \(reader\) is off by .*first wrong layer: {layer[0]} \(off"):
        check_parity(net, contract, export_onnx(net, contract), orjson.dumps(file), PROBES)


@pytest.mark.slow
def test_a_fault_in_the_onnx_file_is_named(make_contract):
    net = Chain(CausalConv1d(6, 6, 3), nn.Tanh(), nn.Linear(6, 6), nn.ELU(), nn.Linear(6, 4)).eval()
    contract = make_contract(6, 4, state="one note a call")
    model = onnx.load_from_string(export_onnx(net, contract))
    (weight,) = [t for t in model.graph.initializer if t.name.endswith("network.2.weight")]
    values = onnx.numpy_helper.to_array(weight).copy()
    values[1, 2] += 0.1
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    with pytest.raises(ExportError, match=r"ONNX is off by .*first wrong layer: 2 \(off"):
        check_parity(net, contract, model.SerializeToString(), None, PROBES)


class LateInOneGo(Streaming):
    """Wrong where more than 600 calls come at once, as in training, and right in the blocks of the other proofs."""

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return ((1, 1),)

    def receptive_field(self) -> float:
        return 1

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        return x + (x.shape[1] > 600), state


def test_what_differs_in_one_long_piece_alone_is_found(make_contract) -> None:
    contract = make_contract(6, 6, state="one note a call")
    calls = np.random.default_rng(0).normal(size=(1000, 6)).astype(np.float32)
    for net, wrong in ((LateInOneGo(), True), (Chain(nn.Identity()), False)):
        proof = _Proof(net, contract, calls, _plans(len(calls), True), 1e-4)
        if wrong:
            with pytest.raises(ExportError, match="off by 1 from itself"):
                proof.chunking()
        else:
            assert proof.chunking() == 0


class Own(Streaming):
    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return ()

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        return x * 2, state


class Louder(GRU):
    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        y, state = super().stream(x, state)
        return 2 * y, state


def _hooked() -> nn.Module:
    conv = CausalConv1d(6, 4, 2)
    conv.conv.register_forward_hook(lambda *call: call[-1] + 1)
    return conv


def _norm_below_zero() -> nn.Module:
    norm = nn.BatchNorm1d(6)
    norm.running_var[2] = -1.0
    return norm


def _overflowing() -> nn.Module:
    lstm = LSTM(6, 4)
    for bias in (lstm.rnn.bias_ih_l0, lstm.rnn.bias_hh_l0):
        bias.data[0] = 3e38
    return lstm


REFUSED = {
    "attention": (Chain(CausalAttention(6, 2, 4)), r"0 \(CausalAttention\): .*recurrent student"),
    "a block of one's own": (Chain(nn.Linear(6, 6), Own()), r"1 \(Own\)"),
    "a subclass": (Chain(Louder(6, 6)), r"0 \(Louder\)"),
    "tanh beside x": (Chain(Residual(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6))), r"carried past 0.body.1 \(tanh\)"),
    "gru beside x": (Chain(Residual(GRU(6, 6))), r"carried past 0.body.0 \(gru\).*use nn.Linear"),
    "body of another size": (Chain(Residual(nn.Linear(6, 5))), "must keep 6 channels, it gives 5"),
    "empty body": (Chain(Residual()), "must keep 6 channels"),
    "heads of other depths": (
        Chain(Heads(nn.Linear(6, 2), Chain(nn.Linear(6, 3), nn.ReLU(), nn.Linear(3, 1)))),
        r"branches of \[1, 3\] layers",
    ),
    "heads with softmax": (
        Chain(Heads(Chain(nn.Linear(6, 2), nn.Softmax(-1)), Chain(nn.Linear(6, 2), nn.Softmax(-1)))),
        "softmax can't stand side by side",
    ),
    "heads of other activations": (
        Chain(Heads(Chain(nn.Linear(6, 2), nn.Tanh()), Chain(nn.Linear(6, 2), nn.ELU()))),
        "elu, tanh can't stand side by side",
    ),
    "heads of recurrent layers": (Chain(Heads(GRU(6, 2), GRU(6, 3))), "must begin with nn.Linear"),
    "heads with other kernels": (
        Chain(Heads(CausalConv1d(6, 2, 3), CausalConv1d(6, 2, 2))),
        "give them the same",
    ),
    "conv of another size": (Chain(nn.Linear(6, 5), CausalConv1d(6, 4, 2)), r"1 \(CausalConv1d\): takes 6 channels, 5"),
    "gru of another size": (Chain(nn.Linear(6, 5), GRU(6, 4)), r"1 \(GRU\): weight_ih_l0 is \[12, 6\], must be"),
    "streaming in a plain Sequential": (
        nn.Sequential(nn.Linear(6, 6), CausalConv1d(6, 4, 2)),
        "holds streaming modules.*make it a Chain",
    ),
    "hook inside": (Chain(_hooked()), r"0 \(CausalConv1d\): has forward hooks"),
    "batchnorm below zero": (Chain(_norm_below_zero(), nn.Linear(6, 4)), r"0 \(BatchNorm1d\): running_var"),
    "overflow in the sum of biases": (Chain(_overflowing()), "lstm of size 4: a weight is beyond float32"),
    "plain gru": (nn.Sequential(nn.GRU(6, 4)), "use GRU of kmidi_lab.nn.layers"),
    "plain conv": (nn.Sequential(nn.Conv1d(6, 4, 2)), "use CausalConv1d"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_file_can_hold_is_refused_by_name(name, make_contract):
    net, message = REFUSED[name]
    with pytest.raises(ExportError, match=message):
        export_rtneural(net.eval(), make_contract(6, 4))


def test_depthwise_and_grouped_layers_stay_grouped_beside_x(make_contract):
    net = network("residual, depthwise first")
    layers = orjson.loads(export_rtneural(net, make_contract(6, 6)))["layers"]
    first = layers[0]
    assert (first["type"], first["groups"], np.shape(first["weights"][0])) == ("conv1d", 6, (7, 1, 12))
    # The batchnorm has gone into the convolution before it.
    assert [layer["type"] for layer in layers] == ["conv1d", "dense", "prelu", "dense"]
