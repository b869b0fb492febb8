"""The SQLite file of a store: its tables, whether they are the lab's own, and that nothing deleted is left in it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import cache
from pathlib import Path

from kmidi_lab.errors import DataError, reason

_HEADER = b"SQLite format 3\0"
"""What such a file begins with; SQLite itself takes one of a few bytes for an empty one, and writes over it."""
UNSCRUBBED = "application_id"
"""The pragma that is 1 while deleted events may still lie in the file or its log."""
TABLES = """
CREATE TABLE events (
    event TEXT PRIMARY KEY, use TEXT NOT NULL, model TEXT NOT NULL, action TEXT NOT NULL,
    time INTEGER NOT NULL, line BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX by_use ON events (use);
CREATE INDEX by_time ON events (time);
CREATE TABLE forgotten (use_hash TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE salt (value TEXT NOT NULL);
"""


_ADVICE = {
    sqlite3.SQLITE_BUSY: "another program is writing to it; end that, and try again",
    sqlite3.SQLITE_FULL: "free space, and try again",
    sqlite3.SQLITE_IOERR: "look after the disk, and try again",
    sqlite3.SQLITE_READONLY: "give yourself the right to write to it and its folder, or choose another paths.output_root",
}
"""What helps, by the primary code of an error."""


def advice(error: sqlite3.Error) -> str:
    """Why a store can't be used, and what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return f"{reason(error)}; {_ADVICE.get(code, 'move it away, or choose another paths.output_root')}"


def is_store(path: Path) -> bool:
    """Whether a file is one of SQLite; its content may still be another's. Raises DataError: it can't be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(_HEADER)) == _HEADER
    except OSError as error:
        raise DataError(f"{path}: can't be read ({reason(error)}); name another store of feedback") from error


def schema_of(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    """Kind, name and statement of all that a file holds; views and triggers of another's would run whatever they say."""
    rows = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master").fetchall()
    return {(kind, name, " ".join(sql.split())) for kind, name, sql in rows}


@cache
def own_schema() -> frozenset[tuple[str, str, str]]:
    """Of the tables that the lab makes."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(TABLES)
        return frozenset(schema_of(connection))


def commit_and_scrub(connection: sqlite3.Connection, removed: int) -> None:
    """Leaves nothing deleted in the file or in its log, now or before. Raises DataError: another program is reading."""
    if removed:
        connection.execute(f"PRAGMA {UNSCRUBBED}=1")
    [unscrubbed] = connection.execute(f"PRAGMA {UNSCRUBBED}").fetchone()
    connection.execute("COMMIT")
    if not unscrubbed:
        return
    connection.execute("VACUUM")
    [busy, *_] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise DataError(
            "deleted, but another program reads the store, so its log may still hold it; end it, and type this again"
        )
    connection.execute(f"PRAGMA {UNSCRUBBED}=0")
