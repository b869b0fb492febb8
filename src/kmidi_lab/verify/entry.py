"""registry.json as a verification reads it: whatever can be read is read, and nothing is written or completed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import orjson

from kmidi_lab.contract_types import Contract
from kmidi_lab.contracts import CONTRACTS
from kmidi_lab.errors import reason, show
from kmidi_lab.registry.files import read_bounded
from kmidi_lab.registry.names import FILE
from kmidi_lab.registry.schema import fault_text, schema
from kmidi_lab.verify.findings import Checks

_LARGEST_INPUT = 128
"""One of KmiDi's registry readers rejects an entry with a larger `input_size`, or 0 (contract.md §2)."""
_SUFFIXES = {"rtneural-json": ".json", "onnx": ".onnx"}
PROVED = ("trained", "production")
LAB_KEYS = ("contract_version", "feature_version", "code_sha256", "primary", "parity")
"""Any of them marks an entry as the lab's, so that dropping one does not make it a foreign one."""
_BACKUP = "correct it or take it from git or a backup"


def contract_of(model_id: object, version: object = None) -> Contract | None:
    """The contract of an id, None when it has none.

    Args:
        version: of the contract that a model was made for; for None, and one that the lab does not know, the newest.
    """
    newest = next((c for c in CONTRACTS.values() if c.id == model_id), None)
    return next((c for c in newest.earlier if c.version == version), newest) if newest else None


def is_lab(entry: dict[str, Any]) -> bool:
    """Whether this lab made the entry and so owes proof of all it says; a stub, which says nothing, does not count."""
    return entry.get("status") != "stub" and any(key in entry for key in LAB_KEYS)


def text(value: object) -> str | None:
    """A value that should be text; None where it is something else or empty."""
    return value if isinstance(value, str) and value else None


def section(entry: dict[str, Any], key: str) -> dict[str, Any]:
    """A part of an entry that should be an object; an empty one where it is not, which the schema has told."""
    value = entry.get(key)
    return value if isinstance(value, dict) else {}


def read_registry(path: Path, folder: Checks) -> list[tuple[Checks, dict[str, Any]]]:
    """Every entry that is an object, with the checks of its own; faults of the file as a whole go to `folder`."""
    registry = _load(path, folder)
    if registry is None:
        return []
    models = registry.get("models")
    entries = list(enumerate(models)) if isinstance(models, list) else []
    ids = Counter(e["id"] for _, e in entries if isinstance(e, dict) and isinstance(e.get("id"), str))
    checks = {i: Checks(_subject(i, e, ids)) for i, e in entries if isinstance(e, dict)}
    version = text(registry.get("registry_version")) or ""
    folder.expect(
        "version",
        version.partition(".")[0] == "1",
        f"{FILE}: registry_version {show(version)}, this lab knows 1.x; update kmidi_lab or correct it",
    )
    with folder.guarded("schema", FILE, _BACKUP):
        _check_schema(registry, folder, checks)
    for model_id, count in ids.items():
        folder.expect("ids", count == 1, f"{FILE}: {count} entries have the id {show(model_id)}; keep one of them")
    if isinstance(models, list) and not models:
        folder.note("registry", f"{FILE}: names no models")
    return [(checks[i], e) for i, e in entries if i in checks]


def check_entry(checks: Checks, entry: dict[str, Any]) -> None:
    """Holds what an entry says to the contract and to itself, without opening a file."""
    contract = contract_of(entry.get("id"), entry.get("contract_version"))
    status, kind = entry.get("status"), entry.get("format")
    file, size = entry.get("file"), entry.get("input_size")
    if type(size) is int:
        checks.expect(
            "input_size",
            0 < size <= _LARGEST_INPUT,
            f"input_size is {size}; KmiDi's registry reader rejects 0 and more than {_LARGEST_INPUT}",
        )
    if contract is None:
        checks.note("id", f"no contract has the id {show(entry.get('id'))}; its sizes are held to its entry alone")
    else:
        for key, right in (
            ("task", contract.task),
            ("input_size", contract.input_size),
            ("output_size", contract.output_size),
        ):
            checks.expect(
                key, entry.get(key) == right, f"{key} is {show(entry.get(key))}, the contract says {show(right)}"
            )
        if kind == "rtneural-json":
            checks.expect(
                "file",
                file == f"{contract.id}.json",
                f"file is {show(file)}; the plugin loads {contract.id}.json, so give it that name",
            )
    for key, value, expected in (
        ("rtneural_path", entry.get("rtneural_path"), "rtneural-json"),
        ("exports.onnx_path", section(entry, "exports").get("onnx_path"), "onnx"),
    ):
        if kind == expected and value:
            checks.expect("file", value == file, f"file is {show(file)} and {key} is {show(value)}; name one file")
    suffix = _SUFFIXES.get(kind) if isinstance(kind, str) else None
    if suffix is not None:
        named = isinstance(file, str) and file.endswith(suffix)
        checks.expect("format", named, f"format {kind} does not fit the file {show(file)}; one of them is wrong")
    elif isinstance(kind, str):
        checks.note("format", f"a file of format {show(kind)} is only checked for its hash")
    if status != "stub":
        _check_training(checks, entry)
    if status in PROVED:
        _check_claim(checks, entry)


def _load(path: Path, folder: Checks) -> dict[str, Any] | None:
    """The parsed file, None when it can't be read or is no object."""
    try:
        data = read_bounded(path)
    except OSError as error:
        folder.fault("registry", f"{FILE}: can't be read ({reason(error)}); check its owner and mode")
        return None
    try:
        registry = orjson.loads(data)
        folder.expect("json", True, "")
    except ValueError as error:
        folder.fault("json", f"{FILE}: not JSON ({reason(error)}); {_BACKUP}")
        # Python takes NaN, a byte order mark and the like, so the files of the entries can still be checked.
        try:
            registry = json.loads(data)
        except (ValueError, RecursionError):
            return None
    if not isinstance(registry, dict):
        folder.fault("schema", f"{FILE}: holds {show(registry)}, not an object; {_BACKUP}")
        return None
    return registry


def _subject(index: int, entry: dict[str, Any], ids: Counter[str]) -> str:
    model_id = entry.get("id")
    if not isinstance(model_id, str) or not model_id:
        return f"models[{index}]"
    return model_id if ids[model_id] == 1 else f"{model_id} (models[{index}])"


def _check_schema(registry: dict[str, Any], folder: Checks, checks: dict[int, Checks]) -> None:
    broken = set()
    for error in jsonschema.Draft7Validator(schema()).iter_errors(registry):
        path = list(error.absolute_path)
        inside = len(path) > 1 and path[0] == "models"
        owner = checks.get(int(path[1]), folder) if inside else folder
        broken.add(owner.subject)
        owner.fault("schema", f"{FILE}: {fault_text(error)}; {_BACKUP}")
    for owner in (folder, *checks.values()):
        if owner.subject not in broken:
            owner.expect("schema", True, "")


def _check_training(checks: Checks, entry: dict[str, Any]) -> None:
    seconds = section(entry, "training").get("duration_seconds")
    fault = "is missing" if seconds is None else f"is {show(seconds)}"
    checks.expect(
        "duration",
        isinstance(seconds, int | float) and seconds > 0,
        f"training.duration_seconds {fault}; a {show(entry.get('status'))} model was trained for longer than 0 s, so "
        "write the true time or set the status to stub",
    )


def _check_claim(checks: Checks, entry: dict[str, Any]) -> None:
    missing = [key for key in ("metrics", "baselines") if not _holds_number(entry.get(key))]
    checks.expect(
        "claim",
        not missing,
        f"status {show(entry['status'])} is claimed without {' and '.join(missing)}; evaluate the model against "
        "baselines, or set the status to training",
    )
    checks.expect(
        "claim",
        section(entry, "primary").get("beats_baselines") is not False,
        f"status {show(entry['status'])} is claimed, but the model does not beat its baselines; set it to training",
    )
    checks.expect(
        "claim",
        not section(entry, "primary").get("not_comparable"),
        f"status {show(entry['status'])} is claimed, but its baselines saw less than the model; set it to training",
    )


def _holds_number(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_number, value.values()))
    return isinstance(value, int | float)
