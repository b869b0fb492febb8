"""Changes of a published model by hand: into production, out of it, and back to an earlier version."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from kmidi_lab.errors import ConfigError, RegistryError
from kmidi_lab.registry.files import read_file, read_files
from kmidi_lab.registry.names import is_published_name
from kmidi_lab.registry.policy import earned_by, may_promote, step_down
from kmidi_lab.registry.registry import find, load_registry, onnx_path, opened, write_entry
from kmidi_lab.registry.versions import (
    check_seal,
    history_line,
    kept_versions,
    read_version,
    settled,
    succeed,
    version_of,
)
from kmidi_lab.report.formats import cell

PROMOTED = "promoted to production"
_PLACES = {"promoted: ": "In production: ", "demoted: ": "Out of production: "}
log = logging.getLogger(__name__)
_STATUS = re.compile(rb"^Status \*\*[a-z]+\*\*: [^\r\n]*", re.MULTILINE)


def promote(models_root: Path, model_id: str, reason: str) -> dict[str, Any]:
    """`trained` → `production`, with the reason on the history and the card; returns the entry as it is now.

    Raises:
        ConfigError: no reason. RegistryError: no such model, it may not go into production, a file is missing or
            changed, or the folder can't be written; what was published is as it was.
    """
    reason = _reason(reason, "promote")
    with _opened_at(models_root, model_id) as (registry, old):
        allowed, why = may_promote(old)
        check_seal(old)
        if not allowed:
            raise RegistryError(f"{model_id}: not promoted, {why}")
        read_files(models_root, old)
        entry = _restate(models_root, registry, old, "production", f"{PROMOTED}: {reason}", f"promoted: {reason}")
    if entry.get("stand_in"):
        log.warning("%s goes into production trained on stand-in data: %s", model_id, entry["stand_in"])
    return entry


def demote(models_root: Path, model_id: str, reason: str) -> dict[str, Any]:
    """`production` → `trained`, so that a new version can be published; returns the entry as it is now.

    Files that are missing or changed don't keep a model in production.

    Raises:
        ConfigError: no reason. RegistryError: no such model, it is not in production, or the folder can't be written;
            what was published is as it was.
    """
    reason = _reason(reason, "demote")
    with _opened_at(models_root, model_id) as (registry, old):
        if old["status"] != "production":
            raise RegistryError(f"{model_id}: not demoted, it is {old['status']}; only a model in production can be")
        return _restate(models_root, registry, old, "trained", f"demoted to trained: {reason}", f"demoted: {reason}")


def rollback(models_root: Path, model_id: str, version: str | None, reason: str) -> dict[str, Any]:
    """Puts a kept version's files and entry back, in production or not; returns the entry as it is now.

    What was there goes to the history as when a run replaces it, so that a rollback can be rolled back. Where it was
    better, the history and the log say so.

    Args:
        version: one that is kept; None is the newest of them.

    Raises:
        ConfigError: no reason. RegistryError: no such model, the version is not kept or half-written, or the folder
            can't be written; what was published is as it was.
    """
    reason = _reason(reason, "roll back")
    with _opened_at(models_root, model_id) as (registry, old):
        before, files = read_version(models_root, old, version)
        if "onnx_path" in before and "onnx_path" in before.get("exports", {}):
            # The folder may have been moved since the version was kept.
            before["onnx_path"] = onnx_path(models_root, before, _onnx_prefix(old), registry)
        loss = step_down(old, before)
        because = f"rolled back: {reason}" + (f"; WARNING: {loss}" if loss else "")
        name = version or kept_versions(old)[0]
        entry, past_files = succeed(models_root, old, before, because, keep=True, name=name)
        entry = write_entry(models_root, registry, entry, {**past_files, **files})
    if loss:
        log.warning("%s: %s", model_id, loss)
    return entry


def require(registry: Mapping[str, Any], models_root: Path, model_id: str) -> dict[str, Any]:
    """The entry of a model. Raises RegistryError when the folder has none."""
    entry = find(registry, model_id)
    if entry is None:
        there = ", ".join(e["id"] for e in registry["models"]) or "nothing"
        raise RegistryError(f"{models_root}: {model_id} is not published there; published: {there}")
    return entry


@contextlib.contextmanager
def _opened_at(models_root: Path, model_id: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(the registry, locked, and its entry of the model). Raises RegistryError as `opened` and `require`."""
    # A folder without the model is not made, as taking the lock would.
    require(load_registry(models_root), models_root, model_id)
    with opened(models_root) as registry:
        yield registry, require(registry, models_root, model_id)


def _restate(
    models_root: Path,
    registry: Mapping[str, Any],
    old: Mapping[str, Any],
    status: str,
    because: str,
    act: str,
) -> dict[str, Any]:
    """Writes another status of the same files, with a line of history and the card that agrees; returns the entry."""
    told = {**old, "status": status, "status_reason": f"{act}; {earned_by(old)}"}
    stand_in = f" Stand-in data: {old['stand_in']}" if old.get("stand_in") else ""
    before, note = opening_of_note(old), str(old.get("note"))
    further = note.removeprefix(before) if note.startswith(before) else stand_in
    entry, card = with_card(models_root, {**told, "note": f"{opening_of_note(told)}{further}"})
    line = history_line(old, because, None)
    entry["history"] = settled([line, *old.get("history", [])], {version_of(entry)})
    return write_entry(models_root, registry, entry, card)


def opening_of_note(entry: Mapping[str, Any]) -> str:
    """How the note of an entry begins: with its reason, said in other words where a person has changed its status."""
    reason, earned = str(entry.get("status_reason")), f"; {earned_by(entry)}"
    for act, place in _PLACES.items():
        if reason.startswith(act) and reason.endswith(earned):
            return f"{place}{reason.removeprefix(act).removesuffix(earned)}. {earned.removeprefix('; ')}."
    return f"{reason}."


def _onnx_prefix(entry: Mapping[str, Any]) -> str | None:
    """What stands before the ONNX file in a relative `onnx_path`, None where it is absolute."""
    own, below = entry.get("onnx_path", ""), entry.get("exports", {}).get("onnx_path", "")
    if not own or Path(own).is_absolute() or not own.endswith(below):
        return None
    return own.removesuffix(below) or "."


def _reason(reason: str, action: str) -> str:
    if not reason.strip():
        raise ConfigError(f'a reason is kept in the history; type registry.reason="why you {action}"')
    return " ".join(reason.split())


def with_card(models_root: Path, entry: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """(`entry` with the hash of its new card, the card by path), the card's status line as `entry` has it.

    A card that is not the published one, or has no such line, is left as it is, with a warning.
    """
    try:
        card = _restated(models_root, entry)
    except RegistryError as error:
        log.warning("%s: the model card still states the old status: %s", entry["id"], error)
        return dict(entry), {}
    name = entry["model_card"]
    facts = {"sha256": hashlib.sha256(card).hexdigest(), "bytes": len(card)}
    return {**entry, "files": {**entry["files"], name: facts}}, {name: card}


def _restated(models_root: Path, entry: Mapping[str, Any]) -> bytes:
    name = entry.get("model_card", "")
    facts = entry.get("files", {}).get(name)
    if facts is None or not is_published_name(name):
        raise RegistryError("it is not among the files of the entry; correct it by hand")
    line = f"Status **{entry['status']}**: {cell(entry['status_reason'])}."
    card, count = _STATUS.subn(lambda _: line.encode(), read_file(models_root, name, facts["sha256"]), count=1)
    if not count:
        raise RegistryError(f"{name} has no line that begins with 'Status **'; correct it by hand")
    return card
