"""Rounds of asking, labelling and retraining, as rows of `outputs/rounds/<model>.csv`: a retraining ends its round."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from kmidi_lab.errors import DataError
from kmidi_lab.files import write_atomic

COLUMNS = (
    "round", "step", "time", "by", "asked", "mean_score", "labels", "items", "new", "refused", "pairs", "alike",
    "events", "users", "test_before", "test_after", "feedback_before", "feedback_after", "published",
)  # fmt: skip
"""What each step tells; what it does not know stays empty. Of feedback there are numbers only, no ids and no material."""
LAST = "retrain"
Facts = Mapping[str, float | int | str | bool]
_GATES = ("test", "feedback")


def facts_of(retrained: Mapping[str, Any]) -> Facts:
    """By column, what a record says of a retraining (`RunRecord.data.more`)."""
    facts = {"events": retrained.get("events", 0), "users": retrained.get("raters", 0)}
    for name, gate in zip(_GATES, retrained.get("gates", ()), strict=False):
        facts |= {f"{name}_before": gate["before"], f"{name}_after": gate["after"]}
    return facts


def _number(rows: Sequence[Mapping[str, Any]]) -> int:
    """Of the round behind `rows`."""
    return 1 + sum(row["step"] == LAST for row in rows)


class Rounds:
    """The rounds of one model.

    Args:
        output_root: paths.output_root.
        model: its name.
    """

    def __init__(self, output_root: Path, model: str) -> None:
        self.model, self.path = model, output_root / "rounds" / f"{model}.csv"

    @property
    def group(self) -> str:
        """Of all rounds of this model, as W&B groups runs."""
        return f"active-learning-{self.model}"

    def number(self) -> int:
        """Of the round that is under way, the first is 1. Raises DataError: the file is none of this kind."""
        return _number(self._rows())

    def note(self, step: str, facts: Facts) -> int:
        """Adds a row; returns the number of its round.

        Args:
            step: `queue`, `label` or `retrain`.
            facts: by column.

        Raises:
            DataError: the file is none of this kind. FileError as `write_atomic`.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f".{self.model}.lock")):
            rows = self._rows()
            number = _number(rows)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            rows.append({"round": number, "step": step, "time": now, **facts})
            text = io.StringIO(newline="")
            writer = csv.DictWriter(text, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
            write_atomic(self.path, text.getvalue().encode())
        return number

    def _rows(self) -> list[dict[str, object]]:
        if not self.path.is_file():
            return []
        try:
            reader = csv.DictReader(self.path.read_text(encoding="utf-8").splitlines())
            rows: list[dict[str, object]] = [dict(row) for row in reader]
        except (UnicodeDecodeError, csv.Error):
            rows, reader = [{}], None
        if reader is None or tuple(reader.fieldnames or ()) != COLUMNS or any(None in row for row in rows):
            raise DataError(f"{self.path}: no list of rounds, or damaged; move it away, and the rounds begin anew")
        return rows
