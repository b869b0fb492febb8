"""Several files take their places together: staging, a journal that commits, and its completion after a crash.

    .staging/<run>/<file>    every new file, written and synced
    .staging/journal.json    the commit: from here on the new state will be reached
    <file>                   moved out of staging one by one, in the order given
    <file>                   removed, where the new state has it no more
    .staging                 removed

A crash before the journal leaves the old files untouched; after it, `complete` moves what is still staged. Both
functions want the caller to hold the lock of `root`. A journal may come with a folder from someone else, so it is
carried out only where `check_plan` finds nothing against it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmidi_lab.errors import FileError, RegistryError, show
from kmidi_lab.files import sync, write_atomic, write_new
from kmidi_lab.registry.names import FILE, STAGING, is_id, is_written, link_on_the_way

JOURNAL = "journal.json"
_LARGEST = 1 << 16
_AT_THE_TOP = re.compile(r"journal\.json|\.journal\.json\.[0-9a-f]{32}\.tmp")
"""The journal, and what is left of one whose writing was cut short."""


def replace_together(root: Path, run: str, files: Mapping[str, bytes], remove: Sequence[str] = ()) -> None:
    """Puts `files` (path below `root`: content) in place, the last one last, then removes the files in `remove`.

    Args:
        root: a folder where `complete` has just run.
        run: the id of the model, which names the staging folder.

    Raises:
        RegistryError: nothing has changed, unless the message says that the next opening will finish the work.
    """
    staging, plan = root / STAGING, Plan(run, list(files), list(remove))
    try:
        check_plan(root, plan)
    except (OSError, ValueError) as error:
        raise RegistryError(f"{root}: can't be written ({error}); the models there are as they were") from error
    targets = [root / name for name in files]
    # A full disk must show before the commit, so the folders are made before it too.
    missing = sorted({p for t in targets for p in t.relative_to(root).parents if not (root / p).exists()})
    try:
        for name, data in files.items():
            path = staging / run / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_new(path, data)
        for folder in {(staging / run / name).parent for name in files} | {staging / run, staging, root}:
            sync(folder)
        for folder in missing:
            _make_folder(root / folder)
        write_atomic(staging / JOURNAL, json.dumps(vars(plan)).encode())
    except (OSError, FileError, RegistryError) as error:
        _discard(staging)
        for folder in reversed(missing):
            with contextlib.suppress(OSError):
                (root / folder).rmdir()
        why = error.strerror or error if isinstance(error, OSError) else error
        raise RegistryError(
            f"{root}: can't be written ({why}); the models there are as they were. "
            "Free space, or choose a models_root that may be written"
        ) from error
    complete(root)


def is_committed(root: Path) -> bool:
    """Whether a replacement was cut short after its commit, so that `complete` has to finish it, or to refuse it."""
    return (root / STAGING).is_symlink() or os.path.lexists(root / STAGING / JOURNAL)


def complete(root: Path) -> None:
    """Finishes a committed replacement that a crash has cut short, and clears one that was not committed.

    Raises:
        RegistryError: it can't be finished now, or is none that the lab began; what is left is as it was.
    """
    staging = root / STAGING
    if not os.path.lexists(staging):
        return
    if (other := next(_others_in(staging), None)) is not None:
        raise RegistryError(
            f"{staging}: holds {show(other)}, which the lab does not write; nothing was touched; move it elsewhere"
        )
    journal = staging / JOURNAL
    try:
        if is_committed(root):
            _carry_out(root, read_plan(root))
            journal.unlink()
            sync(staging)
        shutil.rmtree(staging)
    except OSError as error:
        raise RegistryError(
            f"{root}: the models wait in {staging} ({error.strerror or error}); make the folder writable, free space, "
            "and the next opening puts them in place"
        ) from error
    except (ValueError, RecursionError) as error:
        why = " ".join(str(error).split())
        raise RegistryError(
            f"{journal}: broken ({why}); nothing was touched; delete {staging} and export the model again"
        ) from error


def _others_in(staging: Path) -> Iterator[str]:
    """What stands there and is no part of a publish, so that clearing it could lose someone's work."""
    for folder, _, files in os.walk(staging):
        for path in (Path(folder, name).relative_to(staging) for name in files):
            run, name = path.parts[0], path.relative_to(path.parts[0]).as_posix()
            ours = _AT_THE_TOP.fullmatch(run) if name == "." else is_id(run) and is_written(name, run)
            if not ours:
                yield path.as_posix()


def _carry_out(root: Path, plan: Plan) -> None:
    for name in plan.files:
        _move(root / STAGING / plan.run / name, root / name)
    for name in plan.remove:
        path = root / name
        if path.exists():
            path.unlink()
            sync(path.parent)


def _move(staged: Path, target: Path) -> None:
    if staged.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(target)
        sync(target.parent)


def _make_folder(path: Path) -> None:
    path.mkdir()
    sync(path.parent)


def _discard(staging: Path) -> None:
    """The journal goes first: without it, whatever else is left counts as not committed."""
    try:
        (staging / JOURNAL).unlink(missing_ok=True)
    except OSError:
        return
    shutil.rmtree(staging, ignore_errors=True)


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
    content = json.loads(data)
    if not isinstance(content, dict) or not isinstance(content.get("run"), str):
        raise ValueError("it names no run")
    files: Any = content.get("files")
    remove: Any = content.get("remove", [])
    if not all(isinstance(names, list) and all(isinstance(name, str) for name in names) for names in (files, remove)):
        raise ValueError("files and remove must be lists of names")
    plan = Plan(content["run"], files, remove)
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
