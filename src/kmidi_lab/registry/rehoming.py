"""A models folder that was moved, for the reader of KmiDi that takes a path as it is given."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from kmidi_lab.errors import RegistryError, show
from kmidi_lab.registry.names import FILE, check_below
from kmidi_lab.registry.registry import absolute, find, load_registry, opened, write_entry
from kmidi_lab.registry.versions import check_seal


def rehome(models_root: Path) -> list[str]:
    """Writes every entry's `onnx_path` as the absolute path in this folder; returns the ids of the entries changed.

    Of KmiDi's readers one takes the path as it is given and one joins it to the folder: an absolute path opens in both.

    Raises:
        RegistryError: as `load_registry`, no registry or a file that an entry names is missing, an id stands there
            twice, an entry was changed by hand, or the folder can't be written; each entry is as it was or changed.
    """
    if not (models_root / FILE).is_file():
        raise RegistryError(f"{models_root}: no {FILE} there; give models_root, a folder with published models")
    changed = []
    entries = [e for e in load_registry(models_root)["models"] if e.get("exports", {}).get("onnx_path")]
    for entry in entries:
        check_below(models_root, entry["exports"]["onnx_path"])
    twice = [name for name, count in Counter(e["id"] for e in entries).items() if count > 1]
    if twice:
        raise RegistryError(f"{models_root}: its registry has {twice[0]!r} twice; take one entry out")
    missing = [e["exports"]["onnx_path"] for e in entries if not _is_there(models_root / e["exports"]["onnx_path"])]
    if missing:
        raise RegistryError(f"{models_root}: {show(missing[0])} is not there; copy the whole folder, or publish again")
    for entry in entries:
        path = absolute(models_root, entry["exports"]["onnx_path"])
        if path == entry.get("onnx_path"):
            continue
        with opened(models_root) as registry:
            there = find(registry, entry["id"])
            if there is not None:
                check_seal(there)
                write_entry(models_root, registry, {**there, "onnx_path": path}, {})
                changed.append(entry["id"])
    return changed


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that no file can have
        return False
