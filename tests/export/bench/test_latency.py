"""Structure and honesty of the measurement; never how fast this machine is."""

from __future__ import annotations

import gc
import os
import stat
import sys
import time
from pathlib import Path

import numpy as np
import orjson
import pytest
import torch
from support.run_fixture import tiny_onnx
from torch import nn

from kmidi_lab.export.bench.backends import onnx_backends, torch_backend
from kmidi_lab.export.bench.latency import measure_latency
from kmidi_lab.export.bench.timing import summary, time_calls

STATISTICS = {"first_us", "median_us", "p90_us", "p99_us", "max_us", "mean_us"}
KEYS = STATISTICS | {"within_budget", "histogram", "version", "flags", "memory_floor", "deadlines"}


class Slow(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        time.sleep(0.002)
        return x[:, :4]


@pytest.fixture
def contract(make_contract):
    return make_contract(6, 4)


@pytest.fixture
def frames() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(7, 6)).astype(np.float32)


@pytest.mark.slow
def test_the_object_of_run_json(contract, frames):
    result = measure_latency(nn.Linear(6, 4), contract, tiny_onnx(contract), b"{}", frames, None, calls=50, warmup=3)
    assert set(result) == {"budget_ms", "frames", "threads", "pinned_core", "backends", "not_measured"}
    assert (result["budget_ms"], result["frames"], result["threads"]) == (1.0, 50, 1)
    assert set(result["backends"]) == {"torch", "onnxruntime", "onnxruntime_iobinding"}
    assert result["not_measured"] == {"rtneural": "RTNEURAL_RUNNER is not set"}
    for b in result["backends"].values():
        assert set(b) == KEYS
        assert 0 <= b["median_us"] <= b["p90_us"] <= b["p99_us"] <= b["max_us"]
        edges, counts = b["histogram"]["edges_us"], b["histogram"]["counts"]
        assert len(edges) == len(counts) + 1 and sum(counts) == 50
        np.testing.assert_allclose(np.diff(np.log(edges)), np.log(edges[1] / edges[0]), rtol=1e-6)
    assert "inference_mode" in result["backends"]["torch"]["flags"]
    orjson.dumps(result)


@pytest.mark.slow
def test_a_slow_network_reads_as_slow_and_over_budget(contract, frames):
    result = measure_latency(Slow(), contract, tiny_onnx(contract), None, frames, None, calls=20, warmup=1)
    torch_ = result["backends"]["torch"]
    assert all(torch_[key] >= 2000 for key in STATISTICS)
    assert torch_["within_budget"] is False
    assert result["not_measured"] == {"rtneural": "this network is in no RTNeural file"}


@pytest.mark.slow
def test_without_a_network_only_the_files_are_timed(contract, frames):
    result = measure_latency(None, contract, tiny_onnx(contract), None, frames, None, calls=5, warmup=0)
    assert set(result["backends"]) == {"onnxruntime", "onnxruntime_iobinding"}
    assert "torch" in result["not_measured"]


def test_every_backend_really_computes_each_frame(contract, frames):
    """Bound buffers must follow the frame; a backend that repeats its first answer would look fast."""
    network = nn.Linear(6, 4, bias=False)
    nn.init.ones_(network.weight)
    for backend in (torch_backend(network), *onnx_backends(tiny_onnx(contract), contract)):
        call = backend.start()
        for frame in frames:
            expected = np.full((1, 4), frame.sum(), np.float32)
            np.testing.assert_allclose(call(frame[None]), expected, rtol=1e-4, atol=1e-5)


def test_frames_are_fed_in_turn_and_the_first_call_is_apart(frames):
    fed = []

    def call(frame: np.ndarray) -> np.ndarray:
        fed.append(frame.copy())
        assert not gc.isenabled()
        if len(fed) == 1:
            time.sleep(0.02)
        return frame

    times, first = time_calls(call, frames, calls=15, warmup=2)
    assert gc.isenabled()
    assert first >= 20_000_000 and times.shape == (15,)
    expected = [0, 0, 1, *(i % 7 for i in range(15))]
    assert all(np.array_equal(got, frames[i : i + 1]) for got, i in zip(fed, expected, strict=True))


def test_outliers_are_kept():
    result = summary(np.array([1000] * 999 + [9_000_000]), 5000, budget_ms=1.0)
    assert (result["median_us"], result["max_us"], result["first_us"]) == (1.0, 9000.0, 5.0)
    assert sum(result["histogram"]["counts"]) == 1000 and result["histogram"]["counts"][-1] == 1
    assert result["within_budget"] is True
    assert summary(np.array([1000] * 900 + [9_000_000] * 100), 0, 1.0)["within_budget"] is False


@pytest.mark.parametrize("times", [[0], [0, 0, 0], [7], [0, 5_000_000]])
def test_a_coarse_clock(times):
    result = summary(np.array(times), 0, budget_ms=1.0)
    assert sum(result["histogram"]["counts"]) == len(times)
    assert np.isfinite(result["histogram"]["edges_us"]).all()


@pytest.mark.slow
def test_settings_are_put_back_also_after_a_failure(contract, frames):
    def settings():
        return torch.get_num_threads(), gc.isenabled(), getattr(os, "sched_getaffinity", lambda _: None)(0)

    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            assert torch.get_num_threads() == 1
            raise RuntimeError("broken on purpose")

    before = settings()
    measure_latency(nn.Linear(6, 4), contract, tiny_onnx(contract), None, frames, None, calls=3, warmup=0)
    assert settings() == before
    with pytest.raises(RuntimeError, match="on purpose"):
        measure_latency(Broken(), contract, tiny_onnx(contract), None, frames, None, calls=3, warmup=0)
    assert settings() == before


@pytest.mark.slow
def test_the_network_itself_is_left_alone(contract, frames):
    network = nn.Linear(6, 4).double().train()
    measure_latency(network, contract, tiny_onnx(contract), None, frames, None, calls=3, warmup=0)
    assert network.training and network.weight.dtype == torch.float64


def test_wrong_frames_are_refused(contract, frames):
    for wrong, calls in ((frames[:, :5], 3), (frames[:0], 3), (frames[0], 3), (frames, 0)):
        with pytest.raises(ValueError, match=r"frames \[K, 6\]"):
            measure_latency(None, contract, tiny_onnx(contract), None, wrong, None, calls=calls)


@pytest.mark.slow
@pytest.mark.parametrize(("build", "name"), [("eigen", "rtneural"), ("stl", "rtneural_stl")])
def test_rtneural_times_itself(contract, frames, tmp_path: Path, build, name):
    """A stand-in for the runner: it answers as the protocol of docs/rtneural_runner.md says."""
    program = tmp_path / "runner"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, sys\n"
        "model, frames, outputs, timings = sys.argv[1:5]\n"
        "n_in, n_out, count, warmup, reset = map(int, sys.argv[5:])\n"
        "assert (n_in, warmup, reset) == (6, 4, 0), sys.argv\n"
        "open(outputs, 'wb').write(bytes(4 * n_out * count))\n"
        f"told = {{'version': '1fb1f07', 'backend': '{build}', 'flags': '-O3 -march=native'}}\n"
        "json.dump({**told, 'first_ns': 41000, 'ns': [9000] * count}, open(timings, 'w'))\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    dense = {"type": "dense", "activation": "", "shape": [None, None, 4], "weights": [[[0.0] * 4] * 6, [0.0] * 4]}
    model = orjson.dumps({"in_shape": [None, None, 6], "layers": [dense]})
    result = measure_latency(None, contract, tiny_onnx(contract), model, frames, program, calls=20, warmup=4)
    measured = result["backends"][name]
    assert (measured["median_us"], measured["first_us"], measured["version"]) == (9.0, 41.0, "1fb1f07")
    assert measured["flags"] == f"{build}, -O3 -march=native, in the C++ runner"
    assert measured["memory_floor"]["weight_bytes"] == 4 * (6 * 4 + 4)
    assert measured["deadlines"][0]["p99_share"] == pytest.approx(9 / (64 / 44100 * 1e6))
    assert ("rtneural" in result["not_measured"]) == (build == "stl")
