"""`<models_root>/registry.json`: read, checked, and published so that a crash leaves the old state or the new one."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from kmidi_lab.errors import RegistryError
from kmidi_lab.registry.files import check_files, left_behind, read_bounded
from kmidi_lab.registry.lock import locked
from kmidi_lab.registry.names import FILE, STAGING
from kmidi_lab.registry.policy import better_in_sweep, may_replace
from kmidi_lab.registry.schema import VERSION, schema, validate
from kmidi_lab.registry.transaction import complete, is_committed, replace_together
from kmidi_lab.registry.versions import prune, sealed, succeed


class BetterPublishedError(RegistryError):
    """Another job of the same sweep is published and better by validation."""


def load_registry(models_root: Path) -> dict[str, Any]:
    """The registry of a folder, one without models when there is none; completes a publish that a crash cut short.

    Writes nothing unless a publish was cut short, so that a read-only folder can be read.

    Raises:
        RegistryError: broken JSON, another major version, a wrong field, or a publish that can't be completed.
    """
    if os.path.lexists(models_root / STAGING):
        try:
            with locked(models_root):
                complete(models_root)
        except RegistryError:
            # Before its commit a publish has changed nothing, and a folder that can't be written can still be read.
            if is_committed(models_root):
                raise
    return _read(models_root)


def published_entry(models_root: Path, model_id: str) -> dict[str, Any] | None:
    """The entry of one model, None when the folder has none. Raises RegistryError as `load_registry`."""
    return find(load_registry(models_root), model_id)


def publish(
    models_root: Path,
    entry: dict[str, Any],
    files: Mapping[str, bytes],
    onnx_prefix: str | None = None,
    because: str | None = None,
    sweep: str = "",
) -> Path:
    """Puts a model's files and its entry in place, all or none; other entries and unknown keys are kept.

    The entry that is replaced goes to the history, its files to `history/`, without `onnx_prefix` only.

    Top-level `onnx_path` is written here, relative to the models folder, so that the folder may be moved; `rehome`
    makes it absolute for the reader that takes it as it is given, and in such a folder it stays absolute. With
    `onnx_prefix` it is relative to where readers start, `onnx_prefix` being the folder from there.

    Args:
        entry: from `entry.registry_entry`.
        files: content by path below `models_root`, of every file the entry names.
        because: why, for the history; None names the run.
        sweep: the group of the sweep that the run is a job of.

    Returns:
        The path of registry.json.

    Raises:
        RegistryError: the entry may not replace the one there, is not valid, does not match its files, or the folder
            can't be written; what was published before is as it was. BetterPublishedError: a better job of the sweep is
            there.
    """
    check_files(entry, files)
    with opened(models_root) as registry:
        old = find(registry, entry["id"])
        allowed, reason = may_replace(old, entry["status"], entry.get("stand_in"), models_root)
        if not allowed:
            raise RegistryError(f"{entry['id']}: {reason}")
        if better := better_in_sweep(old, sweep, entry["training"]):
            raise BetterPublishedError(better)
        path = onnx_path(models_root, entry, onnx_prefix, registry)
        why = because or f"published run {entry['training']['run_id']}: {entry.get('status_reason')}"
        # A release is committed, so git keeps its earlier files.
        new, past_files = succeed(models_root, old, {**entry, "onnx_path": path}, why, keep=onnx_prefix is None)
        write_entry(models_root, registry, new, {**past_files, **files})
    return models_root / FILE


def onnx_path(models_root: Path, entry: Mapping[str, Any], prefix: str | None, registry: Mapping[str, Any]) -> str:
    """Top-level `onnx_path` of an entry: below `prefix`, else absolute where that of others is, else as in `exports`."""
    onnx = str(entry["exports"]["onnx_path"])
    if prefix:
        return str(PurePosixPath(prefix) / onnx)
    rehomed = any(Path(e.get("onnx_path", "")).is_absolute() for e in registry["models"])
    return absolute(models_root, onnx) if rehomed else onnx


def absolute(models_root: Path, onnx: str) -> str:
    """The path of a model's file whatever folder a reader starts in."""
    return str((models_root / onnx).resolve())


def find(registry: Mapping[str, Any], model_id: str) -> dict[str, Any] | None:
    """The entry of one model, None when there is none."""
    return next((e for e in registry["models"] if e["id"] == model_id), None)


@contextlib.contextmanager
def opened(models_root: Path) -> Iterator[dict[str, Any]]:
    """The registry, whole and locked, to be changed by `write_entry`. Raises RegistryError as `load_registry`."""
    with locked(models_root):
        complete(models_root)
        yield _read(models_root)


def write_entry(
    models_root: Path, registry: Mapping[str, Any], entry: dict[str, Any], files: Mapping[str, bytes]
) -> dict[str, Any]:
    """Puts an entry and files in place, all or none; files that no entry names any more go. Only inside `opened`.

    Returns the entry as it stands there: sealed, as are entries of the lab that an earlier release left open.

    Raises:
        RegistryError: the entry is not valid or the folder can't be written; all is as it was.
    """
    old = find(registry, entry["id"]) or {}
    properties = schema()["definitions"]["ModelEntry"]["properties"]
    foreign = {key: value for key, value in old.items() if key not in properties}
    new = sealed({**foreign, **entry})
    changed = _with_entry(registry, new)
    try:
        text = json.dumps(changed, indent=2, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise RegistryError(f"{entry['id']}: the entry holds NaN or infinity; write null instead") from error
    validate(json.loads(text), models_root / FILE)
    # The registry goes last: until then the old one stands, and every file it names exists.
    content = {**files, FILE: (text + "\n").encode()}
    replace_together(models_root, entry["id"], content, left_behind(old, changed))
    prune(models_root, entry)
    return new


def _with_entry(registry: Mapping[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    models = [e if "digest" in e or "code_sha256" not in e else sealed(e) for e in registry["models"]]
    at = next((i for i, e in enumerate(models) if e["id"] == entry["id"]), len(models))
    models[at : at + 1] = [entry]
    return {**registry, "generated_at": datetime.now(UTC).isoformat(timespec="seconds"), "models": models}


def _read(models_root: Path) -> dict[str, Any]:
    path = models_root / FILE
    try:
        registry = json.loads(read_bounded(path))
    except FileNotFoundError:
        return {
            "registry_version": VERSION,
            "description": "Models trained, proved and measured by kmidi_lab.",
            "models": [],
        }
    except OSError as error:
        raise RegistryError(f"{path}: can't be read ({error.strerror}); check its owner and mode") from error
    except (ValueError, RecursionError) as error:
        raise RegistryError(
            f"{path}: not JSON ({error}); take it from git or a backup, or move it away to start a new registry"
        ) from error
    validate(registry, path)
    return dict(registry)
