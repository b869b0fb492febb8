"""What a data module reads: songs with their splits, and what the card and the report say of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from datamodules.shared.problems import Problem, Report

Song = TypeVar("Song")


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
