"""RTNeural files that a models folder was copied without, as the one in the wheel: which they are, and where they lie.

They are for C++ programs, and Python's inference needs none of them. `left_out.json` names each with the hash that the
registry tells of it, so that a file of another version, or of another kind, is missed as before.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kmidi_lab.errors import RegistryError, one_line, reason

LIST = "left_out.json"
_RTNEURAL, _SHA256 = re.compile(r"[a-z0-9_]{1,80}\.json"), re.compile(r"[0-9a-f]{64}")
_LARGEST, _LONGEST = 1 << 16, 160


@dataclass(frozen=True)
class LeftOut:
    """`hashes` are of the files, by name; `where` says where they are, such as "in outputs/release of the repository"."""

    where: str = ""
    hashes: Mapping[str, str] = field(default_factory=dict)


def listed(root: Path) -> LeftOut:
    """What the folder says; nothing is left out of one without a list.

    Raises:
        RegistryError: the list can't be read, or names what is no RTNeural file.
    """
    path = root / LIST
    if not path.is_file():
        return LeftOut()
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(_LARGEST))
        where, hashes = one_line(str(told["where"]), _LONGEST), told["files"]
        if not (isinstance(hashes, dict) and all(_SHA256.fullmatch(sha) for sha in hashes.values())):
            raise ValueError("files must map names to their sha256, 64 hex digits each")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RegistryError(f"{path}: not a list of files left out ({reason(error)}); copy the folder again") from error
    odd = next((name for name in hashes if not _RTNEURAL.fullmatch(name)), None)
    if odd is not None:
        raise RegistryError(
            f"{path}: names {one_line(odd, 80)!r}; only RTNeural files may be left out, so copy that file"
        )
    return LeftOut(where, hashes)


def is_partial(root: Path) -> bool:
    """Whether a folder lacks RTNeural files that its list names; also where the list can't be read."""
    try:
        return any(not os.path.lexists(root / name) for name in listed(root).hashes)
    except RegistryError:
        return True


def why_left_out(root: Path, name: str, sha256: str | None = None) -> str:
    """Why a file is not in the folder, and where it is; empty where it is there, or should be.

    Args:
        root: the folder.
        name: of the file, below it.
        sha256: what the registry tells of it; None where that is not known.

    Raises:
        RegistryError: as `listed`.
    """
    if not _RTNEURAL.fullmatch(name) or os.path.lexists(root / name):
        return ""
    left = listed(root)
    if name not in left.hashes or sha256 not in (None, left.hashes[name]):
        return ""
    return f"{name} is left out here; it is {left.where}"
