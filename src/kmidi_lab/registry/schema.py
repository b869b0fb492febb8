"""What a registry may hold: KmiDi's JSON schema with the lab's keys, and the versions that this lab reads."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema

from kmidi_lab.errors import RegistryError

VERSION = "1.1"
SCHEMA = Path(__file__).with_name("registry.schema.json")


def validate(registry: Any, path: Path) -> None:
    """Raises RegistryError, naming `path` and the place in it, unless it is a registry of a version known here."""
    version = str(registry.get("registry_version", "")) if isinstance(registry, dict) else ""
    if version.partition(".")[0] not in ("", VERSION.partition(".")[0]):
        raise RegistryError(
            f"{path}: registry_version {version[:40]}, this lab knows 1.x; update kmidi_lab or give another models_root"
        )
    _refuse_misfit(registry, schema(), path, "correct it or take it from a backup")


def validate_entry(entry: Any, path: Path) -> None:
    """Raises RegistryError unless it can stand in a registry."""
    kind = {**schema()["definitions"]["ModelEntry"], "definitions": schema()["definitions"]}
    _refuse_misfit(entry, kind, path, "restore it from a backup or name another registry.version")


def fault_text(error: jsonschema.ValidationError) -> str:
    """What is wrong, behind the place where."""
    where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path).lstrip(".") or "the file"
    return f"{where}: {error.message[:200]}"


def _refuse_misfit(value: Any, kind: dict[str, Any], path: Path, advice: str) -> None:
    _check_text(value, path)
    error = jsonschema.exceptions.best_match(jsonschema.Draft7Validator(kind).iter_errors(value))
    if error is not None:
        raise RegistryError(f"{path}: {fault_text(error)}; {advice}")


def _check_text(value: Any, path: Path) -> None:
    """JSON can escape halves of characters, which no file and no terminal takes."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = error.object[error.start]
        raise RegistryError(f"{path}: holds {half!a}, half of a character; take it from a backup") from None
    except RecursionError:
        raise RegistryError(f"{path}: nested too deep; take it from a backup") from None


@functools.cache
def schema() -> dict[str, Any]:
    return dict(json.loads(SCHEMA.read_bytes()))
