"""The history of an entry: a line for each entry that was replaced, and the files of the newest of them.

    history/<id>/<version>/entry.json    the whole entry as it was
    history/<id>/<version>/<file>        each of its files

A version is kept as long as its line says so; `prune` removes the folders of the others.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kmidi_lab.errors import RegistryError
from kmidi_lab.registry.files import fingerprint, read_bounded, read_files
from kmidi_lab.registry.names import HISTORY, KEPT_ENTRY, is_version, link_on_the_way
from kmidi_lab.registry.schema import validate_entry

LINES = 20
MOST_VERSIONS = 5
_SHA_DIGITS = 8
log = logging.getLogger(__name__)


class NoVersionError(RegistryError):
    """No earlier version of a model is kept."""


def version_of(entry: Mapping[str, Any]) -> str:
    """The run and the hash of all files as a folder name: the same files of the same run are one version.

    An older lab took the hash of the primary file alone, so a kept version is found by the name in its line.
    """
    run = entry.get("training", {}).get("run_id") or "unknown"
    return re.sub(r"[^A-Za-z0-9._-]", "_", f"{run[:80]}-{fingerprint(entry)[:_SHA_DIGITS]}")


def history_line(entry: Mapping[str, Any], because: str, kept_entry: bytes | None) -> dict[str, Any]:
    """What the history says of an entry that is replaced now.

    Args:
        because: why.
        kept_entry: its `entry.json` where its files are kept for a rollback.
    """
    training, older = entry.get("training", {}), entry.get("history") or [{}]
    line = {
        "version": version_of(entry),
        "run_id": training.get("run_id"),
        "status": entry["status"],
        "sha256": entry.get("exports", {}).get("sha256"),
        "training_date": training.get("training_date"),
        "reason": entry.get("status_reason"),
        "replaced_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "replaced_because": because,
        "entry_sha256": None if kept_entry is None else hashlib.sha256(kept_entry).hexdigest(),
        "older": older[0].get("digest"),
        "kept": kept_entry is not None,
    }
    return {**line, "digest": digest(line)}


def digest(told: Mapping[str, Any]) -> str:
    """SHA-256 of what a line or an entry says for good, so that a change by hand shows; a line's `older` ties it to the
    line before.
    """
    content = {key: value for key, value in told.items() if key not in ("kept", "digest")}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def sealed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The entry with a digest of all else that it says."""
    return {**entry, "digest": digest(entry)}


def check_seal(entry: Mapping[str, Any]) -> None:
    """Raises RegistryError where the entry was changed since it was sealed: sealing it anew would hide that."""
    if entry.get("digest") not in (None, digest(entry)):
        raise RegistryError(
            f"{entry['id']}: its entry was changed by hand since it was written; take the registry from a backup, or publish "
            "the model again"
        )


def succeed(
    models_root: Path,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any],
    because: str,
    keep: bool,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """(`new` with its history, the files of `old` to keep by path below `models_root`).

    The same version again replaces nothing. A version whose files are gone or changed gets its line, and is not kept.
    `name` is that of the kept version that `new` comes from.
    """
    if old is None:
        return {**new, "history": []}, {}
    history = list(old.get("history", []))
    files: dict[str, bytes] = {}
    if version_of(old) != version_of(new):
        files = _to_keep(models_root, old) if keep else {}
        entry = next((data for name, data in files.items() if name.endswith(f"/{KEPT_ENTRY}")), None)
        history.insert(0, history_line(old, because, entry))
    return {**new, "history": settled(history, {version_of(new), name})}, files


def settled(history: list[dict[str, Any]], live: set[str | None]) -> list[dict[str, Any]]:
    """At most LINES; a version is kept once, at most MOST_VERSIONS are, and never the one that is published (`live`)."""
    taken: list[str] = []
    lines: list[dict[str, Any]] = []
    for line in history[:LINES]:
        is_kept = bool(line.get("kept")) and line["version"] not in {*live, *taken} and len(taken) < MOST_VERSIONS
        taken += [line["version"]] if is_kept else []
        lines.append({**line, "kept": is_kept} if "kept" in line else line)
    return lines


def kept_versions(entry: Mapping[str, Any]) -> list[str]:
    """Those that a rollback can reach, newest first."""
    return [line["version"] for line in entry.get("history", []) if line.get("kept") and is_version(line["version"])]


def read_version(
    models_root: Path, entry: Mapping[str, Any], version: str | None
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The entry and the files of a kept version of the model; None is the newest.

    Raises:
        NoVersionError: none is kept. RegistryError: not that one, it is published already, or its files are missing or half-written.
    """
    versions = kept_versions(entry)
    if not versions:
        raise NoVersionError(
            f"{entry['id']}: no earlier version is kept, so there is nothing to compare with or roll back to"
        )
    if version == version_of(entry):
        raise RegistryError(f"{entry['id']}: {version} is the version that is published; kept: {', '.join(versions)}")
    if version is not None and version not in versions:
        raise RegistryError(f"{entry['id']}: version {version!r} is not kept; kept: {', '.join(versions)}")
    folder = _folder(models_root, entry["id"]) / (version or versions[0])
    try:
        link = link_on_the_way(models_root, f"{folder.relative_to(models_root)}/{KEPT_ENTRY}")
        if link is not None:
            raise ValueError(f"{link} is a link")
        data = read_bounded(folder / KEPT_ENTRY)
        line = next(line for line in entry["history"] if line.get("version") == folder.name)
        if line.get("entry_sha256") not in (None, hashlib.sha256(data).hexdigest()):
            raise ValueError("it was changed since it was kept")
        before = json.loads(data)
        if before["id"] != entry["id"]:
            raise ValueError(f"it is of {before['id']}")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise RegistryError(
            f"{folder / KEPT_ENTRY}: can't be read ({why}); restore it from a backup or name another registry.version"
        ) from error
    validate_entry(before, folder / KEPT_ENTRY)
    if version_of(before) == version_of(entry):
        raise RegistryError(
            f"{entry['id']}: {folder.name} is what is published; name another version of {', '.join(versions)}"
        )
    return before, read_files(folder, before)


def prune(models_root: Path, entry: Mapping[str, Any]) -> None:
    """Removes the folders of versions that are not kept. What can't be removed now is left for the next time."""
    folder = _folder(models_root, entry["id"])
    if link_on_the_way(models_root, f"{HISTORY}/{entry['id']}") is not None:
        return  # what lies behind a link is someone else's
    versions = kept_versions(entry)
    with contextlib.suppress(OSError):
        for path in list(folder.iterdir()):
            if path.name not in versions:
                shutil.rmtree(path, ignore_errors=True)


def _folder(models_root: Path, model_id: str) -> Path:
    return models_root / HISTORY / model_id


def _to_keep(models_root: Path, old: Mapping[str, Any]) -> dict[str, bytes]:
    # An entry that lists no files comes from elsewhere; which files belong to it is not known.
    if not old.get("files"):
        return {}
    try:
        files = read_files(models_root, old)
    except RegistryError as error:
        log.warning("the replaced version of %s is not kept for a rollback: %s", old["id"], error)
        return {}
    text = json.dumps(old, indent=2, ensure_ascii=False)
    folder = f"{HISTORY}/{old['id']}/{version_of(old)}"
    return {f"{folder}/{name}": data for name, data in {**files, KEPT_ENTRY: text.encode()}.items()}
