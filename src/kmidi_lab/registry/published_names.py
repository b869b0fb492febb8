"""Which names the lab writes or removes below a models folder: one rule for publishing, the journal and the history.

A folder may come from someone else, and its JSON with it. Whatever a name there says, nothing else is touched.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

STAGING = ".staging"
FILE = "registry.json"
LOCK = f"{FILE}.lock"
HISTORY = "history"
KEPT_ENTRY = "entry.json"
_OF_A_MODEL = (
    "{}.json",
    "{}.onnx",
    "{}_model.h",
    "{}.head.json",
    "{}.card.md",
    "golden/{}.json",
    "golden/{}.onnx.json",
)
_ID = re.compile(r"[a-z0-9_]{1,80}")
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,120}")


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
    version, _, kept = rest.partition("/")
    if top == HISTORY and is_id(model_id) and is_version(version):
        return kept == KEPT_ENTRY or is_of_model(kept, model_id)
    return name == FILE or is_of_model(name, model_id)


def link_on_the_way(root: Path, name: str) -> Path | None:
    """The first link below `root` (which may be one) down to the file of that name; None where there is none."""
    parts = PurePosixPath(name).parts
    steps = (root.joinpath(*parts[: end + 1]) for end in range(len(parts)))
    return next((path for path in steps if path.is_symlink()), None)
