"""The id that stands for this machine's user in events: random, and a new one each month."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import orjson
from filelock import FileLock

from kmidi_lab.errors import DataError
from kmidi_lab.feedback.event import new_id
from kmidi_lab.files import as_it_was, write_atomic

FILE = "use_ids.json"
_LOCK = ".use_ids.lock"
ROTATES_S = 30 * 24 * 3600


def use_ids(folder: Path) -> list[tuple[str, int]]:
    """This machine's ids and since when each stands, the newest last. Raises DataError: the file is broken."""
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        held = [(str(use), int(since)) for use, since in orjson.loads(path.read_bytes())]
        if not all(re.fullmatch("[0-9a-f]{32}", use) for use, _ in held):
            raise ValueError("an id is 32 hex digits")
        return held
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise DataError(f"{path}: not a list of ids; move it away, and a new one is made") from error


def renew(folder: Path, gone: Collection[str]) -> None:
    """Begins a new id where today's is one of those whose events are taken no more, or nothing would be kept from now on."""
    with _alone(folder):
        there = use_ids(folder)
        if there and there[-1][0] in gone:
            write_atomic(folder / FILE, orjson.dumps([*there, (new_id(), int(time.time()))]), mode=0o600)


def use_id(folder: Path, now: float | None = None) -> str:
    """The id of today, kept in `folder`, so that its owner can name all of them to have their events deleted.

    Raises:
        DataError: the file is broken. FileError: it can't be written.
    """
    now = time.time() if now is None else now
    if use := _of_today(use_ids(folder), now):
        return use
    with _alone(folder):  # an id that another process overwrote could never be named again
        there = use_ids(folder)
        use = _of_today(there, now)
        if not use:
            use = new_id()
            write_atomic(folder / FILE, orjson.dumps([*there, (use, int(now))]), mode=0o600)
    return use


def _of_today(there: Sequence[tuple[str, int]], now: float) -> str:
    """The newest id; empty where it is older than a month, or none is there."""
    return there[-1][0] if there and there[-1][1] <= now < there[-1][1] + ROTATES_S else ""


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Waits until no other process changes the ids. Raises FileError: the folder can't be written."""
    lock = FileLock(folder / _LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise as_it_was(folder / FILE, error) from error
    try:
        yield
    finally:
        lock.release()
