"""A user's own version of a published model: files in a folder beside the release, which name the release's hashes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kmidi_lab.errors import ConfigError, RegistryError, one_line, reason, show
from kmidi_lab.inference.published import Published, load_onnx
from kmidi_lab.registry.files import read_bounded, read_file

FILE, FORMAT = "adapter.json", "kmidi-adapter-1"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")


def base_hashes(published: Published) -> dict[str, str]:
    """SHA-256 of the files that make the model, by name: what an adapter belongs to."""
    own = {f"{published.contract.id}.{kind}" for kind in ("onnx", "json", "head.json")}
    return {name: facts["sha256"] for name, facts in published.entry.get("files", {}).items() if name in own}


def named_folder(name: str, model: str, output_root: Path) -> Path:
    """Where the adapter of a name lies, below `output_root`. Raises ConfigError: no name."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"adapt.name={show(name)} must be 1 to 40 of A-Z a-z 0-9 _ -, such as adapt.name=mine")
    return output_root / "adapters" / model / name


def adapter_folder(named: str, model: str, output_root: Path) -> Path:
    """Where an adapter lies: a name below `output_root`, or a folder by its path.

    Raises:
        ConfigError: neither.
    """
    if _NAME.fullmatch(named):
        return named_folder(named, model, output_root)
    if "/" in named or "\\" in named:
        return Path(named)
    raise ConfigError(f"adapter {one_line(named, 60)!r} must be 1 to 40 of A-Z a-z 0-9 _ -, or a folder's path")


def with_adapter(published: Published, folder: Path) -> Published:
    """The published model as its user has adapted it.

    Raises:
        ConfigError: no adapter there, or it belongs to another model or another version of this one.
        RegistryError: its files are damaged.
    """
    try:
        held: Any = json.loads(read_bounded(folder / FILE))
        if not isinstance(held, Mapping) or held.get("format") != FORMAT:
            raise ValueError(f"format is not {FORMAT!r}")
        model, base, files = str(held["model"]), dict(held["base"]), dict(held["files"])
    except OSError as error:
        there = sorted(path.parent.name for path in folder.parent.glob(f"*/{FILE}"))
        what = (
            f"there is {', '.join(there)}" if there else "task=adapt makes one, for a model that learns from feedback"
        )
        raise ConfigError(f"{folder}: no adapter there ({reason(error)}); {what}") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RegistryError(
            f"{folder / FILE}: no adapter ({one_line(str(error))}); make it again by task=adapt"
        ) from None
    contract = published.contract
    if model != contract.model:
        raise ConfigError(f"{folder}: an adapter of model={one_line(model, 40)}, not {contract.model}")
    if not base or base != base_hashes(published):
        raise ConfigError(
            f"{folder}: made for another version of {contract.id} than the one in {published.folder}; type task=adapt "
            "to make it again, or name the models_root that it was made for"
        )
    for name, sha256 in files.items():
        read_file(folder, str(name), str(sha256))
    onnx = next((name for name in files if name.endswith(f"{contract.id}.onnx")), None)
    if onnx is None:
        raise RegistryError(f"{folder / FILE}: names no {contract.id}.onnx; make it again by task=adapt")
    adapted = load_onnx(folder / onnx, contract, published.entry, published.table)
    return replace(published, model=adapted.model, head=adapted.head, folder=(folder / onnx).parent)
