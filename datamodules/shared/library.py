"""What readers return and data modules keep: songs with their splits, and what was skipped, where it stands and why.

Every reader reports what it skips, every data module writes it as CSV.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from kmidi_lab.files import write_atomic
from kmidi_lab.report.formats import csv_text

_LONGEST = 300
Song = TypeVar("Song")
T = TypeVar("T")


@dataclass(frozen=True)
class Problem:
    """One thing that was skipped, or `used` all the same; `reason` is short and countable, `where` a place in the file."""

    file: str
    where: str
    reason: str
    detail: str
    used: bool = False


@dataclass
class Report:
    """What readers of one source have in common; each adds a list of what it read."""

    source: str
    licence: str
    problems: list[Problem] = field(default_factory=list, kw_only=True)
    note: str = field(default="", kw_only=True)

    def skip(self, file: Path | str, where: str, reason: str, detail: object = "") -> None:
        self.problems.append(Problem(str(file), where, reason, str(detail)[:_LONGEST]))

    def remark(self, file: Path | str, reason: str, detail: object = "") -> None:
        """What is to be said of a file that is used."""
        self.problems.append(Problem(str(file), "", reason, str(detail)[:_LONGEST], used=True))

    @property
    def skipped(self) -> int:
        """How many things were not used."""
        return sum(not problem.used for problem in self.problems)

    def reasons(self) -> dict[str, int]:
        return counted_reasons(self.problems)


def first_of(problems: Sequence[Problem]) -> str:
    """` First problem: …`, for the message that nothing could be used; empty without one."""
    if not problems:
        return ""
    first = problems[0]
    return f" First problem: {first.file}: {first.reason}{f' ({first.detail})' if first.detail else ''}."


def counted_reasons(problems: Iterable[Problem]) -> dict[str, int]:
    """How many there are of each reason, the commonest first."""
    return dict(Counter(p.reason for p in problems).most_common())


def write_problems(problems: Iterable[Problem], path: Path) -> None:
    """Everything skipped as CSV."""
    rows = [(p.file, p.where, p.reason, p.detail) for p in problems]
    write_atomic(path, csv_text([("file", "where", "reason", "detail"), *rows]).encode())


@dataclass
class Reading(Report, Generic[Song]):
    """What was read of one source (songs, takes, clips, performances), with a report of what could not be used."""

    items: list[Song] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)
    """Figures about the source as a whole, for the card."""


@dataclass
class SplitLibrary(Generic[Song]):
    """Songs (or takes, clips, performances), each in one split."""

    songs: list[Song]
    splits: list[str]
    description: dict[str, Any]
    """The `data` object of run.json without the split."""
    split_rule: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)


def shown(items: Sequence[T], text: str, progress: bool) -> Iterable[T]:
    """The same items, with a bar that is gone when they are done."""
    if not progress:
        return items
    from rich.progress import track

    return track(items, description=text, transient=True)
