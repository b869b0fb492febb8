"""The C++ runtime itself, in the program that `KMIDI_RUNNER` names, on a model's golden vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson

from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import ExportError
from kmidi_lab.export.cpp.emit import runtime_file
from kmidi_lab.export.proof.golden import Worst
from kmidi_lab.export.rtneural.runner import run_program


def check_runtime(runner: Path, rtneural: bytes, golden: bytes, contract: Contract, tolerance: float) -> float:
    """The largest error over both parts of the golden file, measured as `Worst` says.

    Args:
        runner: built from `runner/kmidi_runner.cpp`.
        rtneural: the bytes of `<id>.json`.
        golden: the bytes of `golden/<id>.json`.
        contract: gives N, M and the slices.
        tolerance: the largest error that passes.

    Raises:
        ExportError: the error is larger, or the runner fails.
    """
    _, content = runtime_file(rtneural, contract.id, "kmw")
    vectors, sizes, errors = orjson.loads(golden), (contract.input_size, contract.output_size), []
    for part, each in (("sequence", False), ("typical", True)):
        inputs, outputs = (np.array(vectors[part][key], np.float32) for key in ("inputs", "outputs"))
        answers = run_program(runner, content, sizes, inputs, each, warmup=0).outputs
        errors.append(Worst(answers, outputs, contract.outputs).error)
    if not max(errors) <= tolerance:
        raise ExportError(
            f"{contract.id}: the C++ runtime is off by {max(errors):.3g} on the golden vectors; tolerance {tolerance:g}; "
            "build KMIDI_RUNNER again from this version's runner/ folder"
        )
    return max(errors)
