"""The list of RTNeural files that a folder was copied without: whether it tells the truth, and what it excuses."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kmidi_lab.errors import RegistryError, show
from kmidi_lab.registry.left_out import LIST, listed, why_left_out
from kmidi_lab.verify.entry import section, text
from kmidi_lab.verify.findings import Checks


def check_left_out(folder: Checks, root: Path, entries: Sequence[dict[str, Any]]) -> None:
    """Whether all that is left out are RTNeural files of the folder's entries, with the hashes told there.

    What was published or copied there since then is checked as every other file is.
    """
    try:
        hashes = listed(root).hashes
    except RegistryError as error:
        folder.fault("left out", str(error))
        return
    told = {text(e.get("rtneural_path")): section(section(e, "files"), str(e.get("rtneural_path"))) for e in entries}
    missing = {name: sha for name, sha in hashes.items() if not os.path.lexists(root / name)}
    odd = [name for name, sha in missing.items() if name not in told or told[name].get("sha256") != sha]
    fault = (
        f"{LIST} names {show(', '.join(odd))}, which no entry has as its RTNeural file with that hash; copy that file"
    )
    if hashes:
        folder.expect("left out", not odd, fault)


def why_missing(root: Path, name: str, hashes: set[Any]) -> str:
    """Why the folder has no file of that name; empty where it should have one.

    Args:
        root: the folder.
        name: of the file, below it.
        hashes: all that the registry tells of it.
    """
    if len(hashes) != 1:
        return ""
    try:
        return why_left_out(root, name, str(*hashes))
    except RegistryError:  # a fault of the folder already
        return ""
