"""What a file answers to many random calls, in a few numbers: for a file that no other is the twin of.

Two files of one network are compared with each other on random inputs. The RTNeural file of a student holds another
network than the ONNX file, so the golden file of each keeps one number a call, made of all outputs of that call: any
weight that matters to the outputs changes some of them, also one that the golden vectors never touch.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.contract_types import Contract
from kmidi_lab.export.proof.golden import Model, called, checksum
from kmidi_lab.export.proof.probes import varied_inputs

Array = NDArray[np.float32]
CALLS = 512
SEED = 1
_SMALLEST = 1e-9
"""Of a probability; below it float32 computes with too few digits to compare."""


def answers(model: Model, contract: Contract) -> dict[str, Any]:
    """The part `random` of a golden file: how the calls are drawn, their checksum, and a number for each."""
    calls = varied_inputs(contract.inputs, CALLS, SEED)
    return {
        "seed": SEED,
        "input_checksum": checksum(calls),
        "answers": condensed(called(model, calls), contract.output_kind == "probabilities"),
    }


def condensed(outputs: Array, probabilities: bool) -> Array:
    """`[T, M]` to `[T]`: the sum of all outputs, of probabilities their logarithms, with signs of their own, by sqrt(M).

    The sign of output i is minus where the first byte of SHA-256 over i in decimal digits is odd. Logarithms, as an
    output that is nearly 0 hides an error from every absolute tolerance.
    """
    wide = outputs.astype(np.float64)
    if probabilities:
        wide = np.log(np.maximum(wide, _SMALLEST))
    return ((wide * _signs(wide.shape[1])).sum(1) / np.sqrt(wide.shape[1])).astype(np.float32)


def _signs(count: int) -> NDArray[np.float64]:
    odd = [hashlib.sha256(str(i).encode()).digest()[0] % 2 for i in range(count)]
    return 1.0 - 2.0 * np.array(odd)
