"""What an entry of this lab owes beyond a foreign one: hashes of every file, a verdict that holds, files proved.

A stub promises nothing, so nothing of this is asked of it.
"""

from __future__ import annotations

from typing import Any

from kmidi_lab.errors import show
from kmidi_lab.licences import product_use
from kmidi_lab.registry.history import opening_of_note
from kmidi_lab.registry.policy import may_promote, withheld_line, withheld_of
from kmidi_lab.run_export import LARGEST_TOLERANCE
from kmidi_lab.run_record_v1 import evaluator_of
from kmidi_lab.scoring.evaluation import Evaluation
from kmidi_lab.verify.entry import contract_of, is_lab, section, text
from kmidi_lab.verify.files import unlisted_files
from kmidi_lab.verify.findings import AGAIN, Checks
from kmidi_lab.verify.seals import check_digest, check_history
from kmidi_lab.verify.verdicts import check_verdicts


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
        ("history", check_history),
        ("digest", check_digest),
    ):
        with checks.guarded(check, f"the entry's {check}", AGAIN):
            run(checks, entry)


def _check_contract(checks: Checks, entry: dict[str, Any]) -> None:
    contract = contract_of(entry.get("id"), entry.get("contract_version"))
    if contract is None:
        checks.fault("id", f"no contract has the id {show(entry.get('id'))}, and this lab makes no other; {AGAIN}")
        return
    for key, right in (
        ("contract_version", contract.version),
        ("feature_version", contract.features),
        ("inference_target_ms", contract.budget_ms),
    ):
        value = entry.get(key)
        checks.expect(key, value == right, f"{key} is {show(value)}, the contract says {show(right)}; {AGAIN}")


def _check_data(checks: Checks, entry: dict[str, Any]) -> None:
    """What is told of the data, or of the verdict, twice, or follows from it."""
    reason, note = text(entry.get("status_reason")), text(entry.get("note"))
    opening = opening_of_note(entry)
    same = reason is None or note is None or note.startswith(opening)
    checks.expect("note", same, f"note is {show(note)}, must begin with {show(opening)} by status_reason; {AGAIN}")
    for key, value, right in (
        ("product_use", entry.get("product_use"), product_use(text(entry.get("license")))),
        ("dataset_license", section(entry, "training").get("dataset_license"), entry.get("license")),
        ("dataset_version", section(entry, "training").get("dataset_version"), entry.get("data_fingerprint")),
    ):
        # Earlier releases tell less.
        same = value is None or value == right
        checks.expect("data", same, f"{key} is {show(value)}, must be {show(right)} by the entry's own data; {AGAIN}")


def _check_hashes(checks: Checks, entry: dict[str, Any]) -> None:
    exports = section(entry, "exports")
    for key in ("sha256", "onnx_sha256"):
        has_hash = text(exports.get(key)) is not None
        checks.expect("hash", has_hash, f"exports.{key} is missing, so a change of the file stays unseen; {AGAIN}")
    unlisted = unlisted_files(entry)
    checks.expect(
        "hash",
        not unlisted,
        f"files tells no hash of {show(', '.join(unlisted))}, so a change of it stays unseen; {AGAIN}",
    )


def _check_parity(checks: Checks, entry: dict[str, Any]) -> None:
    parity = section(entry, "parity")
    # The verdict is checked by itself, so only the rule about the files is asked.
    proved, why = may_promote({**entry, "parity": parity, "status": "trained", "primary": {"beats_baselines": True}})
    checks.expect("parity", proved, f"the files are not proved: {why}")
    tolerance = parity.get("tolerance")
    strict = tolerance is None or 0 < tolerance <= LARGEST_TOLERANCE
    limit = f"must be above 0 and at most {LARGEST_TOLERANCE:g}"
    checks.expect("parity", strict, f"parity.tolerance is {show(tolerance)}, {limit}; {AGAIN}")
    odd = [k for k, v in parity.items() if v is not None and not (isinstance(v, int | float) and v >= 0)]
    checks.expect("parity", not odd, f"parity: {show(', '.join(odd))} must be a number of 0 or more; {AGAIN}")
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
        f"{'withheld' if withheld else 'there' if student else 'missing'}; {AGAIN}",
    )
    if student:
        _check_withheld(checks, entry, student, withheld)
    if claimed:
        paths = [text(entry.get(key)) for key in ("golden_path", "onnx_golden_path")]
        checks.expect(
            "student",
            None not in paths and paths[0] != paths[1],
            f"golden_path is {show(paths[0])} and onnx_golden_path {show(paths[1])}; with a student each of the two "
            f"files needs golden vectors of its own; {AGAIN}",
        )


def _check_withheld(checks: Checks, entry: dict[str, Any], student: dict[str, Any], withheld: str) -> None:
    """A student that falls short of its model's rule has no RTNeural file, and one that does not has one."""
    contract = contract_of(entry.get("id"), entry.get("contract_version"))
    evaluator = evaluator_of(contract.model) if contract else None
    primary = section(student, "primary")
    if evaluator is not None and primary:
        teacher = Evaluation(section(entry, "metrics"), section(entry, "baselines"))
        why = evaluator.why_withheld(teacher, Evaluation(section(student, "metrics")), primary["split"])
        fault = f"student.withheld is {show(withheld)}, must be {show(why)} by the entry's own scores; {AGAIN}"
        checks.expect("student", withheld == why, fault)
    path = text(entry.get("rtneural_path"))
    fault = (
        f"rtneural_path is {show(path)}, and {withheld_line(withheld) if withheld else 'its student is not withheld'}"
    )
    checks.expect("student", (path is None) == bool(withheld), f"{fault}; {AGAIN}")
