"""What an entry of this lab says of its files, against what the files hold: sizes, reach, golden vectors."""

from __future__ import annotations

import re
from typing import Any

import orjson

from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import show
from kmidi_lab.verify.entry import text
from kmidi_lab.verify.findings import AGAIN, Checks


def check_params(checks: Checks, entry: dict[str, Any], stored: int | None, onnx: bytes | None) -> None:
    """The entry's counts against its files.

    Args:
        stored: parameters in the RTNeural file.
        onnx: the ONNX file. None for a file that can't be opened.
    """
    params, estimate = entry.get("params"), entry.get("params_estimate")
    # Half of float32 leaves room for weights that the export merges.
    fits = isinstance(params, int) and params > 0 and (onnx is None or 2 * params <= len(onnx))
    size = "" if onnx is None else f"; the ONNX file has {len(onnx)} bytes"
    checks.expect("params", fits, f"params is {show(params)}, which can't be its number of weights{size}; {AGAIN}")
    # Both wordings, of a model with a student and of one without, name the trained ones first.
    numbers = [int(number) for number in re.findall(r"\d{1,15}", text(estimate) or "")]
    right = numbers == [params, stored] if stored is not None else numbers[:1] == [params]
    held = "" if stored is None else f" and the RTNeural file holds {stored}"
    checks.expect("params", right, f"params_estimate is {show(estimate)}, params is {show(params)}{held}; {AGAIN}")


def check_reach(checks: Checks, entry: dict[str, Any], reach: int | None) -> None:
    """How many calls an answer depends on, against the RTNeural file's; None without an end."""
    claim = entry.get("receptive_field", reach)
    fault = f"receptive_field is {show(claim)}, the RTNeural file has {show(reach)}; {AGAIN}"
    checks.expect("receptive field", claim == reach, fault)
    if entry.get("rtneural_is_student") is not True:
        claim = entry.get("onnx_receptive_field", reach)
        fault = f"onnx_receptive_field is {show(claim)}, the same network's RTNeural file has {show(reach)}; {AGAIN}"
        checks.expect("receptive field", claim == reach, fault)


def check_said_of_golden(
    checks: Checks, name: str, data: bytes, entry: dict[str, Any], contract: Contract | None
) -> None:
    """What a golden file says of the network beside vectors; one of an earlier release says nothing."""
    file = orjson.loads(data)
    if not isinstance(file, dict) or "no_effect" not in file:
        return
    same = file["no_effect"] == entry.get("no_effect", file["no_effect"])
    fault = (
        f"{name}: no_effect is {show(file['no_effect'])}, the registry tells {show(entry.get('no_effect'))}; {AGAIN}"
    )
    checks.expect("golden", same, fault)
    if contract is not None and contract.head:
        checks.expect(
            "golden", "decoded" in file, f"{name}: says nothing of what the head makes of the outputs; {AGAIN}"
        )
