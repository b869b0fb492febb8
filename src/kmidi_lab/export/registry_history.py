"""Changes of a published model by hand: into production, and back to an earlier version."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kmidi_lab.errors import ConfigError, RegistryError
from kmidi_lab.export.registry import find, load_registry, opened, write_entry
from kmidi_lab.export.registry_files import read_files
from kmidi_lab.export.registry_policy import may_promote
from kmidi_lab.export.registry_versions import history_line, read_version, settled, succeed, version_of

log = logging.getLogger(__name__)


def promote(models_root: Path, model_id: str, reason: str) -> dict[str, Any]:
    """`trained` → `production`, with the reason on the history; returns the entry as it is now.

    Raises:
        ConfigError: no reason. RegistryError: no such model, it may not go into production, a file is missing or
            changed, or the folder can't be written; what was published is as it was.
    """
    reason = _reason(reason, "promote")
    require(load_registry(models_root), models_root, model_id)
    with opened(models_root) as registry:
        old = require(registry, models_root, model_id)
        allowed, why = may_promote(old)
        if not allowed:
            raise RegistryError(f"{model_id}: not promoted, {why}")
        read_files(models_root, old)
        line = history_line(old, f"promoted to production: {reason}", kept=False)
        entry = {
            **old,
            "status": "production",
            "status_reason": f"promoted: {reason}; {old.get('status_reason')}",
            "note": f"In production: {reason}. {old.get('note', '')}".strip(),
            "history": settled([line, *old.get("history", [])], version_of(old)),
        }
        write_entry(models_root, registry, entry, {})
    if entry.get("stand_in"):
        log.warning("%s goes into production trained on stand-in data: %s", model_id, entry["stand_in"])
    return entry


def rollback(models_root: Path, model_id: str, version: str | None, reason: str) -> dict[str, Any]:
    """Puts a kept version's files and entry back, in production or not; returns the entry as it is now.

    What was there goes to the history as when a run replaces it, so that a rollback can be rolled back.

    Args:
        version: one that is kept; None is the newest of them.

    Raises:
        ConfigError: no reason. RegistryError: no such model, the version is not kept or half-written, or the folder
            can't be written; what was published is as it was.
    """
    reason = _reason(reason, "roll back")
    require(load_registry(models_root), models_root, model_id)
    with opened(models_root) as registry:
        old = require(registry, models_root, model_id)
        before, files = read_version(models_root, old, version)
        if Path(before.get("onnx_path", "")).is_absolute():
            # The folder may have been moved since the version was kept.
            before["onnx_path"] = str((models_root / before["exports"]["onnx_path"]).resolve())
        entry, kept = succeed(models_root, old, before, f"rolled back: {reason}", keep=True)
        write_entry(models_root, registry, entry, {**kept, **files})
    return entry


def require(registry: Mapping[str, Any], models_root: Path, model_id: str) -> dict[str, Any]:
    """The entry of a model. Raises RegistryError when the folder has none."""
    entry = find(registry, model_id)
    if entry is None:
        there = ", ".join(e["id"] for e in registry["models"]) or "nothing"
        raise RegistryError(f"{models_root}: {model_id} is not published there; published: {there}")
    return entry


def _reason(reason: str, action: str) -> str:
    if not reason.strip():
        raise ConfigError(f'a reason is kept in the history; type registry.reason="why you {action}"')
    return " ".join(reason.split())
