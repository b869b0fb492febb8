"""The files beside a model: the head that decodes its output, and the C++ header that goes with its RTNeural file."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import show
from kmidi_lab.export.cpp.emit import runtime_file
from kmidi_lab.export.rtneural.cpp_header import cpp_header
from kmidi_lab.inference.outliers import read_outliers
from kmidi_lab.verify.findings import AGAIN, Checks

ALL_OUTPUTS = "output"
_NAMED = {"labels": "weight", "intensities": "intensity_weight", "sub_emotions": "sub_weight", "arcs": "arc_weight"}
"""Lists of names in head files, and the matrix that has a row for each."""
_MIXTURES = ("memory_weight", "repeat_weight")
"""Matrices whose rows are shares of a whole."""
_LISTS = (*_NAMED, "types", "lengths", "degrees", "qualities")


def check_head(checks: Checks, name: str, data: bytes, contract: Contract | None) -> None:
    """A JSON object; where the contract wants a head, one that can be multiplied with the outputs it names."""
    with checks.guarded("head", name, AGAIN):
        head = orjson.loads(data)
        if not isinstance(head, dict):
            raise ValueError("not a JSON object")
        checks.expect("head", True, "")
        if contract is not None:
            read_outliers(head, contract.output_size)
            if contract.head:
                _check_map(checks, name, head, contract)


def check_header(checks: Checks, name: str, data: bytes, rtneural: bytes | None, contract: Contract) -> None:
    """The very bytes that the generator makes of the RTNeural file, or of none, now or before it had `readEmotion`."""
    with checks.guarded("header", name, AGAIN):
        same = data in [cpp_header(rtneural, contract, readers).encode() for readers in (True, False)]
        checks.expect(
            "header",
            same,
            f"{name}: not the header of {'a model without' if rtneural is None else 'this'} RTNeural file and contract {contract.version}, so a program built with it "
            f"misreads the model; {AGAIN}",
        )


def check_runtime_file(checks: Checks, name: str, data: bytes, rtneural: bytes, model_id: str) -> None:
    """The very bytes that the RTNeural file gives for the C++ runtime."""
    with checks.guarded("runtime", name, AGAIN):
        form = "header" if name.endswith(".h") else "kmw"
        same = data == runtime_file(rtneural, model_id, form)[1]
        checks.expect("runtime", same, f"{name}: not made from this RTNeural file, so it runs another model; {AGAIN}")


def _check_map(checks: Checks, name: str, head: dict[str, Any], contract: Contract) -> None:
    weight, bias = _array(head, "weight", 2), _array(head, "bias", 1)
    rows, columns = weight.shape
    checks.expect(
        "head",
        len(bias) == rows,
        f"{name}: weight has {rows} rows and bias {len(bias)} values, must be as many; {AGAIN}",
    )
    width = _width(checks, name, head.get("input"), contract)
    checks.expect(
        "head",
        columns == width,
        f"{name}: weight has {columns} columns for an input of {width} values, must be as many; {AGAIN}",
    )
    for names, matrix in _NAMED.items():
        told, held = head.get(names), head.get(matrix)
        if isinstance(told, list) and isinstance(held, list):
            fault = f"{name}: {len(told)} {names} for {len(held)} rows of {matrix}, must be as many; {AGAIN}"
            checks.expect("head", len(told) == len(held), fault)
    for matrix in _MIXTURES:
        if matrix in head:
            shares = _array(head, matrix, 2)
            whole = bool((shares >= 0).all()) and bool(np.allclose(shares.sum(axis=1), 1, atol=1e-3))
            fault = f"{name}: a row of {matrix} holds no shares of a whole, 0 or more that make 1 together; {AGAIN}"
            checks.expect("head", whole, fault)
    for names in _LISTS:
        told = head.get(names)
        twice = isinstance(told, list) and len({*map(str, told)}) < len(told)
        checks.expect("head", not twice, f"{name}: {names} names one twice; {AGAIN}")
    labels = [head[key] for key in ("degrees", "qualities") if isinstance(head.get(key), list)]
    classes = math.prod(len(part) for part in labels)
    checks.expect(
        "head", not labels or classes == rows, f"{name}: weight has {rows} rows for {classes} classes; {AGAIN}"
    )


def _array(head: dict[str, Any], key: str, dimensions: int) -> NDArray[np.float32]:
    """float32, as `inference` reads it. Raises ValueError when it is not a finite array of numbers."""
    values = np.array(head.get(key))  # ragged lists raise
    if values.dtype.kind not in "iuf" or values.ndim != dimensions or not values.size:
        raise ValueError(
            f"{key} is {show(head.get(key))}, must be {'a list' if dimensions == 1 else 'rows'} of numbers"
        )
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    if not np.isfinite(single).all():
        raise ValueError(f"{key} holds NaN or infinity")
    return single


def _width(checks: Checks, name: str, source: Any, contract: Contract) -> int:
    """How many outputs the head reads; the slice `output` is all of them.

    Raises:
        ValueError, KeyError: that is no slice of the contract.
    """
    if not isinstance(source, dict) or not isinstance(source.get("slice"), str):
        raise ValueError(f"input is {show(source)}, must name the slice of the output that is decoded")
    part = contract.output(source["slice"]) if source["slice"] != ALL_OUTPUTS else None
    own = (part.start, part.stop) if part else (0, contract.output_size)
    ends = (source.get("start"), source.get("stop"))
    checks.expect(
        "head",
        ends == own,
        f"{name}: input {source['slice']} is {show(ends)}, the contract says {own}; {AGAIN}",
    )
    return own[1] - own[0]
