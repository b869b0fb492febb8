"""The memory floor's arithmetic on a made-up machine, and the weights that count."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from support.run_fixture import tiny_onnx
from torch import nn

from kmidi_lab.export.bench import memory_floor as floor
from kmidi_lab.export.bench.memory_floor import memory_floor, onnx_weight_bytes, read_time_us, torch_weight_bytes
from kmidi_lab.export.onnx.writer import export_onnx
from kmidi_lab.nn.layers import GRU
from kmidi_lab.nn.streaming import Chain


class Machine:
    """A clock of 50 ns steps that a read moves on: 1.6 µs for the call and 10 ns for each kB of the buffer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, spikes: int = 0) -> None:
        self.now = self.reads = 0
        self.spikes = spikes
        monkeypatch.setattr(floor, "time", SimpleNamespace(perf_counter_ns=self.clock))
        monkeypatch.setattr(floor, "_read", self.read)

    def clock(self) -> int:
        self.now += 50
        return self.now

    def read(self, buffer: np.ndarray) -> None:
        self.reads += 1
        slow = 1_000_000 if self.spikes and self.reads % self.spikes == 0 else 0
        self.now += 1600 + buffer.nbytes // 100 + slow


def test_the_cost_of_the_call_is_taken_off(monkeypatch):
    Machine(monkeypatch)
    # 1,000,000 bytes at 100 bytes a ns are 10 µs; the tiny buffer's own 64 bytes vanish in the division.
    assert read_time_us(1_000_000) == pytest.approx(10.0)


def test_slow_reads_do_not_count(monkeypatch):
    Machine(monkeypatch, spikes=3)
    assert read_time_us(1_000_000) == pytest.approx(10.0)


def test_a_difference_below_three_clock_steps_is_no_measurement(monkeypatch):
    Machine(monkeypatch)
    assert read_time_us(14_900) is None
    assert read_time_us(15_000) == pytest.approx(0.15)
    assert read_time_us(0) is None


def test_the_object_of_run_json():
    assert memory_floor(1_000_000, 10.0, 15.0) == {
        "weight_bytes": 1_000_000,
        "bandwidth_gb_s": pytest.approx(100.0),
        "floor_us": 10.0,
        "floor_ratio": 1.5,
    }
    assert memory_floor(2000, None, 3.0) == {
        "weight_bytes": 2000,
        "bandwidth_gb_s": None,
        "floor_us": None,
        "floor_ratio": None,
    }


def test_the_real_clock_gives_a_plausible_bandwidth():
    assert floor.clock_step_ns() > 0
    assert read_time_us(4_000_000) is not None


@pytest.mark.slow
def test_weights_of_an_onnx_file_are_its_floats_without_the_state(make_contract):
    contract = make_contract(6, 4, state="one note a call")
    network = Chain(GRU(6, 8), nn.Linear(8, 4)).eval()
    data = export_onnx(network, contract)
    # GRU: three gates of input, recurrent weights and two biases; then the dense layer. The state of 8 is no weight.
    assert onnx_weight_bytes(data) == 4 * (24 * 6 + 24 * 8 + 48 + 4 * 8 + 4)
    assert torch_weight_bytes(network) == onnx_weight_bytes(data)
    assert onnx_weight_bytes(tiny_onnx(make_contract(6, 4))) == 4 * 24


def test_buffers_count_and_shared_weights_count_once():
    shared = nn.Linear(6, 6)
    assert torch_weight_bytes(nn.Sequential(shared, shared)) == 4 * 42
    assert torch_weight_bytes(nn.BatchNorm1d(6)) == 4 * (4 * 6 + 1)
    assert torch_weight_bytes(nn.Linear(6, 6).double()) == 4 * 42
