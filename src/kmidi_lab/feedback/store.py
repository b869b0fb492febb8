"""The store of feedback events: an SQLite file. What `add` has returned for is on the disk, whatever is killed then."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmidi_lab.errors import DataError, FileError, reason, show
from kmidi_lab.feedback.event import LONGEST_LINE, Event, to_line
from kmidi_lab.feedback.reading import LAST_TIME, EventError, parse
from kmidi_lab.feedback.store_file import TABLES, UNSCRUBBED, advice, commit_and_scrub, is_store, own_schema, schema_of

FILE = "feedback.db"
_VERSION = 1
_WAIT_S = 30


@dataclass(frozen=True)
class AdditionCounts:
    """How many of some events are new, were there already, or are of a use that was forgotten."""

    new: int = 0
    again: int = 0
    forgotten: int = 0


class Store:
    """Opens the file, and makes it where there is none; each call is a connection of its own, so threads may share it.

    Args:
        path: of the file.

    Raises:
        DataError: the file is no store, or of another version. FileError: it can't be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            plain = path.is_file()
        except (OSError, ValueError) as error:
            can = "can't be written, as a store must be also to be read" if path.is_file() else "can't be made"
            raise FileError(f"{path}: {can} ({reason(error)}); choose another paths.output_root") from error
        if not plain:  # SQLite waits for ever for what a pipe holds
            raise DataError(f"{path}: no plain file, so no feedback store; choose another paths.output_root")
        if path.stat().st_size and not is_store(path):
            raise DataError(f"{path}: not a store of feedback (no SQLite file); move it away, or name another")
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("BEGIN IMMEDIATE")
            [version] = connection.execute("PRAGMA user_version").fetchone()
            if version == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                for statement in filter(str.strip, TABLES.split(";")):
                    connection.execute(statement)
                connection.execute("INSERT INTO salt VALUES (?)", [secrets.token_hex(16)])
                connection.execute(f"PRAGMA user_version={_VERSION}")
            elif version != _VERSION or schema_of(connection) != own_schema():
                raise DataError(f"{path}: no feedback store of version {_VERSION}; move it away")
            connection.execute("COMMIT")

    def add(self, events: Iterable[Event], instead_of: Iterable[str] = ()) -> AdditionCounts:
        """Stores all of them or, where one is refused, none; an event that is there already is no fault.

        Args:
            events: to store.
            instead_of: ids of events that are taken out at once with it. The next `forget` overwrites where they lay.

        Raises:
            EventError: another event has the id of one of them.
        """
        counts = {"new": 0, "again": 0, "forgotten": 0}
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            for identity in instead_of:
                connection.execute("DELETE FROM events WHERE event = ?", [identity])
                connection.execute(f"PRAGMA {UNSCRUBBED}=1")
            for event in events:
                counts[_put(connection, event)] += 1
            connection.execute("COMMIT")
        return AdditionCounts(**counts)

    def events(self, model: str | None = None) -> Iterator[Event]:
        """All events, or those of a model, the oldest first. Raises EventError: a line that was changed in the file."""
        with self._open() as connection:
            rows = connection.execute(
                "SELECT event, CASE WHEN length(line) <= ? THEN line END FROM events WHERE model = ? OR ? IS NULL "
                "ORDER BY time, event", [LONGEST_LINE, model, model],
            )  # fmt: skip
            for event, line in rows:
                if not isinstance(line, bytes):
                    raise EventError(f"{self.path}: event {show(event)} was changed in the file; move the file away")
                yield parse(line)

    def counts(self) -> list[tuple[str, str, int, int, int]]:
        """For each model and action: events, and times of the first and last."""
        with self._open() as connection:
            return self._checked(
                connection.execute(
                    "SELECT model, action, count(*), min(time), max(time) FROM events GROUP BY 1, 2 ORDER BY 1, 2"
                ),
                (str, str, int, int, int),
            )

    def size(self) -> int:
        """Events that are stored."""
        with self._open() as connection:
            return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])

    def has(self, event: str) -> bool:
        """Whether an event of this id is stored."""
        with self._open() as connection:
            return connection.execute("SELECT 1 FROM events WHERE event = ?", [event]).fetchone() is not None

    def uses(self) -> list[tuple[str, int, int, int]]:
        """For each use: events, and times of the first and last."""
        with self._open() as connection:
            return self._checked(
                connection.execute(
                    "SELECT use, count(*), min(time), max(time) FROM events GROUP BY 1 ORDER BY 4 DESC, 1"
                ),
                (str, int, int, int),
            )

    def forget(self, uses: Iterable[str]) -> int:
        """Deletes all events of some uses, overwrites where they lay, and gives their number.

        Of a use that had events none is taken again; a use without any leaves no row.
        """
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            removed = 0
            for use in uses:
                if count := connection.execute("DELETE FROM events WHERE use = ?", [use]).rowcount:
                    removed += count
                    connection.execute("INSERT OR IGNORE INTO forgotten VALUES (?)", [_hash(use)])
            commit_and_scrub(connection, removed)
        return removed

    def keep_since(self, time: int) -> int:
        """Deletes events from before `time`, seconds since 1970; gives their number."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            removed = connection.execute("DELETE FROM events WHERE time < ?", [time]).rowcount
            commit_and_scrub(connection, removed)
        return removed

    @property
    def salt(self) -> str:
        """A secret of this store, for ids that nobody else can work out."""
        with self._open() as connection:
            [[salt], *_] = self._checked(connection.execute("SELECT value FROM salt LIMIT 1"), (str,)) or [[None]]
        if salt is None:
            raise DataError(f"{self.path}: has lost its salt; move it away, or choose another paths.output_root")
        return str(salt)

    def _checked(self, rows: Iterable[Sequence[Any]], kinds: Sequence[type[str] | type[int]]) -> list[Any]:
        """The rows. Raises DataError: one holds something else than `add` has written; SQLite keeps what it is given."""
        held = list(rows)
        for row in held:
            for value, kind in zip(row, kinds, strict=True):
                if type(value) is not kind or (isinstance(value, int) and not 0 <= value <= LAST_TIME):
                    raise DataError(f"{self.path}: {show(value)} was changed in the file; move the file away")
        return held

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=_WAIT_S, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous=FULL")
                connection.execute("PRAGMA secure_delete=ON")
                yield connection
        except sqlite3.Error as error:
            raise DataError(f"{self.path}: {advice(error)}") from error


def _put(connection: sqlite3.Connection, event: Event) -> str:
    if connection.execute("SELECT 1 FROM forgotten WHERE use_hash = ?", [_hash(event.use)]).fetchone():
        return "forgotten"
    line = to_line(event)
    there = connection.execute("SELECT line FROM events WHERE event = ?", [event.event]).fetchone()
    if there is None:
        row = [event.event, event.use, event.model, event.action, event.time, line]
        connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", row)
        return "new"
    if there[0] != line:
        raise EventError(f"event {event.event} is stored already and says something else")
    return "again"


def _hash(use: str) -> str:
    return hashlib.sha256(use.encode()).hexdigest()
