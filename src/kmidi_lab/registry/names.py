"""Names in a models folder: which are the registry's own, which a model's, and which lead out of the folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from kmidi_lab.errors import RegistryError
from kmidi_lab.registry.left_out import LIST

STAGING = ".staging"
FILE = "registry.json"
LOCK = f"{FILE}.lock"
HISTORY = "history"
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
