"""A streaming model is timed as it runs: the state of a call reaches the next one, in every backend."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.run_fixture import tiny_onnx

from kmidi_lab.export.bench.backends import Backend, onnx_backends, torch_backend
from kmidi_lab.export.bench.latency import measure_latency
from kmidi_lab.export.bench.timing import time_calls
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.nn.streaming import State, Streaming


class Counter(Streaming):
    """Adds up what comes in, in two state tensors of different shape: `[6]` of sums and a count of calls."""

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return (6,), (1, 1)

    def receptive_field(self) -> float:
        return float("inf")

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        sums = state[0][:, None] + x.cumsum(1)
        calls = state[1] + torch.arange(1, x.shape[1] + 1)[:, None]
        return torch.cat([sums[..., :3], calls], -1), (sums[:, -1], calls[:, -1:])


@pytest.fixture(scope="module")
def contract(make_contract):
    return make_contract(6, 4, state="one note a call")


@pytest.fixture
def frames() -> np.ndarray:
    return np.arange(30, dtype=np.float32).reshape(5, 6)


@pytest.fixture(scope="module")
def backends(contract) -> list[Backend]:
    network = Counter().eval()
    return [torch_backend(network), *onnx_backends(export_onnx(network, contract), contract)]


def test_the_state_is_carried_from_call_to_call(backends, frames):
    for backend in backends:
        call = backend.start()
        outputs = np.concatenate([np.array(call(frame[None])) for frame in frames])
        expected = np.concatenate([frames.cumsum(0)[:, :3], np.arange(1, 6)[:, None]], 1)
        np.testing.assert_array_equal(outputs, expected, err_msg=backend.name)


def test_a_started_session_begins_from_zeros(backends, frames):
    for backend in backends:
        first, second = backend.start(), backend.start()
        for frame in frames:
            first(frame[None])
        assert second(frames[:1])[0, 3] == 1, backend.name


@pytest.mark.slow
def test_the_timed_calls_are_those_that_carry_it(backends, frames):
    for backend in backends:
        call = backend.start()
        time_calls(call, frames, calls=7, warmup=4)
        assert call(frames[:1])[0, 3] == 1 + 4 + 7 + 1, backend.name


def test_flags_say_how_the_state_is_carried(backends):
    said = {backend.name: backend.flags for backend in backends}
    assert "state kept from call to call" in said["torch"]
    assert "state fed back as arrays" in said["onnxruntime"]
    assert "two sets of state buffers bound in turn" in said["onnxruntime_iobinding"]


def test_a_model_without_state_claims_none(make_contract):
    contract = make_contract(6, 4)
    flags = [b.flags for b in (torch_backend(torch.nn.Linear(6, 4)), *onnx_backends(tiny_onnx(contract), contract))]
    assert not any("state" in f for f in flags)


@pytest.mark.slow
def test_the_whole_measurement(contract, frames):
    network = Counter().eval()
    result = measure_latency(network, contract, export_onnx(network, contract), None, frames, None, calls=5, warmup=2)
    assert set(result["backends"]) == {"torch", "onnxruntime", "onnxruntime_iobinding"}
    # A counter has no weights, its state is none, so there is nothing to read.
    floors = [b["memory_floor"] for b in result["backends"].values()]
    assert [f["floor_us"] for f in floors] == [None] * 3
    assert floors[0]["weight_bytes"] == 0
