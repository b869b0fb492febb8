"""Files that are there whole or not at all, also after a crash or a power cut."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import uuid
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from kmidi_lab.errors import FileError

ROOTS = ("DATA_ROOT", "MODELS_ROOT", "OUTPUT_ROOT")
"""Variables of the environment that name folders of the lab."""
_HOME = re.compile(r"""(^|[,\["'])(~[\w.-]*)(?=/|$)""")


def with_home(text: str) -> str:
    """The same with the home folder for `~`, and `~name` of a user, where a path begins: at the front, and of each in a list."""
    return _HOME.sub(_expanded, text) if "~" in text else text


def _expanded(match: re.Match[str]) -> str:
    try:
        return match[1] + str(Path(match[2]).expanduser())
    except RuntimeError:  # no user of that name: a file may have it
        return match[0]


def write_atomic(path: Path, data: bytes, mode: int | None = None, at_once: bool = False) -> None:
    """Writes `data` so that a reader sees the old file or the new one, never a part; makes missing folders.

    Args:
        path: of the file.
        data: all of it.
        mode: who may read it, such as 0o600; None is what new files have.
        at_once: a reader sees the new file before it is on the disk, for which a busy disk may take seconds: for last
            words, which come before a kill.

    Raises:
        FileError: the disk is full, the folder is not writable …; the old file is as it was.
    """
    # Not tempfile: its files are readable by their owner alone, and other users read what is published.
    temp = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_new(temp, data, mode, synced=not at_once)
            temp.replace(path)
        finally:
            temp.unlink(missing_ok=True)
        if at_once:  # what is there already needs no error
            with contextlib.suppress(OSError):
                sync(path)
                sync(path.parent)
        else:
            sync(path.parent)
    except OSError as error:
        raise as_it_was(path, error) from error


def is_there(path: Path) -> bool:
    """Whether there is such a file or folder; there is none of a name that no disk takes, such as one too long."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def as_it_was(path: Path, error: OSError) -> FileError:
    """The error of a file that could not be written, where nothing has changed."""
    return FileError(
        f"{path}: can't be written ({error.strerror or error}); what was there is as it was. "
        "Free space, or choose a folder that may be written"
    )


def remove_folder(folder: Path, own: Collection[str], root: Path) -> bool:
    """Removes a folder that holds nothing but what is named in `own`, and what is empty then between it and `root`.

    Returns:
        Whether it is gone.
    """
    try:
        if not {path.name for path in folder.iterdir()} <= set(own):
            return False
        shutil.rmtree(folder)
        for above in folder.resolve().parents:
            if root.resolve() not in above.parents:
                break
            above.rmdir()
    except OSError:  # a folder above holds more, or a file is in use
        pass
    return not folder.exists()


def check_writable(folder: Path) -> None:
    """Makes the folder, writes a file into it and removes it. Raises FileError."""
    probe = folder / f".probe-{uuid.uuid4().hex}"
    try:
        write_atomic(probe, b"probe")
        probe.unlink(missing_ok=True)
    except (FileError, OSError) as error:
        cause = error.__cause__ if isinstance(error, FileError) else error
        why = cause.strerror if isinstance(cause, OSError) else cause
        raise FileError(
            f"{folder}: can't be written ({why}); free space, or choose a folder that may be written"
        ) from error


@contextlib.contextmanager
def in_a_temporary_folder(files: Mapping[str, bytes]) -> Iterator[Path]:
    """A folder with these files (path below it: content), which is gone afterwards. Raises FileError."""
    with contextlib.ExitStack() as until_done:
        try:
            folder = Path(until_done.enter_context(tempfile.TemporaryDirectory(prefix="kmidi-")))
            for name, data in files.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(data)
        except OSError as error:
            raise FileError(
                f"{tempfile.gettempdir()}: can't be written ({error.strerror or error}); free space"
            ) from error
        yield folder


def write_new(path: Path, data: bytes, mode: int | None = None, synced: bool = True) -> None:
    """A new file, on the disk when this returns if `synced`. Raises OSError, FileExistsError where there is one already."""
    with path.open("xb") as file:
        if mode is not None:
            path.chmod(mode)
        file.write(data)
        if synced:
            file.flush()
            os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Makes a file durable, or the names in a folder (renames, new files, removals)."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_file(path: Path) -> str:
    """The file's SHA-256 in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
