"""The places that a room's examples come from: which are there, what of them is read, and what their version depends on."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic

from datamodules.shared.cache import files_below
from datamodules.shared.library import Problem, Reading, Song
from datamodules.shared.unread import unread

Contents = Iterable[tuple[str, Path] | bytes]
"""What a version is made of, as `data_version` takes it."""


@dataclass(frozen=True)
class Source(Generic[Song]):
    """One place that examples come from.

    Args:
        name: in `data.sources`.
        files: what is read, in a fixed order; empty where the source is not there.
        read: reads those files. It reports what it can't use and raises nothing for it.
        contents: what the version depends on, from the files.
        always: it is there without files: it comes with the lab, or is made.
        folders: of its published layout; one of them, or below them, of which nothing is read is a problem.
        looked_at: of `files`, and beyond them, what the reader knows of; all of `files` where it is not given.
        others: names of folders that belong to the layout and are left alone.
    """

    name: str
    files: Callable[[], list[Path]]
    read: Callable[[list[Path]], Reading[Song]]
    contents: Callable[[list[Path]], Contents]
    always: bool = False
    folders: Callable[[], list[Path]] = list
    looked_at: Callable[[], Iterable[Path]] | None = None
    others: tuple[str, ...] = ()

    def unread(self, files: list[Path]) -> list[Problem]:
        """Folders of the layout of which nothing is read, `files` being what there is to read."""
        return list(unread(self.folders(), files if self.looked_at is None else self.looked_at(), self.others))


class AbsentSource(str):
    """The name of a source that is not there, though folders of its layout may be: those are `problems`."""

    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class PresentSource(Generic[Song]):
    """A source that is there, with its files."""

    source: Source[Song]
    files: list[Path]

    @property
    def name(self) -> str:
        return self.source.name

    def contents(self) -> Contents:
        return self.source.contents(self.files)

    def read(self) -> Reading[Song]:
        return self.source.read(self.files)

    def unread(self) -> list[Problem]:
        return self.source.unread(self.files)


def below(root: Path) -> Callable[[list[Path]], Contents]:
    """The usual `contents` of a source: its files, by name below `root` and content."""
    return lambda files: files_below(root, files)


def packages(*names: str) -> list[bytes]:
    """The versions of installed packages, as `contents` of a source that comes with them."""
    return [importlib.metadata.version(name).encode() for name in names]


def find_sources(sources: Sequence[Source[Song]], names: Sequence[str]) -> tuple[list[PresentSource[Song]], list[str]]:
    """(those of `names` that are there, in their order; the names of those that are not)."""
    by_name = {source.name: source for source in sources}
    looked_at = [PresentSource(by_name[name], by_name[name].files()) for name in names]
    present = [p for p in looked_at if p.files or p.source.always]
    absent = []
    for source in looked_at:
        if source not in present:
            name = AbsentSource(source.name)
            name.problems = tuple(source.unread())
            absent.append(name)
    return present, list(absent)
