"""Several files that take their names together: all are on the disk before the first name changes, one process at a
time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from kmidi_lab.errors import FileError
from kmidi_lab.files import as_it_was, sync, write_new

_ENDING = ".new"
"""Not that of `write_atomic`, which asks for no lock: what has it may be of a process that is alive."""


@contextlib.contextmanager
def staged(files: Mapping[Path, bytes], alone: bool) -> Iterator[dict[Path, Path]]:
    """Writes each file under another name in its folder, so that a rename is all that is left to do.

    Args:
        files: what each path shall hold.
        alone: nobody else writes them now (`alone_in`), so that those of a run that was killed are removed.

    Yields:
        The written file of each path. Those that have not been renamed are removed at the end.

    Raises:
        FileError: the disk is full, the folder is not writable …; nothing has changed.
    """
    waiting = {path: path.with_name(f".{path.name}.{uuid.uuid4().hex}{_ENDING}") for path in files}
    try:
        if alone:
            _remove_left(files)
        for path, data in files.items():
            try:
                write_new(waiting[path], data)
            except OSError as error:
                raise as_it_was(path, error) from error
        yield waiting
    finally:
        for temp in waiting.values():
            with contextlib.suppress(OSError):
                temp.unlink(missing_ok=True)


def write_together(files: Mapping[Path, bytes]) -> None:
    """Writes files that belong together: none of them is new where the disk has no place for all. Makes missing
    folders.

    Raises:
        FileError: one can't be written; nothing has changed, or it says what is new already (`take_names`).
    """
    for folder in {path.parent for path in files}:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise as_it_was(folder, error) from error
    with staged(files, False) as waiting:
        take_names(waiting)


def take_names(waiting: Mapping[Path, Path], before: Iterable[Path] = ()) -> None:
    """Renames what `staged` has written, one file after the other, and makes the names durable.

    Args:
        waiting: the written file of each path.
        before: files that go with them and are new already.

    Raises:
        FileError: a folder refuses a name; says which of the files have theirs already.
    """
    new = [path.name for path in before]
    try:
        for path, temp in waiting.items():
            temp.replace(path)
            new.append(path.name)
        for folder in {path.parent for path in waiting}:
            sync(folder)
    except OSError as error:
        if not new:
            raise as_it_was(path, error) from error
        raise FileError(
            f"{path}: can't be written ({error.strerror or error}), and of the files that go together "
            f"{', '.join(new)} {'is' if len(new) == 1 else 'are'} new already; write them again, or choose another folder"
        ) from error


def _remove_left(files: Iterable[Path]) -> None:
    for path in files:
        left = re.compile(re.escape(f".{path.name}.") + "[0-9a-f]{32}" + re.escape(_ENDING))
        with contextlib.suppress(OSError):
            for other in path.parent.iterdir():
                if left.fullmatch(other.name):
                    other.unlink(missing_ok=True)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[bool]:
    """Waits until no other process is in here for this folder. Where the disk has no locks, nobody waits, and it yields
    False.

    It is the folder itself that is locked: it is somebody's own, and a lock file would stay there. A killed process
    lets go.
    """
    with contextlib.ExitStack() as until_done:
        alone = False
        with contextlib.suppress(OSError):
            handle = os.open(folder, os.O_RDONLY)
            until_done.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
            alone = True
        yield alone
