"""What a data module reads: songs with their splits, and what the card and the report say of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from datamodules.shared.cache import cached
from datamodules.shared.problems import Problem
from datamodules.shared.stored import SUFFIX

Song = TypeVar("Song")


@dataclass
class SplitLibrary(Generic[Song]):
    """Songs (or takes, clips, performances), each in one split."""

    songs: list[Song]
    splits: list[str]
    description: dict[str, Any]
    """The `data` object of run.json without the split."""
    split_rule: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)


Library = TypeVar("Library", bound=SplitLibrary[Any])


def prepared(folder: Path, version: str, code: str, make: Callable[[], Library], absent: Sequence[str]) -> Library:
    """What `make` gives, or gave before to the same data and code; names the sources that were wanted and are not there."""
    library = cached(folder / f"{version}-{code}{SUFFIX}", SplitLibrary, make)
    library.description["absent"] = list(absent)
    return library  # type: ignore[return-value]
