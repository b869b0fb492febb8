"""The proof that an artefact computes what the trained network computes.

Error of one call: the largest absolute difference, divided by the largest output of that call where that is above 1.
So it is absolute for probabilities and other values within ±1, and relative where float32 itself has no more digits.
"""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import nn

from kmidi_lab.contracts import Contract
from kmidi_lab.errors import ExportError
from kmidi_lab.export.onnx_runtime import INPUT, OUTPUT
from kmidi_lab.export.parity_layers import first_deviation, onnx_layers, torch_layers
from kmidi_lab.export.rtneural_reader import RTNeuralModel
from kmidi_lab.export.rtneural_runner import run_rtneural

Array = NDArray[np.float32]
LARGE = 20.0
"""Beyond what any contract input holds; the log-mel floor, ln 1e-6 = -13.8, is the farthest from 0."""


def edge_cases(size: int) -> Array:
    """`[6, size]`: zeros, ones, minus ones, all large, all large and negative, large with alternating sign."""
    alternating = np.where(np.arange(size) % 2, -LARGE, LARGE)
    rows = [np.full(size, value) for value in (0.0, 1.0, -1.0, LARGE, -LARGE)]
    return np.stack([*rows, alternating]).astype(np.float32)


def check_parity(
    network: nn.Module,
    contract: Contract,
    onnx: bytes,
    rtneural: bytes | None,
    probes: np.ndarray,
    tolerance: float = 1e-4,
    runner: Path | None = None,
) -> dict[str, float | int | None]:
    """Runs every artefact on the edge cases and the probes, one call at a time, against torch float32 on the CPU.

    Args:
        network: what was exported; a copy is used. onnx, rtneural: the artefacts' bytes; `rtneural` None when the
            network has no RTNeural form. probes: `[T, N]` finite inputs. tolerance: the largest error that passes.
        runner: the real RTNeural (docs/rtneural_runner.md), None to leave it out.

    Returns:
        `onnx`, `rtneural_reader`, `rtneural`: the largest error over all calls, None where not run; `tolerance`;
        `calls`: how many calls were compared.

    Raises:
        ExportError: an artefact is beyond the tolerance or gives NaN; says which, how far, and its first wrong layer.
        RTNeuralFormatError: our own reader refuses the RTNeural file.
    """
    if contract.streaming:
        raise ExportError(f"{contract.id}: parity of models with state between calls is not written yet")
    if probes.ndim != 2 or probes.shape[1] != contract.input_size or not np.isfinite(probes).all():
        raise ValueError(f"probes must be finite [T, {contract.input_size}], not {list(probes.shape)}")
    calls = np.concatenate([edge_cases(contract.input_size), probes.astype(np.float32)])
    reference = copy.deepcopy(network).to("cpu", torch.float32).eval()
    expected = _run_torch(reference, calls)
    if not np.isfinite(expected).all():
        call = int(np.argwhere(~np.isfinite(expected))[0][0])
        raise ExportError(f"{contract.id}: the torch network itself gives NaN or infinity ({_call_name(call)})")

    outputs = _run_onnx(onnx, calls, contract.id)
    worst = _Worst(outputs, expected)
    if worst.beyond(tolerance):
        frame = calls[worst.call]
        layer = first_deviation(torch_layers(reference, frame), onnx_layers(onnx, frame), tolerance)
        raise ExportError(worst.message("ONNX", contract, tolerance, f"first wrong layer: {layer}"))
    report: dict[str, float | int | None] = {"onnx": worst.error, "rtneural_reader": None, "rtneural": None}

    if rtneural is not None:
        model = RTNeuralModel.from_bytes(rtneural)
        worst = _Worst(np.stack([model(frame) for frame in calls]), expected)
        if worst.beyond(tolerance):
            frame = calls[worst.call]
            layer = first_deviation(torch_layers(reference, frame), model.trace(frame), tolerance)
            raise ExportError(worst.message("RTNeural (reader)", contract, tolerance, f"first wrong layer: {layer}"))
        report["rtneural_reader"] = worst.error
    if rtneural is not None and runner is not None:
        errors = []
        for reset_each in (False, True):
            worst = _Worst(run_rtneural(runner, rtneural, calls, reset_each, warmup=0).outputs, expected)
            if worst.beyond(tolerance):
                advice = "the numpy reader agrees with torch on every call, so suspect the runner's RTNeural build"
                raise ExportError(worst.message("RTNeural (runner)", contract, tolerance, advice))
            errors.append(worst.error)
        report["rtneural"] = max(errors)
    return {**report, "tolerance": tolerance, "calls": len(calls)}


class _Worst:
    """The call where two runs, `[T, M]` each, differ most; NaN and infinity count as infinitely far."""

    def __init__(self, got: Array, expected: Array) -> None:
        if got.shape != expected.shape:
            raise ExportError(f"an artefact gives outputs {list(got.shape)}, torch gives {list(expected.shape)}")
        # float64, so that the difference of two huge outputs does not overflow.
        wide = expected.astype(np.float64)
        difference = np.abs(got - wide) / np.maximum(1.0, np.abs(wide).max(axis=1, keepdims=True))
        difference[~np.isfinite(difference)] = np.inf
        self.call, self.output = (int(i) for i in np.unravel_index(difference.argmax(), difference.shape))
        self.error = float(difference[self.call, self.output])

    def beyond(self, tolerance: float) -> bool:
        return self.error > tolerance

    def message(self, artefact: str, contract: Contract, tolerance: float, advice: str) -> str:
        name = next(s.name for s in contract.outputs if s.start <= self.output < s.stop)
        amount = f"is off by {self.error:.3g}" if np.isfinite(self.error) else "gives NaN or infinity"
        place = f"output {self.output} ({name}), {_call_name(self.call)}"
        return f"{contract.id}: {artefact} {amount} at {place}; tolerance {tolerance:g}; {advice}"


def _call_name(call: int) -> str:
    count = len(edge_cases(1))
    return f"edge case {call}" if call < count else f"probe {call - count}"


def _run_torch(network: nn.Module, calls: Array) -> Array:
    with torch.inference_mode():
        return np.concatenate([network(torch.from_numpy(frame[None])).numpy() for frame in calls])


def _run_onnx(data: bytes, calls: Array, model_id: str) -> Array:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        return np.concatenate([session.run([OUTPUT], {INPUT: frame[None]})[0] for frame in calls])
    except Exception as error:
        # ONNX Runtime's exceptions share no public base class.
        raise ExportError(f"{model_id}: ONNX Runtime refuses the file: {str(error).splitlines()[0]}") from error
