"""Verifies a folder of models, whoever made it, without changing it: registry, files, outputs, agreement.

A folder with registry.json is checked entry by entry; files that no entry names, or all in a folder without a
registry, are checked by the same rules and held to the contract of their name. What a broken file does to one check
never reaches another.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from kmidi_lab.contract_types import Contract
from kmidi_lab.errors import RegistryError, reason
from kmidi_lab.export.rtneural.runner import VARIABLE
from kmidi_lab.inference.published import example_root
from kmidi_lab.registry.files import read_bounded
from kmidi_lab.registry.lock import held_still
from kmidi_lab.registry.names import FILE, HISTORY, STAGING
from kmidi_lab.verify.claims import check_lab_entry
from kmidi_lab.verify.entry import check_entry, contract_of, read_registry
from kmidi_lab.verify.files import check_card, check_files, check_history, check_onnx_paths, named_files
from kmidi_lab.verify.findings import RESTORE, Checks, Finding
from kmidi_lab.verify.left_out import check_left_out
from kmidi_lab.verify.model import check_model
from kmidi_lab.verify.model_files import ModelFiles, files_of
from kmidi_lab.verify.rtneural_file import looks_like_rtneural
from kmidi_lab.verify.seals import check_sealed

_GOLDEN = "golden"


@dataclass(frozen=True)
class Verification:
    """The folder's own checks and those of each model."""

    root: Path
    folder: Checks
    models: list[Checks]

    @property
    def faults(self) -> list[Finding]:
        return [f for checks in (self.folder, *self.models) for f in checks.faults]

    @property
    def notes(self) -> list[Finding]:
        return [f for checks in (self.folder, *self.models) for f in checks.notes]


def verify_folder(root: Path, runner: Path | None) -> Verification:
    """Runs every check on `root`.

    Args:
        runner: the real RTNeural (docs/rtneural_runner.md), None to leave it out.

    Raises:
        RegistryError: no such folder, it can't be listed, or it holds nothing to check.
    """
    if not root.is_dir():
        raise RegistryError(f"{root}: no such folder; train a model first, or type {example_root()}")
    with held_still(root):
        return _verify(root, runner)


def _verify(root: Path, runner: Path | None) -> Verification:
    folder, models = Checks("folder"), []
    files = _listed(root, folder)
    registered = FILE in files
    entries = read_registry(root / FILE, folder) if registered else []
    for checks, entry in entries:
        with checks.guarded("entry", FILE, "correct it"):
            check_entry(checks, entry)
        check_lab_entry(checks, entry)
        _check_entry_files(checks, root, entry, runner)
        models.append(checks)
    check_sealed(entries)
    check_left_out(folder, root, [entry for _, entry in entries])
    names = {os.path.normpath(name) for _, entry in entries for name in named_files(entry)} | {FILE}
    ids = {entry.get("id") for _, entry in entries if isinstance(entry.get("id"), str)}
    bare = _bare(root, files, names)
    for stem, paths in bare.items():
        checks, contract = Checks(stem), contract_of(stem)
        if registered:
            # The plugin loads a file by its name, whatever the registry tells; a broken registry is a fault already.
            missing = contract is not None and stem not in ids and not folder.faults
            tell = checks.fault if missing else checks.note
            tell("registry", f"not in the registry: {', '.join(paths.names)}; publish or remove it")
        version = _golden_version(root, paths.golden)
        check_model(checks, root, paths, contract_of(Path(stem).name, version), None, runner)
        models.append(checks)
    _check_leftovers(root, folder, files)
    if not registered and not bare and not folder.findings:
        raise RegistryError(f"{root}: no {FILE}, RTNeural or ONNX file there; type {example_root()}")
    if not registered:
        folder.note("registry", f"no {FILE}; the files are checked by themselves")
    rtneural = [*(files_of(entry).rtneural for _, entry in entries), *(paths.rtneural for paths in bare.values())]
    if runner is None and any(name in files for name in rtneural):
        folder.note("real RTNeural", f"{VARIABLE} is not set, so RTNeural files ran in the lab's own reader only")
    return Verification(root, folder, models)


def _check_entry_files(checks: Checks, root: Path, entry: dict[str, Any], runner: Path | None) -> None:
    check_files(checks, root, entry)
    for check in (check_card, check_onnx_paths, check_history):
        with checks.guarded("file", checks.subject, RESTORE):
            check(checks, root, entry)
    contract: Contract | None = contract_of(entry.get("id"), entry.get("contract_version"))
    with checks.guarded("file", checks.subject, RESTORE):
        check_model(checks, root, files_of(entry), contract, entry, runner)


def _listed(root: Path, folder: Checks) -> list[str]:
    """Every file below the folder but those of hidden folders and the history, sorted. Raises RegistryError."""
    if not os.access(root, os.R_OK | os.X_OK):
        raise RegistryError(f"{root}: can't be read; check its owner and mode")

    def unreadable(error: OSError) -> None:
        folder.fault("file", f"{error.filename}: can't be read ({reason(error)}); check its owner and mode")

    names = []
    for path, folders, files in os.walk(root, onerror=unreadable):
        here = Path(path).relative_to(root)
        folders[:] = [f for f in folders if not f.startswith(".") and (here / f) != Path(HISTORY)]
        names += [(here / f).as_posix() for f in files]
    return sorted(names)


def _bare(root: Path, files: list[str], named: set[str]) -> dict[str, ModelFiles]:
    """Files that are models though no entry names them, by their path without the suffix."""
    grouped: dict[str, dict[str, str]] = defaultdict(dict)
    for name in files:
        suffix = Path(name).suffix
        stem = name.removesuffix(suffix)
        if name not in named and (suffix == ".onnx" or (suffix == ".json" and _is_model(root / name, stem))):
            grouped[stem][suffix] = name
    bare, free = {}, set(files) - named
    for stem, paths in grouped.items():
        golden, onnx_golden = (
            name if (name := (Path(stem).parent / _GOLDEN / f"{Path(stem).name}{end}").as_posix()) in free else None
            for end in (".json", ".onnx.json")
        )
        # An ONNX file with golden vectors of its own is another network than the RTNeural file.
        student = onnx_golden is not None
        models = (paths.get(".json"), paths.get(".onnx"))
        beside = (name if (name := f"{stem}{end}") in free else None for end in (".head.json", "_model.h"))
        bare[stem] = ModelFiles(Path(stem).name, *models, golden, onnx_golden, student, *beside)
    return bare


def _golden_version(root: Path, golden: str | None) -> object:
    """The version of the contract that golden vectors say, where no registry does; None where they say none."""
    try:
        told = orjson.loads(read_bounded(root / golden)) if golden else None
    except (OSError, ValueError):
        return None
    return told.get("contract_version") if isinstance(told, dict) else None


def _is_model(path: Path, stem: str) -> bool:
    if path.parent.name == _GOLDEN:
        return False
    # The plugin loads whatever has a model's name; a link that leads nowhere can't be told from one.
    if contract_of(stem) is not None or not path.is_file():
        return True
    try:
        return looks_like_rtneural(read_bounded(path))
    except OSError:
        return True


def _check_leftovers(root: Path, folder: Checks, files: list[str]) -> None:
    if os.path.lexists(root / STAGING):
        folder.fault(
            "half-written",
            f"{STAGING} is left over from a publish that was cut short; open the folder with task=registry, which "
            "finishes or clears it, or delete it",
        )
    for name in files:
        base = Path(name).name
        if base.startswith(".") and base.endswith(".tmp"):
            folder.fault("half-written", f"{name} was left by a write that was cut short; delete it")
