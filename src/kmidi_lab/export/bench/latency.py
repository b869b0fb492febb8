"""The latency of a model in every backend that is there, beside the memory floor and the deadlines of audio blocks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kmidi_lab.contract_types import Contract
from kmidi_lab.export.bench.backends import onnx_backends, torch_backend
from kmidi_lab.export.bench.memory_floor import memory_floor, read_time_us
from kmidi_lab.export.bench.published import NO_RTNEURAL
from kmidi_lab.export.bench.timing import deadlines, one_core, summary, time_calls

if TYPE_CHECKING:
    from torch import nn


def measure_latency(
    network: nn.Module | None,
    contract: Contract,
    onnx: bytes,
    rtneural: bytes | None,
    frames: np.ndarray,
    runner: Path | None,
    calls: int = 5000,
    warmup: int = 200,
    cpp_runner: Path | None = None,
    no_rtneural: str = NO_RTNEURAL,
) -> dict[str, Any]:
    """The `latency` object of run.json: every backend that is there, and why the others are not.

    Args:
        network: `[1, N]` to `[1, M]`; a copy is timed; None where only the artefacts are there.
        contract: gives N, the budget and whether the model streams.
        onnx: the bytes of the ONNX file.
        rtneural: the bytes of the RTNeural file; None where there is none.
        frames: `[K, N]`, fed in turn.
        runner: the real RTNeural (docs/rtneural_runner.md), which times itself.
        calls: timed.
        warmup: untimed, after the first call.
        cpp_runner: the lab's own C++ runtime (docs/cpp_runtime.md), which times itself; None leaves it out.
        no_rtneural: why `rtneural` is None.

    Returns:
        `budget_ms`; `frames`, the number of timed calls; `threads`; `pinned_core`, None where the system can't pin;
        `backends`, see `summary`, `memory_floor` and `deadlines`, each with `version` and `flags`; `not_measured`, the
        reason by backend.

    Raises:
        ValueError: frames of another size, or no calls.
        ExportError: the runner fails.
        UserError: the runner is missing.
        RegistryError: the ONNX file does not load.
    """
    if frames.ndim != 2 or len(frames) == 0 or frames.shape[1] != contract.input_size or calls < 1:
        raise ValueError(
            f"needs frames [K, {contract.input_size}] and calls above 0, not {list(frames.shape)}, {calls}"
        )
    measured: dict[str, dict[str, Any]] = {}
    weights: dict[str, int] = {}
    missing: dict[str, str] = {}
    backends = onnx_backends(onnx, contract)
    if network is None:
        missing["torch"] = "no PyTorch network was given"
    else:
        backends.insert(0, torch_backend(network))
    with one_core() as core:
        for backend in backends:
            times, first = time_calls(backend.start(), frames, calls, warmup)
            result = summary(times, first, contract.budget_ms)
            measured[backend.name] = {**result, "version": backend.version, "flags": backend.flags}
            weights[backend.name] = backend.weight_bytes
        if rtneural is None:
            missing["rtneural"] = no_rtneural
        elif runner is None:
            missing["rtneural"] = "RTNEURAL_RUNNER is not set"
        else:
            name, result, size = _rtneural(runner, rtneural, frames, calls, warmup, contract)
            measured[name], weights[name] = result, size
            if name != "rtneural":
                missing["rtneural"] = (
                    "the runner is built with RTNeural's STL backend, 10 times slower; build with Eigen"
                )
        if rtneural is not None and cpp_runner is not None:
            measured["kmidi_runtime"], weights["kmidi_runtime"] = _kmidi_runtime(
                cpp_runner, rtneural, frames, calls, warmup, contract
            )
        elif cpp_runner is not None:
            missing["kmidi_runtime"] = no_rtneural
        reads = {size: read_time_us(size) for size in set(weights.values())}
    for name, b in measured.items():
        b["memory_floor"] = memory_floor(weights[name], reads[weights[name]], b["median_us"])
        b["deadlines"] = deadlines(b["p99_us"], b["max_us"])
    return {
        "budget_ms": contract.budget_ms,
        "frames": calls,
        "threads": 1,
        "pinned_core": core,
        "backends": measured,
        "not_measured": missing,
    }


def _rtneural(
    runner: Path, rtneural: bytes, frames: np.ndarray, calls: int, warmup: int, contract: Contract
) -> tuple[str, dict[str, Any], int]:
    """(name, measurement, weight bytes): an STL build has a name of its own, so that nobody quotes it as RTNeural."""
    from kmidi_lab.export.rtneural.reader import RTNeuralModel
    from kmidi_lab.export.rtneural.runner import run_rtneural

    inputs = frames[np.arange(calls) % len(frames)]
    result = run_rtneural(runner, rtneural, inputs, reset_each=False, warmup=warmup)
    state = ", state kept from call to call" if contract.streaming else ""
    flags = f"{result.backend}, {result.flags}, in the C++ runner{state}"
    measured = {**summary(result.ns, result.first_ns, contract.budget_ms), "version": result.version, "flags": flags}
    name = "rtneural_stl" if result.backend == "stl" else "rtneural"
    return name, measured, 4 * RTNeuralModel.from_bytes(rtneural).parameters


def _kmidi_runtime(
    runner: Path, rtneural: bytes, frames: np.ndarray, calls: int, warmup: int, contract: Contract
) -> tuple[dict[str, Any], int]:
    """(measurement, weight bytes): what is left of the weights without zeros and carried channels."""
    from kmidi_lab.export.cpp.emit import kmw
    from kmidi_lab.export.cpp.plan import plan_of
    from kmidi_lab.export.rtneural.runner import run_program

    plan, inputs = plan_of(rtneural), frames[np.arange(calls) % len(frames)]
    sizes = plan.input_size, plan.output_size
    result = run_program(runner, kmw(plan, rtneural), sizes, inputs, reset_each=False, warmup=warmup)
    flags = f"{result.backend}, {result.flags}, in the C++ runner"
    measured = {**summary(result.ns, result.first_ns, contract.budget_ms), "version": result.version, "flags": flags}
    return measured, 4 * plan.weights.size
