"""The proof that an artefact computes what the trained network computes.

Errors are measured slice by slice of the contract, as `worst` says.

A streaming model is called in a row from one reset, in pieces of 1, 3 and 9 calls with a reset between them, and with
a reset before every call, as one of KmiDi's readers does; what it must give is the network run over each piece at once,
long ones in blocks of 512.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import ExportError, RegistryError
from kmidi_lab.export.onnx.runtime import OnnxModel
from kmidi_lab.export.proof.golden import Model, Worst
from kmidi_lab.export.proof.layers import Trace, first_deviation, onnx_layers, torch_layers
from kmidi_lab.export.proof.probes import gate_inputs
from kmidi_lab.export.rtneural.reader import RTNeuralModel
from kmidi_lab.export.rtneural.runner import run_rtneural
from kmidi_lab.nn.streaming import TorchModel

Array = NDArray[np.float32]
_PIECES = (1, 3, 9)
_CUTS = (*_PIECES, 81)
"""Calls in the pieces that a network is compared with itself in, one piece after the other."""
_WHOLE = 2048
"""Calls that a network is also given at once, as training and scores do: four blocks of the others."""
_FEW = 512
"""Calls of the plans that reset often: each of their pieces is a fresh start, so more would tell nothing new."""


@dataclass(frozen=True)
class _Plan:
    """Calls from the first on, cut into pieces; the state is reset before each."""

    name: str
    pieces: list[slice]

    @property
    def calls(self) -> int:
        return self.pieces[-1].stop

    def piece_of(self, call: int) -> slice:
        return next(p for p in self.pieces if p.stop > call)


def check_parity(
    network: nn.Module,
    contract: Contract,
    onnx: bytes,
    rtneural: bytes | None,
    probes: np.ndarray,
    tolerance: float = 1e-4,
    runner: Path | None = None,
    student: nn.Module | None = None,
) -> dict[str, float | int | None]:
    """Runs every artefact on the contract's gate inputs and the probes, call by call, against torch float32 on the CPU.

    Args:
        network: what was exported; a copy is used.
        contract: gives N, M, what the inputs may hold (`gate_inputs`) and whether the model streams.
        onnx: the bytes of the ONNX file.
        rtneural: the bytes of the RTNeural file; None when the network has no RTNeural form.
        probes: `[T, N]` finite inputs, consecutive calls where the model streams.
        tolerance: the largest error that passes.
        runner: the real RTNeural (docs/rtneural_runner.md), None to leave it out.
        student: the network in the RTNeural file where that is another one.

    Returns:
        `onnx`, `rtneural_reader`, `rtneural`: the largest error over all calls, None where not run; `chunking`: of the
        networks against themselves in pieces, None without state; `tolerance`; `calls`: how many calls were compared.

    Raises:
        ExportError: an artefact is beyond the tolerance or gives NaN; says which, how far, and its first wrong layer.
        RTNeuralFormatError: our own reader refuses the RTNeural file.
    """
    if probes.ndim != 2 or probes.shape[1] != contract.input_size or not np.isfinite(probes).all():
        raise ValueError(f"probes must be finite [T, {contract.input_size}], not {list(probes.shape)}")
    calls = np.concatenate([gate_inputs(contract), probes.astype(np.float32)])
    plans = _plans(len(calls), contract.streaming)
    proof = _Proof(network, contract, calls, plans, tolerance)
    try:
        model = OnnxModel(onnx, f"{contract.id}.onnx")
    except RegistryError as error:
        raise ExportError(str(error)) from error
    report: dict[str, float | int | None] = {
        "onnx": proof.compare("ONNX", model, lambda frame: onnx_layers(onnx, model, frame)),
        "rtneural_reader": None,
        "rtneural": None,
        "chunking": proof.chunking() if contract.streaming else None,
    }
    if rtneural is not None:
        if student is not None:
            proof = _Proof(student, contract, calls, plans, tolerance)
            report["chunking"] = max(proof.chunking(), report["chunking"] or 0.0)
        reader = RTNeuralModel.from_bytes(rtneural)
        report["rtneural_reader"] = proof.compare("RTNeural (reader)", reader, reader.trace)
        if runner is not None:
            report["rtneural"] = proof.compare_runner(runner, rtneural)
    return {**report, "tolerance": tolerance, "calls": sum(plan.calls for plan in plans)}


def _plans(calls: int, streaming: bool) -> list[_Plan]:
    whole = _Plan("in a row", [slice(0, calls)])
    if not streaming:
        return [whole]
    few = min(calls, _FEW)
    pieces: list[slice] = []
    while not pieces or pieces[-1].stop < few:
        start = pieces[-1].stop if pieces else 0
        pieces.append(slice(start, min(few, start + _PIECES[len(pieces) % len(_PIECES)])))
    singles = [slice(i, i + 1) for i in range(few)]
    return [whole, _Plan(f"in pieces of {', '.join(map(str, _PIECES))}", pieces), _Plan("reset each call", singles)]


class _Proof:
    """One network on the calls of every plan, and what an artefact must give."""

    def __init__(
        self, network: nn.Module, contract: Contract, calls: Array, plans: list[_Plan], tolerance: float
    ) -> None:
        self.contract, self.calls, self.plans, self.tolerance = contract, calls, plans, tolerance
        self.torch = TorchModel(network)
        self.expected = [self._expected(plan) for plan in plans]
        for expected in self.expected:
            if not np.isfinite(expected).all():
                call = int(np.argwhere(~np.isfinite(expected))[0][0])
                raise ExportError(f"{contract.id}: the torch network itself gives NaN or infinity ({self.name(call)})")

    def name(self, call: int) -> str:
        """Of a call, for messages."""
        count = len(gate_inputs(self.contract))
        return f"gate input {call}" if call < count else f"probe {call - count}"

    def _worst(self, actual: Array, expected: Array) -> Worst:
        return Worst(actual, expected, self.contract.outputs)

    def _expected(self, plan: _Plan) -> Array:
        outputs = np.empty((plan.calls, self.contract.output_size), np.float32)
        for length in {p.stop - p.start for p in plan.pieces}:
            starts = [p.start for p in plan.pieces if p.stop - p.start == length]
            at = np.add.outer(starts, np.arange(length))
            outputs[at] = self.torch.fresh(self.calls[at])
        return outputs

    def chunking(self) -> float:
        """The network against itself, the calls cut into pieces with the state carried on."""
        self.torch.reset()
        cuts = np.cumsum(np.resize(_CUTS, len(self.calls)))
        pieces = np.split(self.calls, cuts[cuts < len(self.calls)])
        cut = np.concatenate([self.torch.run(piece) for piece in pieces])
        whole = self.torch.fresh(self.calls[None, :_WHOLE], _WHOLE)[0]
        errors = []
        for outputs in (cut, whole):
            worst = self._worst(outputs, self.expected[0][: len(outputs)])
            if not worst.error <= self.tolerance:
                raise ExportError(
                    f"{self.contract.id}: the network is off by {worst.error:.3g} from itself at {self.name(worst.call)} "
                    f"when the calls are cut into pieces (gate {self.tolerance:g}); its state does not hold all of its past"
                )
            errors.append(worst.error)
        return max(errors)

    def compare(self, artefact: str, model: Model, trace: Callable[[Array], Trace]) -> float:
        """The largest error of an artefact over all plans. Raises ExportError beyond the tolerance."""
        errors = []
        for plan, expected in zip(self.plans, self.expected, strict=True):
            worst = self._worst(np.stack(list(_replay(model, self.calls, plan.pieces))), expected)
            if not worst.error <= self.tolerance:
                piece, frame = plan.piece_of(worst.call), self.calls[worst.call]
                before = [slice(piece.start, worst.call)]
                for one in (self.torch, model):
                    one.reset()
                    list(_replay(one, self.calls, before))
                layer = first_deviation(torch_layers(self.torch, frame), trace(frame), self.tolerance)
                raise self._failed(artefact, worst, plan, f"first wrong layer: {layer}")
            errors.append(worst.error)
        return max(errors)

    def compare_runner(self, runner: Path, rtneural: bytes) -> float:
        """The same of the real RTNeural, which knows to reset once or before every call."""
        errors = []
        for plan, expected in zip(self.plans, self.expected, strict=True):
            each = len(plan.pieces) == plan.calls
            if each or len(plan.pieces) == 1:
                outputs = run_rtneural(runner, rtneural, self.calls[: plan.calls], each, warmup=0).outputs
                worst = self._worst(outputs, expected)
                if not worst.error <= self.tolerance:
                    advice = "the numpy reader agrees with torch on every call, so suspect the runner's RTNeural build"
                    raise self._failed("RTNeural (runner)", worst, plan, advice)
                errors.append(worst.error)
        return max(errors)

    def _failed(self, artefact: str, worst: Worst, plan: _Plan, advice: str) -> ExportError:
        name = next(s.name for s in self.contract.outputs if s.start <= worst.output < s.stop)
        amount = f"is off by {worst.error:.3g}" if np.isfinite(worst.error) else "gives NaN or infinity"
        place = f"output {worst.output} ({name}), {self.name(worst.call)}"
        how = f", called {plan.name}" if self.contract.streaming else ""
        return ExportError(
            f"{self.contract.id}: {artefact} {amount} at {place}{how}; tolerance {self.tolerance:g}; {advice}"
        )


def _replay(model: Model, calls: Array, pieces: list[slice]) -> Iterator[Array]:
    for piece in pieces:
        model.reset()
        for frame in calls[piece]:
            yield np.array(model(frame), np.float32)
