from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import orjson
import pytest
import torch
from torch import nn

from kmidi_lab.errors import ExportError
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.proof.parity import check_parity
from kmidi_lab.export.proof.probes import gate_inputs
from kmidi_lab.export.rtneural.reader import RTNeuralFormatError
from kmidi_lab.export.rtneural.writer import export_rtneural

PROBES = np.random.default_rng(3).normal(size=(20, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def made(make_contract) -> tuple[nn.Sequential, Any, bytes, bytes]:
    """A network with square layers, where a missing transpose fits every shape."""
    torch.manual_seed(4)
    norm = nn.BatchNorm1d(6)
    norm.running_mean, norm.running_var = torch.randn(6), torch.rand(6) + 0.5
    body = nn.Sequential(nn.Linear(6, 6), norm, nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 6), nn.Tanh())
    network = nn.Sequential(body, nn.Linear(6, 4)).eval()
    contract = make_contract(6, 4)
    return network, contract, export_onnx(network, contract), export_rtneural(network, contract)


@pytest.mark.slow
def test_good_artefacts_pass(made):
    report = check_parity(*made, PROBES)
    assert report == {**report, "rtneural": None, "tolerance": 1e-4, "calls": 20 + len(gate_inputs(made[1]))}
    assert 0 <= report["onnx"] < 1e-5
    assert 0 <= report["rtneural_reader"] < 1e-5


def test_without_an_rtneural_form(made):
    assert check_parity(*made[:3], None, PROBES)["rtneural_reader"] is None


def test_every_layer_of_the_dense_path(dense_network, make_contract):
    contract = make_contract(6, 4)
    onnx_bytes, rtneural = export_onnx(dense_network, contract), export_rtneural(dense_network, contract)
    assert check_parity(dense_network, contract, onnx_bytes, rtneural, PROBES)["rtneural_reader"] < 1e-5


def test_the_network_is_left_as_it_was(made):
    network = copy.deepcopy(made[0]).train()
    check_parity(network, *made[1:], PROBES)
    assert network.training
    assert not any(m._forward_hooks for m in network.modules())


def weight(layer: int, part: int, *place: int, by: float) -> Callable[[dict], None]:
    def change(file: dict) -> None:
        values = file["layers"][layer]["weights"][part]
        for index in place[:-1]:
            values = values[index]
        values[place[-1]] += by

    return change


def transpose(layer: int) -> Callable[[dict], None]:
    def change(file: dict) -> None:
        parts = file["layers"][layer]["weights"]
        parts[0] = [list(row) for row in zip(*parts[0], strict=True)]

    return change


def shift_bias(layer: int) -> Callable[[dict], None]:
    def change(file: dict) -> None:
        bias = file["layers"][layer]["weights"][1]
        bias.append(bias.pop(0))

    return change


FAULTS = {
    "one weight of the first layer": (weight(0, 0, 2, 3, by=0.05), r"0\.0"),
    "one weight, hardly": (weight(0, 0, 2, 3, by=3e-4), r"0\.0"),
    "square matrix not transposed": (transpose(0), r"0\.0"),
    "second square matrix not transposed": (transpose(3), r"0\.4"),
    "bias shifted": (shift_bias(3), r"0\.4"),
    "bias of the last layer shifted": (shift_bias(5), "1"),
    "variance of the batchnorm": (weight(1, 3, 0, by=0.2), r"0\.1"),
    "epsilon of the batchnorm": (lambda f: f["layers"][1].update(epsilon=0.5), r"0\.1"),
    "another activation": (lambda f: f["layers"][4].update(activation="sigmoid"), r"0\.5"),
    "an activation too many": (lambda f: f["layers"][3].update(activation="tanh"), r"0\.4"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_in_the_rtneural_file_is_found_and_named(made, name):
    network, contract, onnx_bytes, rtneural = made
    change, layer = FAULTS[name]
    file = orjson.loads(rtneural)
    change(file)
    with pytest.raises(ExportError, match=rf"RTNeural \(reader\) is off by .*first wrong layer: {layer} \(off by"):
        check_parity(network, contract, onnx_bytes, orjson.dumps(file), PROBES)


def onnx_fault(data: bytes, name: str, change: Callable[[np.ndarray], np.ndarray]) -> bytes:
    model = onnx.load_from_string(data)
    (tensor,) = [t for t in model.graph.initializer if t.name == name]
    tensor.CopyFrom(onnx.numpy_helper.from_array(change(onnx.numpy_helper.to_array(tensor).copy()), name))
    return model.SerializeToString()


def _one(values: np.ndarray) -> np.ndarray:
    values.flat[3] += 0.05
    return values


@pytest.mark.parametrize(
    ("tensor", "change", "layer"),
    [
        # The optimizer folds the batchnorm, 0.1, into the Gemm of 0.0; their joint output is that of 0.1.
        ("0.0.weight", _one, r"0\.1"),
        ("0.4.weight", lambda w: np.ascontiguousarray(w.T), r"0\.4"),
        ("0.4.bias", lambda b: np.roll(b, 1), r"0\.4"),
        ("1.weight", _one, "1"),
    ],
)
def test_a_planted_fault_in_the_onnx_file_is_found_and_named(made, tensor, change, layer):
    network, contract, onnx_bytes, rtneural = made
    with pytest.raises(ExportError, match=rf"toymodel: ONNX is off by .*first wrong layer: {layer} \(off by"):
        check_parity(network, contract, onnx_fault(onnx_bytes, tensor, change), rtneural, PROBES)


def test_nan_in_an_artefact_fails(made):
    network, contract, onnx_bytes, rtneural = made
    broken = onnx_fault(onnx_bytes, "1.bias", lambda b: b * np.float32("nan"))
    with pytest.raises(ExportError, match=r"ONNX gives NaN or infinity at output 0 \(first\), gate input 0"):
        check_parity(network, contract, broken, rtneural, PROBES)


def test_nan_in_the_network_fails(made):
    network = copy.deepcopy(made[0])
    network[1].bias.data[2] = float("nan")
    with pytest.raises(ExportError, match="torch network itself gives NaN"):
        check_parity(network, *made[1:], PROBES)


def test_softmax_that_overflows_in_rtneural_only_fails(make_contract):
    contract, network = make_contract(6, 6), nn.Sequential(nn.Linear(6, 6), nn.Softmax(-1)).eval()
    network[0].weight.data = torch.eye(6) * 10
    onnx_bytes, rtneural = export_onnx(network, contract), export_rtneural(network, contract)
    with pytest.raises(ExportError, match=r"RTNeural \(reader\) gives NaN or infinity.*first wrong layer: 1"):
        check_parity(network, contract, onnx_bytes, rtneural, PROBES)


def test_a_network_of_one_layer_is_named(make_contract):
    contract, network = make_contract(6, 4), nn.Linear(6, 4).eval()
    onnx_bytes, rtneural = export_onnx(network, contract), export_rtneural(network, contract)
    file = orjson.loads(rtneural)
    file["layers"][0]["weights"][1][0] += 1
    with pytest.raises(ExportError, match="first wrong layer: network"):
        check_parity(network, contract, onnx_bytes, orjson.dumps(file), PROBES)


def test_a_shared_module_is_compared_call_by_call(make_contract):
    act = nn.PReLU()
    network = nn.Sequential(nn.Linear(6, 5), act, nn.Linear(5, 5), act, nn.Linear(5, 4)).eval()
    contract = make_contract(6, 4)
    onnx_bytes, rtneural = export_onnx(network, contract), export_rtneural(network, contract)
    assert check_parity(network, contract, onnx_bytes, rtneural, PROBES)["rtneural_reader"] < 1e-5
    file = orjson.loads(rtneural)
    file["layers"][4]["weights"][1][0] += 1
    with pytest.raises(ExportError, match="first wrong layer: 4"):
        check_parity(network, contract, onnx_bytes, orjson.dumps(file), PROBES)


def test_files_of_another_network_are_refused(made, make_contract):
    network, contract, onnx_bytes, rtneural = made
    other = nn.Linear(6, 3).eval()
    with pytest.raises(ExportError, match="are expected"):
        check_parity(network, contract, onnx_bytes, export_rtneural(other, make_contract(6, 3)), PROBES)
    with pytest.raises(ExportError, match="not an ONNX file, or cut short"):
        check_parity(network, contract, b"not onnx", rtneural, PROBES)
    with pytest.raises(RTNeuralFormatError):
        check_parity(network, contract, onnx_bytes, rtneural[:-9], PROBES)


@pytest.mark.parametrize("probes", [np.zeros((3, 5)), np.zeros(6), np.full((1, 6), np.nan)])
def test_probes_must_fit(made, probes):
    with pytest.raises(ValueError, match="probes"):
        check_parity(*made, probes)


def test_a_slice_of_large_values_hides_no_error_in_a_small_one(make_contract):
    """toymodel's first output is a slice of its own; here it is in the thousands and the others are near 1."""
    contract, network = make_contract(6, 4), nn.Linear(6, 4).eval()
    network.bias.data[0] = 3000.0
    file = orjson.loads(export_rtneural(network, contract))
    file["layers"][0]["weights"][1][2] += 0.05
    with pytest.raises(ExportError, match=r"off by .* at output 2 \(rest\)"):
        check_parity(network, contract, export_onnx(network, contract), orjson.dumps(file), PROBES)
