"""Runs a model's files: finite outputs, its golden vectors, the files against each other, and the real RTNeural.

Errors are measured as `worst` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.contract_types import Contract, Slice
from kmidi_lab.export.proof.golden import Model, Worst, called, edge_cases
from kmidi_lab.export.proof.probes import gate_inputs, varied_inputs
from kmidi_lab.export.proof.random_calls import CALLS, SEED
from kmidi_lab.export.rtneural.runner import run_rtneural
from kmidi_lab.verify.findings import AGAIN, Checks
from kmidi_lab.verify.golden import Golden

Array = NDArray[np.float32]
TOLERANCE = 1e-4
_SEEDED = 64
_PLANS = {False: "called in a row", True: "reset before each call"}


@dataclass(frozen=True)
class RunnableFile:
    """A file that can be run: its name for messages, the model, its golden vectors and output slices where known.

    `allowed`: the contract that says which inputs there are, where the file takes as many.
    """

    name: str
    model: Model
    input_size: int
    golden: Golden | None
    slices: tuple[Slice, ...] = ()
    allowed: Contract | None = None

    @cached_property
    def gates(self) -> Array:
        """`[T, N]` that the contract allows, zeros first; any small and large values where there is none."""
        return edge_cases(self.input_size) if self.allowed is None else gate_inputs(self.allowed)


def check_runs(checks: Checks, file: RunnableFile, contract: Contract | None) -> None:
    """One file by itself: finite on gate inputs and its golden inputs, its state, and its golden outputs."""
    with checks.guarded("run", file.name, AGAIN):
        calls = _calls(file)
        for each, plan in _PLANS.items():
            outputs = called(file.model, calls, each)
            wrong = np.argwhere(~np.isfinite(outputs))
            where = f"output {wrong[0][1]} on {_call_name(file, wrong[0][0])}, {plan}" if len(wrong) else ""
            checks.expect("finite", not where, f"{file.name}: gives NaN or infinity at {where}; {AGAIN}")
        if contract is not None and not contract.streaming:
            worst = Worst(called(file.model, calls, False), called(file.model, calls, True), file.slices)
            checks.expect(
                "state",
                worst.error <= TOLERANCE,
                f"{file.name}: {_call_name(file, worst.call)} gives another answer after other calls, and the contract says "
                f"that {contract.id} has no state; {AGAIN}",
            )
    if file.golden is not None:
        for (inputs, outputs), each in ((file.golden.sequence, False), (file.golden.typical, True)):
            with checks.guarded("golden", f"{file.name} on its golden vectors", AGAIN):
                worst = Worst(called(file.model, inputs, each), outputs, file.slices)
                what, place = f"{file.name} against its golden vectors {_PLANS[each]}", f"golden call {worst.call}"
                _expect_close(checks, "golden", worst, what, place)


def check_agreement(checks: Checks, first: RunnableFile, second: RunnableFile) -> None:
    """Two files of one network on the same calls, in a row and each from a reset, and on many random ones in a row."""
    with checks.guarded("agreement", f"{first.name} against {second.name}", AGAIN):
        if first.input_size != second.input_size:
            checks.fault(
                "agreement",
                f"{first.name} takes {first.input_size} values and {second.name} {second.input_size}; {AGAIN}",
            )
            return
        calls = _calls(first)
        for each, plan in _PLANS.items():
            worst = Worst(called(first.model, calls, each), called(second.model, calls, each), first.slices)
            place = _call_name(first, worst.call)
            _expect_close(checks, "agreement", worst, f"{first.name} against {second.name} {plan}", place)
        if first.allowed is not None:
            random = varied_inputs(first.allowed.inputs, CALLS, SEED)
            worst = Worst(called(first.model, random), called(second.model, random), first.slices)
            what = f"{first.name} against {second.name} on random inputs {_PLANS[False]}"
            _expect_close(checks, "agreement", worst, what, f"random input {worst.call}")


def check_real_rtneural(checks: Checks, runner: Path, file: RunnableFile, data: bytes) -> None:
    """The real RTNeural on the golden vectors, without them on the calls and outputs of our reader."""
    if file.golden is not None:
        parts = [(*file.golden.sequence, False), (*file.golden.typical, True)]
    else:
        calls = _calls(file)
        parts = [(calls, called(file.model, calls, each), each) for each in _PLANS]
    for inputs, expected, each in parts:
        with checks.guarded("real RTNeural", file.name, "see docs/rtneural_runner.md"):
            outputs = run_rtneural(runner, data, inputs, each, warmup=0).outputs
            worst = Worst(outputs, expected, file.slices)
            what, place = f"{file.name} in the real RTNeural {_PLANS[each]}", f"call {worst.call}"
            _expect_close(checks, "real RTNeural", worst, what, place)


def _calls(file: RunnableFile) -> Array:
    """The gate inputs, zeros first, then the golden inputs or, without them and a contract, seeded normal ones."""
    if file.golden is not None and file.golden.inputs.shape[1] == file.input_size:
        typical = file.golden.inputs
    elif file.allowed is not None:
        return file.gates
    else:
        typical = np.random.default_rng(0).normal(size=(_SEEDED, file.input_size)).astype(np.float32)
    return np.concatenate([file.gates, typical])


def _call_name(file: RunnableFile, call: int) -> str:
    count = len(file.gates)
    return f"gate input {call}" if call < count else f"input {call - count}"


def _expect_close(checks: Checks, check: str, worst: Worst, what: str, place: str) -> None:
    amount = f"off by {worst.error:.3g}" if np.isfinite(worst.error) else "NaN or infinity"
    checks.expect(
        check,
        worst.error <= TOLERANCE,
        f"{what}: {amount} at {place}, output {worst.output}; tolerance {TOLERANCE:g}; {AGAIN}",
    )
