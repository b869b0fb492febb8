"""The files of a models folder: what may be written there, and an entry's names and hashes."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from kmidi_lab.errors import RegistryError
from kmidi_lab.registry.left_out import LIST, why_left_out

SCHEMA = Path(__file__).with_name("registry.schema.json")
STAGING = ".staging"
FILE = "registry.json"
LOCK = f"{FILE}.lock"
HISTORY = "history"
LARGEST_FILE = 1 << 29
"""Bytes of any file that is read whole. The largest contract's model has 3 million weights, 40 MB as JSON."""
_RESERVED = (STAGING, FILE, LOCK, LIST, HISTORY)
KEPT_ENTRY = "entry.json"
_OF_A_MODEL = (
    "{}.json",
    "{}.onnx",
    "{}_model.h",
    "{}.kmw",
    "{}_runtime.h",
    "{}.head.json",
    "{}.table.bin",
    "{}.inputs.json",
    "{}.card.md",
    "golden/{}.json",
    "golden/{}.onnx.json",
    "golden/{}.audio.json",
    "golden/{}.text.json",
)
_ID = re.compile(r"[a-z0-9_]{1,80}")
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,120}")


def is_published_name(name: str) -> bool:
    """A path below the models folder, and none of the registry's own."""
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and path.parts[0] not in _RESERVED


def stays_below(root: Path, name: str) -> bool:
    """Whether the name is of a file below `root`, links followed, and not one of the registry's own."""
    try:
        return is_published_name(name) and (root / name).resolve().is_relative_to(root.resolve())
    except (OSError, ValueError, RuntimeError):
        return False


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


def check_below(folder: Path, name: str) -> None:
    """Raises RegistryError for a name that leads out of the folder, by itself or by a link."""
    if not stays_below(folder, name):
        raise RegistryError(
            f"{folder}: its registry names {name[:200]!r}, which leaves the folder or is the registry's own; correct the "
            "entry or export the model again"
        )


def check_names(names: Mapping[str, Any] | set[str], model_id: str) -> None:
    """Raises RegistryError for a name that the lab does not publish with that model."""
    for name in names:
        if not is_of_model(name, model_id):
            raise RegistryError(
                f"{name[:200]!r} is no name for a published file of {model_id}; allowed are "
                f"{', '.join(names_of(model_id))}; export the model again"
            )


def is_id(name: object) -> bool:
    """Whether it can be the id of a model, and so the name of a folder."""
    return isinstance(name, str) and _ID.fullmatch(name) is not None


def is_version(name: object) -> bool:
    """Whether it can be the folder of a kept version."""
    return isinstance(name, str) and _VERSION.fullmatch(name) is not None and name not in (".", "..")


def names_of(model_id: str) -> list[str]:
    """Every name that the lab may publish with that model."""
    names = [pattern.format(model_id) for pattern in _OF_A_MODEL] if is_id(model_id) else []
    return [name for name in names if name != FILE]


def is_of_model(name: object, model_id: str) -> bool:
    """Whether the lab publishes a file of that name with that model."""
    return name in names_of(model_id)


def is_written(name: object, model_id: str) -> bool:
    """Whether a change of that model may write or remove the file of that name: the registry, its own, its history."""
    if not isinstance(name, str):
        return False
    top, _, rest = name.partition(f"/{model_id}/")
    version, _, file = rest.partition("/")
    if top == HISTORY and is_id(model_id) and is_version(version):
        return file == KEPT_ENTRY or is_of_model(file, model_id)
    return name == FILE or is_of_model(name, model_id)


def link_on_the_way(root: Path, name: str) -> Path | None:
    """The first link below `root` (which may be one) down to the file of that name; None where there is none."""
    parts = PurePosixPath(name).parts
    steps = (root.joinpath(*parts[: end + 1]) for end in range(len(parts)))
    return next((path for path in steps if path.is_symlink()), None)
