"""Latency of single calls: batch 1, one thread, one core; the first call and the outliers are kept."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from torch import nn

from kmidi_lab.contracts import Contract

Step = Callable[[np.ndarray], object]
_BINS = 60


def measure_latency(
    network: nn.Module | None,
    contract: Contract,
    onnx: bytes,
    rtneural: bytes | None,
    frames: np.ndarray,
    runner: Path | None,
    calls: int = 5000,
    warmup: int = 200,
) -> dict[str, Any]:
    """The `latency` object of run.json, in microseconds.

    `frames` `[K, N]` are fed in turn. Each backend starts fresh: its first call is timed apart, then `warmup`
    calls go untimed, then `calls` are timed one by one with the garbage collector off.
    """
    backends: dict[str, Any] = {}
    missing: dict[str, str] = {}
    with _one_core() as core:
        if network is not None:
            backends["torch"] = time_calls(_torch_step(network), frames, calls, warmup, contract.budget_ms) | {
                "version": torch.__version__, "flags": "eager, inference_mode, 1 thread",
            }  # fmt: skip
        else:
            missing["torch"] = "the folder holds no PyTorch network"
        flags = {"version": ort.__version__, "flags": "CPU provider, intra_op = inter_op = 1 thread, Python"}
        backends["onnxruntime"] = time_calls(_ort_step(onnx), frames, calls, warmup, contract.budget_ms) | flags
        binding = _ort_binding_step(onnx, contract)
        backends["onnxruntime_iobinding"] = time_calls(binding, frames, calls, warmup, contract.budget_ms) | flags
        if rtneural is None:
            missing["rtneural"] = "no RTNeural file for this network"
        elif runner is None:
            missing["rtneural"] = "RTNEURAL_RUNNER is not set"
        else:
            backends["rtneural"] = _rtneural(runner, rtneural, frames, calls, warmup, contract.budget_ms)
    return {
        "budget_ms": contract.budget_ms,
        "frames": calls,
        "threads": 1,
        "pinned_core": core,
        "backends": backends,
        "not_measured": missing,
    }


def time_calls(step: Step, frames: np.ndarray, calls: int, warmup: int, budget_ms: float) -> dict[str, Any]:
    """Times `step` on one frame `[1, N]` a call."""
    rows = [np.ascontiguousarray(frames[i : i + 1], np.float32) for i in range(len(frames))]
    times = np.empty(calls, np.int64)
    began = time.perf_counter_ns()
    step(rows[0])
    first = time.perf_counter_ns() - began
    for i in range(warmup):
        step(rows[i % len(rows)])
    enabled = gc.isenabled()
    gc.disable()
    try:
        for i in range(calls):
            row = rows[i % len(rows)]
            began = time.perf_counter_ns()
            step(row)
            times[i] = time.perf_counter_ns() - began
    finally:
        if enabled:
            gc.enable()
    return summary(times, first, budget_ms)


def summary(times_ns: np.ndarray, first_ns: float, budget_ms: float) -> dict[str, Any]:
    """Order statistics and a log-spaced histogram of call times; every call counts."""
    us = np.asarray(times_ns, np.float64) / 1000
    edges = np.geomspace(max(us.min(), 0.01) * 0.999, us.max() * 1.001, _BINS + 1)
    p99 = float(np.percentile(us, 99))
    return {
        "first_us": first_ns / 1000,
        "median_us": float(np.median(us)),
        "p90_us": float(np.percentile(us, 90)),
        "p99_us": p99,
        "max_us": float(us.max()),
        "mean_us": float(us.mean()),
        "within_budget": bool(p99 <= budget_ms * 1000),
        "histogram": {"edges_us": edges.tolist(), "counts": np.histogram(us, edges)[0].tolist()},
    }


def _torch_step(network: nn.Module) -> Step:
    network = network.cpu().eval()

    def step(row: np.ndarray) -> object:
        with torch.inference_mode():
            return network(torch.from_numpy(row))

    return step


def _session(onnx: bytes) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def _ort_step(onnx: bytes) -> Step:
    session = _session(onnx)
    return lambda row: session.run(["output"], {"input": row})


def _ort_binding_step(onnx: bytes, contract: Contract) -> Step:
    session = _session(onnx)
    given = np.zeros((1, contract.input_size), np.float32)
    binding = session.io_binding()
    value = ort.OrtValue.ortvalue_from_numpy(given)
    result = ort.OrtValue.ortvalue_from_numpy(np.zeros((1, contract.output_size), np.float32))
    binding.bind_ortvalue_input("input", value)
    binding.bind_ortvalue_output("output", result)

    def step(row: np.ndarray) -> object:
        value.update_inplace(row)
        session.run_with_iobinding(binding)
        return None

    return step


def _rtneural(runner: Path, data: bytes, frames: np.ndarray, calls: int, warmup: int, budget_ms: float) -> dict[str, Any]:
    from kmidi_lab.export.rtneural_runner import run_rtneural

    fed = np.resize(frames.astype(np.float32), (calls, frames.shape[1]))
    result = run_rtneural(runner, data, fed, reset_each=False, warmup=warmup)
    return summary(np.array(result.ns), result.first_ns, budget_ms) | {
        "version": result.version,
        "flags": f"{result.backend}, {result.flags}",
    }


@contextmanager
def _one_core() -> Iterator[int | None]:
    """One torch thread on one core where the system lets a process choose; both put back afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    core = max(allowed) if allowed else None
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        yield core
    finally:
        torch.set_num_threads(threads)
        if allowed:
            os.sched_setaffinity(0, allowed)
