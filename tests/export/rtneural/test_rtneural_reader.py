from __future__ import annotations

from itertools import pairwise

import numpy as np
import orjson
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from kmidi_lab.export.rtneural.reader import RTNeuralFormatError, RTNeuralModel
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.nn.layers import Standardize

ACTIVATIONS = (nn.Tanh, nn.ReLU, nn.Sigmoid, lambda: nn.Softmax(-1), nn.ELU, nn.PReLU, lambda: nn.LeakyReLU(0.3))


def file_of(size: int, *layers: dict) -> bytes:
    """A file by hand; numpy arrays become nested lists."""
    return orjson.dumps({"in_shape": [None, None, size], "layers": layers}, option=orjson.OPT_SERIALIZE_NUMPY)


def layer(kind: str, size: int, weights: list, **extra) -> dict:
    return {"type": kind, "activation": "", "shape": [None, None, size], "weights": weights, **extra}


def arrays(*tensors: torch.Tensor) -> list[np.ndarray]:
    return [np.ascontiguousarray(t.detach().numpy()) for t in tensors]


@st.composite
def networks(draw) -> nn.Sequential:
    torch.manual_seed(draw(st.integers(0, 2**31)))
    sizes = draw(st.lists(st.integers(1, 12), min_size=2, max_size=5))
    modules: list[nn.Module] = []
    if draw(st.booleans()):
        modules.append(Standardize(torch.randn(sizes[0]), torch.rand(sizes[0]) + 0.1))
    for a, b in pairwise(sizes):
        modules.append(nn.Linear(a, b, bias=draw(st.booleans())))
        if draw(st.booleans()):
            norm = nn.BatchNorm1d(b, affine=draw(st.booleans()), eps=draw(st.sampled_from([1e-5, 1e-3, 5.0])))
            norm.running_mean, norm.running_var = torch.randn(b), torch.rand(b) + 0.05
            modules.append(norm)
        if draw(st.booleans()):
            modules.append(nn.PReLU(b))
            nn.init.normal_(modules[-1].weight)
        if draw(st.booleans()):
            modules.append(draw(st.sampled_from(ACTIVATIONS))())
    return nn.Sequential(*modules).eval()


@settings(max_examples=60, deadline=None)
@given(network=networks(), seed=st.integers(0, 2**31), scale=st.sampled_from([0.0, 0.1, 1.0, 5.0]))
def test_any_dense_network_reads_back_as_pytorch(make_contract, network, seed, scale):
    linears = [m for m in network if isinstance(m, nn.Linear)]
    size, outputs = linears[0].in_features, linears[-1].out_features
    model = RTNeuralModel.from_bytes(export_rtneural(network, make_contract(size, max(outputs, 1))))
    x = (np.random.default_rng(seed).normal(size=size) * scale).astype(np.float32)
    with torch.inference_mode():
        want = network(torch.from_numpy(x[None])).numpy()[0]
    got = model(x)
    assert got.dtype == np.float32
    assert (model.input_size, model.output_size) == (size, outputs)
    np.testing.assert_allclose(got, want, atol=2e-5 * max(1, np.abs(want).max()))


def test_trace_names_every_layer(dense_network, make_contract):
    model = RTNeuralModel.from_bytes(export_rtneural(dense_network, make_contract(6, 4)))
    trace = model.trace(np.ones(6))
    assert [name for name, _ in trace] == model.names
    np.testing.assert_array_equal(trace[-1][1], model(np.ones(6)))
    # Beyond the learned ones: zeros for the missing bias, running statistics, the slope of 0.1; Standardize is folded.
    learned = sum(p.numel() for p in dense_network.parameters())
    assert model.parameters == learned + 8 + 2 * 8 + 1


def test_nameless_layers_are_named_by_place():
    data = orjson.loads(file_of(2, layer("activation", 2, [], activation="tanh")))
    assert RTNeuralModel.from_bytes(orjson.dumps(data)).names == ["layer 0 (activation)"]


@pytest.mark.parametrize("shape", [(3,), (1, 2), ()])
def test_a_call_takes_one_vector(shape):
    model = RTNeuralModel.from_bytes(file_of(2, layer("activation", 2, [], activation="tanh")))
    with pytest.raises(ValueError, match="vector of 2"):
        model(np.zeros(shape))


def test_softmax_subtracts_no_maximum_as_in_rtneural():
    model = RTNeuralModel.from_bytes(file_of(2, layer("activation", 2, [], activation="softmax")))
    assert np.isfinite(model(np.array([30.0, -30.0]))).all()
    assert np.isnan(model(np.array([100.0, 0.0]))).any()


@pytest.mark.parametrize("stem", ["conv", "dense", "gru", "gru_1d", "lstm", "lstm_1d"])
def test_rtneurals_own_models(golden_folder, stem):
    model = RTNeuralModel.from_bytes((golden_folder / f"{stem}.json").read_bytes())
    x, want = (np.loadtxt(golden_folder / f"{stem}_{side}_python.csv", np.float32) for side in "xy")
    np.testing.assert_allclose([model(v[None])[0] for v in x], want, atol=1e-6)


@pytest.mark.parametrize(("name", "reason"), [("bad_lstm", "64 belong"), ("conv2d", "in_shape")])
def test_rtneurals_models_that_must_be_refused(golden_folder, name, reason):
    with pytest.raises(RTNeuralFormatError, match=reason):
        RTNeuralModel.from_bytes((golden_folder / f"{name}.json").read_bytes())


def gru_weights(module: nn.GRU) -> list:
    def swap(t: torch.Tensor) -> torch.Tensor:
        r, z, n = t.chunk(3)
        return torch.cat([z, r, n])

    kernel, recurrent = swap(module.weight_ih_l0).T, swap(module.weight_hh_l0).T
    return [*arrays(kernel, recurrent), arrays(swap(module.bias_ih_l0), swap(module.bias_hh_l0))]


def lstm_weights(module: nn.LSTM) -> list:
    return arrays(module.weight_ih_l0.T, module.weight_hh_l0.T, module.bias_ih_l0 + module.bias_hh_l0)


def check_stream(data: bytes, x: np.ndarray, want: np.ndarray) -> None:
    """The whole sequence from reset, twice, and the state goes on without one."""
    model = RTNeuralModel.from_bytes(data)
    first = np.stack([model(v) for v in x])
    np.testing.assert_allclose(first, want, atol=2e-6)
    assert not np.allclose(model(x[0]), want[0], atol=1e-4)
    model.reset()
    np.testing.assert_array_equal(np.stack([model(v) for v in x]), first)


@pytest.mark.parametrize(("kind", "weights"), [("gru", gru_weights), ("lstm", lstm_weights)])
@pytest.mark.parametrize("sizes", [(5, 4), (3, 3), (1, 6)])
def test_recurrent_layers_stream_as_pytorch(kind, weights, sizes):
    torch.manual_seed(1)
    module = getattr(nn, kind.upper())(*sizes, batch_first=True)
    x = torch.randn(1, 12, sizes[0])
    with torch.inference_mode():
        want = module(x)[0][0].numpy()
    check_stream(file_of(sizes[0], layer(kind, sizes[1], weights(module))), x[0].numpy(), want)


@pytest.mark.parametrize("kernel", [1, 2, 4])
@pytest.mark.parametrize("dilation", [1, 3])
@pytest.mark.parametrize("groups", [1, 2])
def test_causal_conv1d_streams_as_pytorch(kernel, dilation, groups):
    torch.manual_seed(2)
    conv = nn.Conv1d(4, 6, kernel, dilation=dilation, groups=groups)
    x = torch.randn(1, 4, 15)
    with torch.inference_mode():
        want = torch.tanh(conv(nn.functional.pad(x, ((kernel - 1) * dilation, 0))))[0].T.numpy()
    weights = arrays(conv.weight.permute(2, 1, 0), conv.bias)
    extra = {"kernel_size": [kernel], "dilation": [dilation], "groups": groups, "activation": "tanh"}
    model = RTNeuralModel.from_bytes(file_of(4, layer("conv1d", 6, weights, **extra)))
    frames = x[0].T.numpy()
    np.testing.assert_allclose([model(v) for v in frames], want, atol=2e-6)
    model.reset()
    np.testing.assert_allclose([model(v) for v in frames], want, atol=2e-6)
