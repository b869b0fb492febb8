"""Files of feedback into the store: those of this lab's format and KmiDi's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from kmidi_lab.errors import DataError, named, reason
from kmidi_lab.feedback.event import LONGEST_LINE, Event
from kmidi_lab.feedback.kmidi import MOST_BYTES, read_kmidi
from kmidi_lab.feedback.reading import EventError, read_lines
from kmidi_lab.feedback.store import AdditionCounts, Store
from kmidi_lab.registry.files import TooLargeError, read_bounded

_AT_ONCE = 1000
"""Events of one transaction."""
_FIRST_LINES = 100
_MOST_FAULTS = 100_000
"""After as many it is no file of feedback; what was right before stays stored."""


def import_file(store: Store, path: Path) -> tuple[AdditionCounts, list[str]]:
    """Stores what is right in a file; returns what was stored and a line for each fault.

    Raises:
        DataError: the file can't be read, is of neither form, or holds next to nothing but faults.
    """
    faults: list[str] = []

    def refuse(number: int, why: str) -> None:
        if len(faults) == _MOST_FAULTS:
            raise DataError(f"more than {_MOST_FAULTS} faults, the first at {faults[0]}; name a file of feedback")
        faults.append(f"{path}:{number}: {why}")

    try:
        events = read_lines(path, refuse) if _is_ours(path) else read_kmidi(_bytes(path), store.salt, refuse)
        return add_events(store, events, path, faults), faults
    except DataError as error:
        raise DataError(named(path, str(error))) from None


def add_events(store: Store, events: Iterable[Event], path: Path, faults: list[str]) -> AdditionCounts:
    """Stores events of a file, some at a time; to `faults` goes a line for each that clashes with one that is stored."""
    new = again = forgotten = 0
    rest = iter(events)
    while some := list(islice(rest, _AT_ONCE)):
        for added in _add(store, some, path, faults):
            new, again, forgotten = new + added.new, again + added.again, forgotten + added.forgotten
    return AdditionCounts(new, again, forgotten)


def _add(store: Store, events: list[Event], path: Path, faults: list[str]) -> Iterator[AdditionCounts]:
    try:
        yield store.add(events)
    except EventError:  # one of them clashes with another: each by itself, so that the others are kept
        for event in events:
            try:
                yield store.add([event])
            except EventError as error:
                faults.append(f"{path}: {error}")


def _is_ours(path: Path) -> bool:
    """Whether a line of the first few names the format; files of KmiDi have no such key."""
    if path.is_fifo():  # whoever opens it waits
        raise DataError(f"{path}: no plain file; name a file of feedback")
    try:
        with path.open("rb") as file:
            return any(b'"kmidi-feedback-' in file.readline(LONGEST_LINE) for _ in range(_FIRST_LINES))
    except OSError as error:
        raise DataError(f"{path}: can't be read ({reason(error)}); name a file of feedback") from error


def _bytes(path: Path) -> bytes:
    try:
        return read_bounded(path, MOST_BYTES)
    except TooLargeError as error:
        raise DataError(f"{path}: {reason(error)}; divide it") from None
