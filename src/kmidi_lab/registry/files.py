"""The files of a models folder: those that an entry names, their content and their hashes."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kmidi_lab.errors import RegistryError
from kmidi_lab.registry.left_out import why_left_out
from kmidi_lab.registry.names import check_below, check_names, is_of_model

LARGEST_FILE = 1 << 29
"""Bytes of any file that is read whole. The largest contract's model has 3 million weights, 40 MB as JSON."""


def file_names(entry: Mapping[str, Any]) -> set[str]:
    """Every file the entry names, below the models folder."""
    return {name for name, _ in declared_files(entry)}


def declared_files(entry: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """(name, sha256), a name twice where the entry contradicts itself; a foreign entry may tell no hash."""
    exports = entry.get("exports", {})
    files = [(entry["file"], exports.get("sha256"))]
    if "onnx_path" in exports:
        files.append((exports["onnx_path"], exports.get("onnx_sha256")))
    files += [(name, facts["sha256"]) for name, facts in entry.get("files", {}).items()]
    return list(dict.fromkeys(files))


def fingerprint(entry: Mapping[str, Any]) -> str:
    """One hash over the names and hashes of all files that the entry names."""
    return hashlib.sha256(
        "\n".join(sorted(f"{name} {sha}" for name, sha in declared_files(entry))).encode()
    ).hexdigest()


def check_files(entry: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    """Raises RegistryError unless `files` has every file of the entry, with the hash that it tells."""
    check_names(files, entry["id"])
    for name, sha in declared_files(entry):
        if name not in files:
            raise RegistryError(f"{entry['id']}: the entry names {name}, which is not among the files to publish")
        if hashlib.sha256(files[name]).hexdigest() != sha:
            raise RegistryError(
                f"{entry['id']}: the entry's sha256 of {name} is not that of the file; make the entry again"
            )


def read_files(folder: Path, entry: Mapping[str, Any]) -> dict[str, bytes]:
    """The content of every file of an entry, from `folder`.

    Raises:
        RegistryError: the entry lists no files, or one is missing, can't be read or has another hash.
    """
    if not entry.get("files"):
        raise RegistryError(f"{entry['id']}: the entry lists no files; export the model again")
    check_names(file_names(entry), entry["id"])
    return {name: read_file(folder, name, sha) for name, sha in declared_files(entry)}


def read_file(folder: Path, name: str, sha: str | None) -> bytes:
    """The content of one file. Raises RegistryError when it is not below `folder`, can't be read or has another hash."""
    check_below(folder, name)
    try:
        data = read_bounded(folder / name)
    except OSError as error:
        if why := why_left_out(folder, name, sha):
            raise RegistryError(f"{folder}: {why}; name a folder that holds it") from error
        raise RegistryError(
            f"{folder / name}: can't be read ({error.strerror or error}); restore it or export the model again"
        ) from error
    if hashlib.sha256(data).hexdigest() != (sha or "").lower():
        raise RegistryError(
            f"{folder / name}: half-written or changed, its sha256 is not the one in the entry; "
            "restore it or export the model again"
        )
    return data


def check_hashes(folder: Path, entry: Mapping[str, Any]) -> None:
    """Raises RegistryError unless every file that the entry tells a hash of is below `folder` and has that hash.

    The card is not looked at: nothing is computed from it. A file that the folder was copied without is not missed.
    """
    for name, sha in declared_files(entry):
        if sha is not None and not name.endswith(".card.md") and not why_left_out(folder, name, sha):
            read_file(folder, name, sha)


class TooLargeError(OSError):
    """A file of more bytes than are read."""


def read_bounded(path: Path, largest: int = LARGEST_FILE) -> bytes:
    """The content of a plain file.

    Args:
        path: of the file.
        largest: bytes that it may have; by default those that no model has.

    Raises:
        OSError: it can't be read, or is no plain file. TooLargeError: it has more bytes.
    """
    if not path.is_file():
        # A pipe would block whoever opens it, and a device may never end.
        missing = not os.path.lexists(path)
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT)) if missing else OSError(errno.EINVAL, "not a plain file")
    with path.open("rb") as file:
        data = file.read(largest + 1)
    if len(data) > largest:
        size = f"{largest >> 20} MiB" if largest >= 1 << 20 else f"{largest >> 10} KiB"
        raise TooLargeError(errno.EFBIG, f"larger than {size}")
    return data


def left_behind(old: Mapping[str, Any], registry: Mapping[str, Any]) -> list[str]:
    """The files of `old` that no entry of the registry names any more; only those that the lab publishes."""
    names = {name for entry in registry["models"] for name in file_names(entry)}
    return sorted(name for name in old.get("files", {}) if name not in names and is_of_model(name, old["id"]))
