"""A models folder comes from the Hub: nothing is written before all of it is here, checked and verified.

What a repository holds was made by others. Only names that the lab publishes are taken, each with the hash that the
registry says, and the whole is verified in a temporary folder, as task=verify does, before one model after the other
takes its place. A model is published whole or not at all, and what it replaces is kept for a rollback.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmidi_lab.errors import HubError, RegistryError
from kmidi_lab.files import in_a_temporary_folder
from kmidi_lab.hub.client import Listing, Repository
from kmidi_lab.hub.push import portable
from kmidi_lab.registry.files import LARGEST_FILE, declared_files
from kmidi_lab.registry.names import FILE, check_names
from kmidi_lab.registry.policy import may_replace
from kmidi_lab.registry.registry import find, load_registry, publish
from kmidi_lab.registry.schema import validate
from kmidi_lab.registry.versions import check_seal, version_of
from kmidi_lab.verify.folder import verify_folder

_MOST_MODELS = 100
_LARGEST_REGISTRY = 1 << 25
_LARGEST = 1 << 30
"""Bytes of all files together; they are held in memory until all are checked."""


@dataclass(frozen=True)
class Download:
    """What came: models that were published here, and those that were here already."""

    commit: str
    new: list[str]
    same: list[str]
    files: int
    bytes: int


def pull(repository: Repository, revision: str | None, models_root: Path) -> Download:
    """Publishes the models of a repository in `models_root`.

    Args:
        repository: that a push has made.
        revision: branch, tag or commit; None is the newest.
        models_root: the folder, made where there is none.

    Raises:
        HubError: it can't be had, or it is no models folder. RegistryError: it is not as its registry says, or may not
            replace what is published here. Nothing is written in both cases.
    """
    there = repository.listing(revision)
    if FILE not in there.files:
        raise HubError(f"{repository.name}: no {FILE} there, so it is no models folder of this lab; check the name")
    registry = _registry(repository, there)
    files = {entry["id"]: _files(repository, there, entry) for entry in registry["models"]}
    _verify(repository.name, registry, files)
    here = load_registry(models_root)
    same = [e["id"] for e in registry["models"] if (old := find(here, e["id"])) and version_of(old) == version_of(e)]
    new = [entry for entry in registry["models"] if entry["id"] not in same]
    for entry in new:
        allowed, why = may_replace(find(here, entry["id"]), entry["status"], entry.get("stand_in"))
        if not allowed:
            raise RegistryError(f"{entry['id']}: {why}; nothing was pulled. Type another models_root")
    for entry in new:
        publish(models_root, entry, files[entry["id"]], because=f"pulled {repository.name} at {there.commit[:12]}")
    contents = [data for by_name in files.values() for data in by_name.values()]
    return Download(there.commit, [e["id"] for e in new], same, len(contents), sum(map(len, contents)))


def _registry(repository: Repository, there: Listing) -> dict[str, Any]:
    """The registry, of which every file is there as it says. Raises RegistryError, HubError."""
    where = Path(repository.name, FILE)
    try:
        registry = json.loads(repository.read(FILE, there.commit, _LARGEST_REGISTRY))
    except (ValueError, RecursionError) as error:
        raise RegistryError(f"{where}: not JSON ({error}); nothing was pulled") from error
    validate(registry, where)
    entries = registry["models"]
    ids = [entry["id"] for entry in entries]
    if len(set(ids)) < len(ids) or not 0 < len(ids) <= _MOST_MODELS:
        raise RegistryError(f"{where}: names {len(ids)} models, {len(set(ids))} of them different; nothing was pulled")
    total = 0
    for entry in entries:
        if not entry.get("files") or not entry.get("exports", {}).get("onnx_path"):
            raise RegistryError(f"{where}: {entry['id']} lists no files, or no ONNX file; nothing was pulled")
        check_names(dict(declared_files(entry)), entry["id"])
        check_seal(entry)
        total += sum(_size_there(repository.name, there, name, sha) for name, sha in declared_files(entry))
    if total > _LARGEST:
        raise RegistryError(
            f"{where}: names files of {total >> 20} MiB, more than {_LARGEST >> 20}; nothing was pulled"
        )
    return {**registry, "models": [portable(entry) for entry in entries]}


def _size_there(repo: str, there: Listing, name: str, sha: str | None) -> int:
    file = there.files.get(name)
    if file is None:
        raise RegistryError(f"{repo}: its registry names {name}, which is not there; nothing was pulled")
    if not 0 <= file.size <= LARGEST_FILE:
        raise RegistryError(f"{repo}: {name} has {file.size} bytes, more than a model has; nothing was pulled")
    if file.sha256 not in (None, sha):
        raise _differs(repo, name)
    return file.size


def _files(repository: Repository, there: Listing, entry: Mapping[str, Any]) -> dict[str, bytes]:
    """The content of each file by its name. Raises RegistryError: it has another hash than the entry says."""
    files = {}
    for name, sha in declared_files(entry):
        files[name] = repository.read(name, there.commit, there.files[name].size)
        if hashlib.sha256(files[name]).hexdigest() != sha:
            raise _differs(repository.name, name)
    return files


def _verify(repo: str, registry: dict[str, Any], files: Mapping[str, Mapping[str, bytes]]) -> None:
    content = {name: data for by_name in files.values() for name, data in by_name.items()}
    content[FILE] = json.dumps(registry, ensure_ascii=False).encode()
    with in_a_temporary_folder(content) as folder:
        faults = verify_folder(folder, None).faults
    if faults:
        text = f"{faults[0].subject}: {faults[0].message}".replace(str(folder), repo)
        raise RegistryError(f"{repo}: {text} ({len(faults)} faults in all); nothing was pulled")


def _differs(repo: str, name: str) -> RegistryError:
    return RegistryError(f"{repo}: {name} has another sha256 than its registry says; nothing was pulled")
