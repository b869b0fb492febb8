"""The journal of a replacement: read, and refused where it is not one that the lab can have written.

A models folder may come from someone else. Every name must be one that the lab writes for the model
(`published_names`), and nothing on the way there may be a link.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmidi_lab.registry.published_names import FILE, STAGING, is_id, is_written, link_on_the_way
from kmidi_lab.verify.findings import show

JOURNAL = "journal.json"
_LARGEST = 1 << 16


@dataclass(frozen=True)
class Plan:
    """What a journal says: files to move out of the staging folder of a run, then files to remove."""

    run: str
    files: Sequence[str]
    remove: Sequence[str]


def read_plan(root: Path) -> Plan:
    """The journal. Raises ValueError, RecursionError: it is none that the lab has written."""
    path = root / STAGING / JOURNAL
    link = link_on_the_way(root, f"{STAGING}/{JOURNAL}")
    if link is not None or not path.is_file():
        raise ValueError(f"{link or path} is a link or no file")
    with path.open("rb") as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST} bytes")
    told = json.loads(data)
    if not isinstance(told, dict) or not isinstance(told.get("run"), str):
        raise ValueError("it names no run")
    files: Any = told.get("files")
    remove: Any = told.get("remove", [])
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in (files, remove)):
        raise ValueError("files and remove must be lists of names")
    plan = Plan(told["run"], files, remove)
    check_plan(root, plan)
    lost = [n for n in plan.files if not (root / STAGING / plan.run / n).is_file() and not (root / n).is_file()]
    if lost:
        # Only a hand from outside gets here: a file leaves staging by one rename.
        raise ValueError(f"{show(lost[0])} was lost from {STAGING}/{plan.run} while it was being published")
    return plan


def check_plan(root: Path, plan: Plan) -> None:
    """Raises ValueError unless every name is one that the lab writes for this model, and no link or folder is there."""
    if not is_id(plan.run):
        raise ValueError(f"run {show(plan.run)} is no id of a model")
    names = [*plan.files, *plan.remove]
    odd = [name for name in names if not is_written(name, plan.run)]
    if odd:
        raise ValueError(f"{show(odd[0])} is no file that the lab writes for {plan.run}")
    if len(set(names)) < len(names) or list(plan.files)[-1:] != [FILE]:
        raise ValueError(f"{FILE} must be the last of the files, and every name be there once")
    for name in [*names, *(f"{STAGING}/{plan.run}/{name}" for name in plan.files)]:
        link = link_on_the_way(root, name)
        if link is not None or (root / name).is_dir():
            raise ValueError(f"{link or root / name} is a {'link' if link else 'folder'}, and the lab makes none there")
