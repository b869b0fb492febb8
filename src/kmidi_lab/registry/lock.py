"""The lock of a models folder: who holds it may write there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from kmidi_lab import files
from kmidi_lab.errors import RegistryError
from kmidi_lab.registry.names import LOCK

_LOCK_TIMEOUT_S = 120.0


def check_writable(models_root: Path) -> None:
    """Takes the lock, writes a file and removes it, so that a folder which can't be written is known before a training.

    Raises:
        RegistryError: it can't be made or locked. FileError: it can't be written.
    """
    with locked(models_root):
        files.check_writable(models_root)


@contextlib.contextmanager
def held_still(models_root: Path) -> Iterator[None]:
    """Nobody publishes there meanwhile; nothing is written, so a folder that was never locked is read as it is.

    Raises:
        RegistryError: another process holds the lock for too long.
    """
    lock = models_root / LOCK
    if os.access(lock, os.W_OK) and not lock.is_symlink():
        with locked(models_root):
            yield
    else:
        yield


@contextlib.contextmanager
def locked(models_root: Path) -> Iterator[None]:
    lock = FileLock(models_root / LOCK, timeout=_LOCK_TIMEOUT_S)
    if (models_root / LOCK).is_symlink():
        # Taking the lock empties the file, wherever the link leads.
        raise RegistryError(f"{models_root / LOCK}: a link, which the lab never makes; delete it")
    try:
        models_root.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise RegistryError(
            f"{models_root}: another process holds {LOCK} since {_LOCK_TIMEOUT_S:g} s; wait for it, try again"
        ) from error
    except OSError as error:
        raise RegistryError(
            f"{models_root}: can't be written ({error.strerror or error}); make it writable or choose another folder"
        ) from error
    try:
        yield
    finally:
        lock.release()
