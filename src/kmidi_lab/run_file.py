"""run.json: the record of a run read from its file, of this release or an earlier one, and written to it."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kmidi_lab.errors import DataError
from kmidi_lab.files import write_atomic
from kmidi_lab.registry.files import read_bounded
from kmidi_lab.run_record import SCHEMA, Identity, RunRecord
from kmidi_lab.run_record_v1 import upgrade
from kmidi_lab.typed_json import MisfitError, from_json, to_json

FILE = "run.json"


def parse(plain: Any) -> RunRecord:
    """The record from the object in a run.json of this release or an earlier one. Raises MisfitError."""
    if not isinstance(plain, dict):
        raise MisfitError("it holds no object")
    schema = plain.get("schema", 1)
    if schema == 1:
        try:
            return upgrade(plain)
        except MisfitError:
            raise
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise MisfitError(f"a record of 0.1.0 with a part of another kind ({error})") from None
    if schema != SCHEMA:
        raise MisfitError(f"its schema is {schema!r}, this kmidi_lab reads 1 and {SCHEMA}; update kmidi_lab")
    return from_json(RunRecord, plain)


def read(path: Path) -> RunRecord:
    """The record in a run.json. Raises DataError: no such file, cut short, or not the record of a run."""
    try:
        return parse(json.loads(read_bounded(path).decode()))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; give the run.json of a finished run") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path}: not a run.json ({error}); give the run.json of a run") from None


def text(record: RunRecord) -> str:
    """run.json as it is written."""
    return json.dumps(to_json(record), indent=1, ensure_ascii=False)


def write(record: RunRecord, folder: Path, at_once: bool = False) -> None:
    """Writes run.json whole or not at all; `at_once` as in `write_atomic`. Raises FileError."""
    # A file name that is no valid text is kept by JSON's own escapes.
    write_atomic(folder / FILE, text(record).encode(errors="backslashreplace"), at_once=at_once)


def finish(record: RunRecord, status: str = "ok", error: str | None = None) -> None:
    """Sets how the run ended, and when."""
    now = datetime.now(UTC)
    own = record.identity
    own.status, own.error, own.finished_at = status, error, now.isoformat()
    started = datetime.fromisoformat(own.started_at) if own.started_at else now
    own.duration_seconds = (now - started).total_seconds()


def is_first_rank() -> bool:
    """Under DDP the first rank alone keeps the record."""
    return os.environ.get("LOCAL_RANK", "0") == "0" and os.environ.get("NODE_RANK", "0") == "0"


def write_failure(folder: Path, identity: Identity, error: str) -> None:
    """Marks the run in `folder` as failed, with the first line of `error`; keeps what its record holds already.

    One that had ended well before stays so: what failed is what comes after it, such as the report.

    Args:
        folder: the job's folder.
        identity: of the job, for a run that failed before it had a record.
        error: why.
    """
    if not is_first_rank():
        return
    try:
        record = read(folder / FILE)
    except DataError:
        record = RunRecord(identity)
    if record.identity.status == "ok":
        return
    finish(record, "failed", error.splitlines()[0] if error else "unknown")
    write(record, folder, at_once=True)
