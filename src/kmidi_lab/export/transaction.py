"""Several files take their places together: staging, a journal that commits, and its completion after a crash.

    .staging/<run>/<file>    every new file, written and synced
    .staging/journal.json    the commit: from here on the new state will be reached
    <file>                   moved out of staging one by one, in the order given
    .staging                 removed

A crash before the journal leaves the old files untouched; after it, `complete` moves what is still staged. Both
functions want the caller to hold the lock of `root`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from kmidi_lab.errors import RegistryError
from kmidi_lab.export.atomic import sync_folder, write_atomic, write_synced

STAGING = ".staging"
_JOURNAL = "journal.json"


def replace_together(root: Path, run: str, files: Mapping[str, bytes]) -> None:
    """Puts `files` (path below `root`: content) in place, the last one last.

    Args:
        root: a folder where `complete` has just run. run: name of the staging folder.

    Raises:
        RegistryError: nothing has changed, unless the message says that the next opening will finish the work.
    """
    staging = root / STAGING
    try:
        for name, data in files.items():
            path = staging / run / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_synced(path, data)
        for folder in {(staging / run / name).parent for name in files} | {staging / run, staging, root}:
            sync_folder(folder)
        write_atomic(staging / _JOURNAL, json.dumps({"run": run, "files": list(files)}).encode())
    except (OSError, RegistryError) as error:
        _discard(staging)
        why = error.strerror or error if isinstance(error, OSError) else error
        raise RegistryError(
            f"{root}: can't be written ({why}); the models there are as they were. "
            "Free space, or choose a models_root that may be written"
        ) from error
    complete(root)


def complete(root: Path) -> None:
    """Finishes a committed replacement that a crash has cut short, and clears one that was not committed.

    Raises:
        RegistryError: it can't be finished now; what is left is as it was.
    """
    staging = root / STAGING
    if not staging.exists():
        return
    journal = staging / _JOURNAL
    try:
        if journal.exists():
            plan = json.loads(journal.read_bytes())
            for name in plan["files"]:
                _move(staging / plan["run"] / name, root / name)
            journal.unlink()
            sync_folder(staging)
        shutil.rmtree(staging)
    except OSError as error:
        raise RegistryError(
            f"{root}: the models wait in {staging} ({error.strerror or error}); make the folder writable, free space, "
            "and the next opening puts them in place"
        ) from error


def _move(staged: Path, target: Path) -> None:
    if staged.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(target)
        sync_folder(target.parent)
    elif not target.exists():
        # Only a hand from outside gets here: a file leaves staging by the one rename above.
        raise RegistryError(
            f"{target}: lost from {staged.parent} while it was being published; "
            f"delete {STAGING} there and export the model again"
        )


def _discard(staging: Path) -> None:
    """The journal goes first: without it, whatever else is left counts as not committed."""
    try:
        (staging / _JOURNAL).unlink(missing_ok=True)
    except OSError:
        return
    shutil.rmtree(staging, ignore_errors=True)
