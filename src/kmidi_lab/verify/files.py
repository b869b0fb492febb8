"""The files of an entry: below the folder, there, and with the hashes and sizes that the registry tells."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from kmidi_lab.errors import reason, show
from kmidi_lab.files import sha256_file
from kmidi_lab.registry.files import read_bounded
from kmidi_lab.registry.names import HISTORY, KEPT_ENTRY, is_published_name, stays_below
from kmidi_lab.verify.card import check_card_text
from kmidi_lab.verify.entry import is_lab, section, text
from kmidi_lab.verify.findings import RESTORE, Checks
from kmidi_lab.verify.left_out import why_missing

_LARGEST_CARD = 1 << 17


@dataclass(frozen=True)
class _Claim:
    """What one key of an entry says about a file; `sha256` and `size` None where it doesn't tell."""

    key: str
    name: str
    sha256: Any = None
    size: Any = None


def named_files(entry: dict[str, Any]) -> set[str]:
    """The name of every file below the folder that an entry mentions, as it stands there."""
    return {claim.name for claim in _claims(entry)}


def unlisted_files(entry: dict[str, Any]) -> list[str]:
    """The files an entry names that its `files` does not list; a Core ML model has a hash of its own."""
    listed = section(entry, "files")
    names = [claim.name for claim in _claims(entry) if claim.key != "exports.coreml_path"]
    card = text(entry.get("model_card"))
    names += [card] if card else []
    return [name for name in dict.fromkeys(names) if name not in listed and is_published_name(name)]


def check_files(checks: Checks, root: Path, entry: dict[str, Any]) -> None:
    """Every file an entry names below `root`: its name, that it is there, each hash and size that is told."""
    claims = _claims(entry)
    for name in dict.fromkeys(claim.name for claim in claims):
        about = [claim for claim in claims if claim.name == name]
        with checks.guarded("file", show(name), RESTORE):
            if why := why_missing(root, name, {claim.sha256 for claim in about if claim.sha256 is not None}):
                checks.note("left out", f"{why}; it is not checked")
                continue
            path = located(checks, root, name, ", ".join(claim.key for claim in about))
            if path is not None:
                _check_content(checks, path, about)


def located(checks: Checks, root: Path, name: str, key: str) -> Path | None:
    """The file or folder of that name below `root`; a fault and None when it leaves `root` or is not there."""
    refusal = f"{key} is {show(name)}, which leaves the models folder or is the registry's own; name a file below it"
    if not checks.expect("path", stays_below(root, name), refusal):
        return None
    path = root / name
    there = path.is_file() or path.is_dir()
    return (
        path if checks.expect("file", there, f"{key} is {show(name)}, and there is no such file; {RESTORE}") else None
    )


def check_card(checks: Checks, root: Path, entry: dict[str, Any]) -> None:
    """The model card, below the folder or, as KmiDi writes it, below the working directory; of the lab's, its text,
    too.
    """
    name = text(entry.get("model_card"))
    if name is None:
        return
    is_there = any(path.is_file() for path in (root / name, Path(name)))
    checks.expect(
        "card", is_there, f"model_card is {show(name)}, and there is no such file in the folder or from here; {RESTORE}"
    )
    if is_lab(entry) and stays_below(root, name) and (root / name).is_file():
        size = (root / name).stat().st_size
        told = f"{name} has {size >> 10} KiB, more than any card ({_LARGEST_CARD >> 10} KiB); {RESTORE}"
        if checks.expect("card", size <= _LARGEST_CARD, told):
            check_card_text(checks, name, read_bounded(root / name).decode(), entry)


def check_onnx_paths(checks: Checks, root: Path, entry: dict[str, Any]) -> None:
    """Both ONNX paths, each as its reader takes it: one joined to the folder, one as it is given (contract.md §2)."""
    exports, path = section(entry, "exports"), text(entry.get("onnx_path"))
    joined = text(exports.get("onnx_path"))
    if entry.get("status") != "stub":
        checks.expect(
            "onnx_path",
            joined is not None,
            "exports.onnx_path is missing, so no ONNX file can be found; export the model again",
        )
    if path is None:
        if joined is not None:
            checks.note("onnx_path", "no top-level onnx_path; the reader that looks there takes `file` instead")
        return
    below = None if joined is None else root / joined
    if path == joined:
        checks.expect("onnx_path", True, "")
        return
    if not Path(path).is_file():
        _check_moved(checks, path, below)
        return
    declared = text(exports.get("onnx_sha256"))
    if declared is not None:
        same = sha256_file(Path(path)) == declared.lower()
        checks.expect(
            "onnx_path",
            same,
            f"onnx_path {show(path)} opens a file that has another hash than exports.onnx_sha256; {RESTORE}",
        )
    if below is not None and below.is_file() and not below.samefile(path):
        checks.note("onnx_path", f"onnx_path {show(path)} opens a file outside this folder; was the folder copied?")


def check_history(checks: Checks, root: Path, entry: dict[str, Any]) -> None:
    """The files of every earlier version that the history says is kept for a rollback."""
    lines = entry.get("history")
    for line in lines if isinstance(lines, list) else []:
        if not isinstance(line, dict) or not line.get("kept"):
            continue
        version = str(line.get("version"))
        above = root.resolve() / HISTORY / str(entry.get("id"))
        folder = above / version
        advice = "restore it, or a rollback can't reach it"
        with checks.guarded("history", f"version {show(version)}", advice):
            plain = folder.resolve().parent == above
            if checks.expect("history", plain, f"version {show(version)} is no name of a folder; {advice}"):
                data = read_bounded(folder / KEPT_ENTRY)
                declared = line.get("entry_sha256")
                same = declared in (None, hashlib.sha256(data).hexdigest())
                checks.expect("history", same, f"version {show(version)}: {KEPT_ENTRY} was changed; {advice}")
                past = _kept_entry(data)
                right = past.get("id") == entry.get("id")
                checks.expect("history", right, f"version {show(version)} is of {show(past.get('id'))}; {advice}")
                check_files(checks, folder, past)


def _kept_entry(data: bytes) -> dict[str, Any]:
    content = orjson.loads(data)
    if not isinstance(content, dict):
        raise ValueError(f"{KEPT_ENTRY} is not an object")
    return content


def _check_moved(checks: Checks, path: str, below: Path | None) -> None:
    moved = below is not None and below.is_file()
    if not checks.expect(
        "onnx_path", moved, f"onnx_path is {show(path)}, and there is no such file; export the model again"
    ):
        return
    if Path(path).is_absolute():
        checks.note(
            "onnx_path", f"onnx_path {show(path)} does not open: the folder was moved; type registry.action=rehome"
        )
    else:
        checks.note("onnx_path", f"onnx_path {show(path)} does not open from here; start readers where it does")


def _claims(entry: dict[str, Any]) -> list[_Claim]:
    exports = section(entry, "exports")
    claims = [
        _Claim("file", entry.get("file") or "", exports.get("sha256") or None),
        *(
            _Claim(f"exports.{kind}_path", exports.get(f"{kind}_path") or "", exports.get(f"{kind}_sha256") or None)
            for kind in ("onnx", "coreml")
        ),
        *(
            _Claim(key, entry.get(key) or "")
            for key in ("rtneural_path", "golden_path", "onnx_golden_path", "head_path", "header_path")
        ),
    ]
    for name, facts in section(entry, "files").items():
        facts = facts if isinstance(facts, dict) else {}
        claims.append(_Claim("files", name, facts.get("sha256"), facts.get("bytes")))
    return [claim for claim in claims if isinstance(claim.name, str) and claim.name]


def _check_content(checks: Checks, path: Path, about: list[_Claim]) -> None:
    if path.is_dir():
        bundle = all(claim.key == "exports.coreml_path" for claim in about)
        if checks.expect("file", bundle, f"{show(about[0].name)} is a folder where a file belongs; {RESTORE}"):
            checks.note("hash", f"{show(about[0].name)} is a folder, so its hash is not checked")
        return
    try:
        sha, size = sha256_file(path), path.stat().st_size
    except OSError as error:
        checks.fault("file", f"{show(about[0].name)} can't be read ({reason(error)}); check its owner and mode")
        return
    for claim in about:
        if claim.sha256 is not None:
            good = isinstance(claim.sha256, str) and claim.sha256.lower() == sha
            checks.expect(
                "hash",
                good,
                f"{show(claim.name)} has sha256 {sha[:12]}…, the registry ({claim.key}) tells {show(claim.sha256)[:14]}; {RESTORE}",
            )
        if claim.size is not None:
            checks.expect(
                "bytes",
                claim.size == size,
                f"{show(claim.name)} has {size} bytes, the registry tells {show(claim.size)}; {RESTORE}",
            )
    if all(claim.sha256 is None for claim in about) and {"file", "exports.onnx_path"} & {c.key for c in about}:
        checks.note("hash", f"the registry tells no hash of {show(about[0].name)}, so a change of it stays unseen")
