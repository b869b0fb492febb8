"""What the gates try: nothing but what a contract allows, all of its ends, and a little noise around."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from kmidi_lab.audio.mel import log_mel
from kmidi_lab.contract_types import KEY, LOG_MEL, ONE_HOT
from kmidi_lab.contracts import CONTRACTS, MELODY, Contract, Slice
from kmidi_lab.errors import ExportError
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.export.proof.parity import check_parity
from kmidi_lab.export.proof.probes import NOISE, contract_inputs, gate_inputs
from kmidi_lab.export.rtneural.writer import export_rtneural
from kmidi_lab.models.melody.student import KeyGRU
from kmidi_lab.nn.layers import CausalConv1d
from kmidi_lab.nn.streaming import Chain

EACH = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)


def allowed(part: Slice, x: np.ndarray) -> bool:
    """Whether `[size]` is what the slice may hold."""
    kind = part.values.kind
    if kind == "one-hot":
        return sorted(x)[:-1] == [0] * (len(x) - 1) and x.max() in (0, 1)
    if kind in ("circle", "key"):
        pairs = x[: len(x) // 2 * 2].reshape(-1, 2)
        turns = np.arctan2(*pairs[0]) / (2 * np.pi) * 12
        return all(np.isclose(np.hypot(*p), (0, 1), atol=1e-6).any() for p in pairs) and (
            kind == "circle" or (abs(turns - round(turns)) < 1e-4 and x[2] in (-1, 0, 1))
        )
    low = np.where(np.arange(len(x)) == len(x) - 1, 0.0, -1.0) if kind == "mood" else part.values.low
    return bool((x >= low - 1e-6).all() and (x <= part.values.high + 1e-6).all())


@EACH
def test_drawn_inputs_are_what_the_contract_allows_and_zeros(contract: Contract) -> None:
    drawn = contract_inputs(contract.inputs, 200, 3)
    assert drawn.shape == (200, contract.input_size) and drawn.dtype == np.float32
    for part in contract.inputs:
        assert all(allowed(part, x) for x in drawn[:, part.index]), part.name
        assert 0 < (drawn[:, part.index] == 0).all(1).mean() < 0.5


@EACH
def test_gates_try_zeros_and_both_ends_and_leave_the_contract_by_noise_alone(contract: Contract) -> None:
    calls = gate_inputs(contract)
    assert not calls[0].any()
    np.testing.assert_array_equal(calls, gate_inputs(contract))
    drawn = contract_inputs(contract.inputs, 32, 0)
    for part in contract.inputs:
        of, values = calls[:, part.index], part.values
        assert all(allowed(part, x) for x in of[:-32])
        assert of.max() >= values.high - 1e-6
        noise = np.abs(of[-32:] - drawn[:, part.index])
        assert 0 < noise.max() < (NOISE * (values.high - values.low) if values.kind in ("range", "mood") else 1e-3)


def test_no_sound_leaves_the_log_mel_range() -> None:
    time = np.arange(4096) / 16_000
    waves = [np.sign(np.sin(2 * np.pi * hz * time) + 1e-9) for hz in (31, 90, 205, 1000, 4000)] + [np.zeros(4096)]
    frames = np.concatenate([np.asarray(log_mel(wave.astype(np.float32))) for wave in waves])
    assert LOG_MEL.low < frames.min() and frames.max() < LOG_MEL.high


@pytest.mark.slow
@pytest.mark.parametrize("contract", [MELODY.at("1"), MELODY], ids=lambda c: c.version)
def test_a_student_of_any_weights_passes_on_all_that_the_contract_allows(contract: Contract) -> None:
    """Outside the twelve keys it need not: there the layers that a file holds are another function than was trained."""
    torch.manual_seed(0)
    student = KeyGRU(contract, 16)
    for weight in student.parameters():
        nn.init.normal_(weight, std=0.5 if contract.version == "1" else 0.3)
    deployed, trained = student.eval().deployed(), student
    calls = torch.from_numpy(contract_inputs(contract.inputs, 64, 1))[:, None]
    with torch.no_grad():
        assert float((deployed(calls) - trained(calls)).abs().max()) < 1e-4
        outside = torch.full((1, 1, 64), -20.0)
        assert float((deployed(outside) - trained(outside)).abs().max()) > 1e-3
    onnx_bytes, rtneural = export_onnx(deployed, contract), export_rtneural(deployed, contract)
    report = check_parity(deployed, contract, onnx_bytes, rtneural, gate_inputs(contract)[:4])
    assert report["rtneural_reader"] is not None and report["rtneural_reader"] < 1e-4


def test_an_artefact_that_is_wrong_at_one_end_of_one_slice_fails() -> None:
    """A layer whose weight is off only shows where its input is large."""
    contract = CONTRACTS["emotion"]
    network = Chain(CausalConv1d(128, 8, 2), nn.ReLU(), nn.Linear(8, 64)).eval()
    with torch.no_grad():
        network(torch.zeros(1, 1, 128))
        network.get_submodule("0").conv.bias.fill_(-0.3 * 128)
        network.get_submodule("0").conv.weight.fill_(0.05)
    onnx_bytes, rtneural = export_onnx(network, contract), export_rtneural(network, contract)
    with torch.no_grad():
        network.get_submodule("0").conv.weight[0, 0, 1] += 0.02
    quiet = np.full((4, 128), -1.0, np.float32)  # on these all units are off, whatever the weights
    with pytest.raises(ExportError, match="gate input"):
        check_parity(network, contract, onnx_bytes, rtneural, quiet)


@pytest.mark.parametrize(
    ("values", "size"), [(KEY, 4), (CONTRACTS["dynamics"].input("beat_phase").values, 3), (ONE_HOT, 5)]
)
def test_a_kind_has_its_sizes(make_contract: Callable[..., Contract], values: object, size: int) -> None:
    def make() -> Contract:
        from dataclasses import replace

        return replace(make_contract(3, 2), inputs=(Slice("one", 0, size, "test", values),))  # type: ignore[arg-type]

    if values is ONE_HOT:
        assert make().input_size == size
    else:
        with pytest.raises(ValueError, match="can't hold"):
            make()
