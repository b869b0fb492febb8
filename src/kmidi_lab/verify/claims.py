"""What an entry of this lab owes beyond a foreign one: hashes of every file, a verdict that holds, files proved.

A stub promises nothing, so nothing of this is asked of it.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

import orjson

from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import show
from kmidi_lab.licences import product_use
from kmidi_lab.registry.history import PROMOTED, opening_of_note
from kmidi_lab.registry.policy import may_promote, withheld_line, withheld_of
from kmidi_lab.registry.versions import digest
from kmidi_lab.run_record_v1 import evaluator_of
from kmidi_lab.scoring.evaluation import Evaluation
from kmidi_lab.verify.entry import contract_of, is_lab, section, text
from kmidi_lab.verify.files import unlisted_files
from kmidi_lab.verify.findings import Checks
from kmidi_lab.verify.verdicts import check_verdicts

_LARGEST_TOLERANCE = 1e-4
"""config.py accepts no larger `export.tolerance`."""
_AGAIN = "export the model again"


def check_lab_entry(checks: Checks, entry: dict[str, Any]) -> None:
    """Holds an entry of the lab to what `entry.registry_entry` promises."""
    if not is_lab(entry):
        return
    for check, run in (
        ("contract", _check_contract),
        ("data", _check_data),
        ("hash", _check_hashes),
        ("primary", check_verdicts),
        ("parity", _check_parity),
        ("student", _check_student),
        ("history", _check_history_lines),
        ("digest", _check_digest),
    ):
        with checks.guarded(check, f"the entry's {check}", _AGAIN):
            run(checks, entry)


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
    checks.expect("params", fits, f"params is {show(params)}, which can't be its number of weights{size}; {_AGAIN}")
    # Both wordings, of a model with a student and of one without, name the trained ones first.
    numbers = [int(number) for number in re.findall(r"\d{1,15}", text(estimate) or "")]
    right = numbers == [params, stored] if stored is not None else numbers[:1] == [params]
    held = "" if stored is None else f" and the RTNeural file holds {stored}"
    checks.expect("params", right, f"params_estimate is {show(estimate)}, params is {show(params)}{held}; {_AGAIN}")


def check_reach(checks: Checks, entry: dict[str, Any], reach: int | None) -> None:
    """How many calls an answer depends on, against the RTNeural file's; None without an end."""
    claim = entry.get("receptive_field", reach)
    fault = f"receptive_field is {show(claim)}, the RTNeural file has {show(reach)}; {_AGAIN}"
    checks.expect("receptive field", claim == reach, fault)
    if entry.get("rtneural_is_student") is not True:
        claim = entry.get("onnx_receptive_field", reach)
        fault = f"onnx_receptive_field is {show(claim)}, the same network's RTNeural file has {show(reach)}; {_AGAIN}"
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
        f"{name}: no_effect is {show(file['no_effect'])}, the registry tells {show(entry.get('no_effect'))}; {_AGAIN}"
    )
    checks.expect("golden", same, fault)
    if contract is not None and contract.head:
        checks.expect(
            "golden", "decoded" in file, f"{name}: says nothing of what the head makes of the outputs; {_AGAIN}"
        )


def _check_contract(checks: Checks, entry: dict[str, Any]) -> None:
    contract = contract_of(entry.get("id"), entry.get("contract_version"))
    if contract is None:
        checks.fault("id", f"no contract has the id {show(entry.get('id'))}, and this lab makes no other; {_AGAIN}")
        return
    for key, right in (
        ("contract_version", contract.version),
        ("feature_version", contract.features),
        ("inference_target_ms", contract.budget_ms),
    ):
        value = entry.get(key)
        checks.expect(key, value == right, f"{key} is {show(value)}, the contract says {show(right)}; {_AGAIN}")


def _check_data(checks: Checks, entry: dict[str, Any]) -> None:
    """What is told of the data, or of the verdict, twice, or follows from it."""
    reason, note = text(entry.get("status_reason")), text(entry.get("note"))
    opening = opening_of_note(entry)
    same = reason is None or note is None or note.startswith(opening)
    checks.expect("note", same, f"note is {show(note)}, must begin with {show(opening)} by status_reason; {_AGAIN}")
    for key, value, right in (
        ("product_use", entry.get("product_use"), product_use(text(entry.get("license")))),
        ("dataset_license", section(entry, "training").get("dataset_license"), entry.get("license")),
        ("dataset_version", section(entry, "training").get("dataset_version"), entry.get("data_fingerprint")),
    ):
        # Earlier releases tell less.
        same = value is None or value == right
        checks.expect("data", same, f"{key} is {show(value)}, must be {show(right)} by the entry's own data; {_AGAIN}")


def _check_hashes(checks: Checks, entry: dict[str, Any]) -> None:
    exports = section(entry, "exports")
    for key in ("sha256", "onnx_sha256"):
        has_hash = text(exports.get(key)) is not None
        checks.expect("hash", has_hash, f"exports.{key} is missing, so a change of the file stays unseen; {_AGAIN}")
    unlisted = unlisted_files(entry)
    checks.expect(
        "hash",
        not unlisted,
        f"files tells no hash of {show(', '.join(unlisted))}, so a change of it stays unseen; {_AGAIN}",
    )


def _check_parity(checks: Checks, entry: dict[str, Any]) -> None:
    parity = section(entry, "parity")
    # The verdict is checked by itself, so only the rule about the files is asked.
    proved, why = may_promote({**entry, "parity": parity, "status": "trained", "primary": {"beats_baselines": True}})
    checks.expect("parity", proved, f"the files are not proved: {why}")
    tolerance = parity.get("tolerance")
    strict = tolerance is None or 0 < tolerance <= _LARGEST_TOLERANCE
    limit = f"must be above 0 and at most {_LARGEST_TOLERANCE:g}"
    checks.expect("parity", strict, f"parity.tolerance is {show(tolerance)}, {limit}; {_AGAIN}")
    odd = [k for k, v in parity.items() if v is not None and not (isinstance(v, int | float) and v >= 0)]
    checks.expect("parity", not odd, f"parity: {show(', '.join(odd))} must be a number of 0 or more; {_AGAIN}")
    claimed = section(entry, "integration").get("cpp_mlinterface") is True
    checks.expect(
        "cpp_mlinterface",
        not claimed or parity.get("rtneural") is not None,
        "integration.cpp_mlinterface is true, and parity.rtneural says that the real RTNeural never ran the file; export "
        "with RTNEURAL_RUNNER set, or set it to false",
    )


def _check_student(checks: Checks, entry: dict[str, Any]) -> None:
    student, withheld = section(entry, "student"), withheld_of(entry)
    claimed, there = entry.get("rtneural_is_student") is True, bool(student) and not withheld
    checks.expect(
        "student",
        claimed == there,
        f"rtneural_is_student is {show(entry.get('rtneural_is_student'))}, and student is "
        f"{'withheld' if withheld else 'there' if student else 'missing'}; {_AGAIN}",
    )
    if student:
        _check_withheld(checks, entry, student, withheld)
    if claimed:
        paths = [text(entry.get(key)) for key in ("golden_path", "onnx_golden_path")]
        checks.expect(
            "student",
            None not in paths and paths[0] != paths[1],
            f"golden_path is {show(paths[0])} and onnx_golden_path {show(paths[1])}; with a student each of the two "
            f"files needs golden vectors of its own; {_AGAIN}",
        )


def _check_withheld(checks: Checks, entry: dict[str, Any], student: dict[str, Any], withheld: str) -> None:
    """A student that falls short of its model's rule has no RTNeural file, and one that does not has one."""
    contract = contract_of(entry.get("id"), entry.get("contract_version"))
    evaluator = evaluator_of(contract.model) if contract else None
    primary = section(student, "primary")
    if evaluator is not None and primary:
        teacher = Evaluation(section(entry, "metrics"), section(entry, "baselines"))
        why = evaluator.why_withheld(teacher, Evaluation(section(student, "metrics")), primary["split"])
        fault = f"student.withheld is {show(withheld)}, must be {show(why)} by the entry's own scores; {_AGAIN}"
        checks.expect("student", withheld == why, fault)
    path = text(entry.get("rtneural_path"))
    fault = (
        f"rtneural_path is {show(path)}, and {withheld_line(withheld) if withheld else 'its student is not withheld'}"
    )
    checks.expect("student", (path is None) == bool(withheld), f"{fault}; {_AGAIN}")


def _check_history_lines(checks: Checks, entry: dict[str, Any]) -> None:
    """Each line as the lab wrote it, tied to the one before; and a line behind `production`.

    Lines of a lab that wrote no digests lie below those with one.
    """
    history = entry.get("history")
    lines = [line for line in history if isinstance(line, dict)] if isinstance(history, list) else []
    signed = [line for line in lines if "digest" in line]
    changed = [line for line in signed if line["digest"] != digest(line)]
    torn = [line for line, older in itertools.pairwise(lines) if line.get("older") != older.get("digest")]
    odd = [*changed, *torn, *(line for line in lines[: len(signed)] if "digest" not in line)]
    names = ", ".join(dict.fromkeys(show(line.get("version")) for line in odd))
    checks.expect("history", not odd, f"the history was changed by hand at {names}; take the registry from a backup")
    if entry.get("status") == "production":
        run = section(entry, "training").get("run_id")
        earned = lines[:1] and str(lines[0].get("replaced_because")).startswith(PROMOTED)
        again = any(line.get("status") == "production" and line.get("run_id") == run for line in lines)
        checks.expect(
            "history",
            bool(earned) or again,
            "status 'production' is claimed, and no line of the history tells who promoted it; set it to trained and "
            "promote it by task=registry registry.action=promote",
        )


def _check_digest(checks: Checks, entry: dict[str, Any]) -> None:
    """All that the entry says is what the lab wrote; one of an earlier release has no digest (`check_sealed`)."""
    if "digest" in entry:
        fault = (
            "the entry was changed by hand since it was written; take the registry from a backup, or publish it again"
        )
        checks.expect("digest", entry["digest"] == digest(entry), fault)


def check_sealed(entries: Sequence[tuple[Checks, dict[str, Any]]]) -> None:
    """The lab seals all of its entries at once, so one without a digest among others was changed."""
    ours = [(checks, entry) for checks, entry in entries if is_lab(entry)]
    some = any("digest" in entry for _, entry in ours)
    for checks, entry in ours:
        if "digest" not in entry:
            tell = checks.fault if some else checks.note
            tell("digest", f"has no digest, so a change of what it tells once stays unseen; {_AGAIN}")
