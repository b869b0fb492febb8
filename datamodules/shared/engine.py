"""How every room's data come about: read, leave out copies, split and describe; once, then from the cache.

A room declares its sources (`sources.Source`) and its rules (`Rules`). `load` keeps the finished library; `load_readings`
keeps what each source gave, for recordings, whose split may change without reading them again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Generic

from datamodules.shared.cache import cached, data_version
from datamodules.shared.library import Problem, Reading, Song, SplitLibrary, counted_reasons, first_of
from datamodules.shared.sources import AbsentSource, PresentSource
from datamodules.shared.stored import SUFFIX
from kmidi_lab.errors import DataError


@dataclass
class Split:
    """Where each song belongs, by its place: `train`, `val` or `test`.

    Args:
        places: one for each song.
        rule: what the card says of how they were split.
        left_out: songs that can't be in any split without crossing them, and why.
    """

    places: list[str]
    rule: dict[str, Any]
    left_out: dict[int, Problem] = field(default_factory=dict)


class Rules(ABC, Generic[Song]):
    """What a room decides of the songs that were read."""

    nothing: str
    """The error where no song is left, and what to do then."""
    remedy: str
    named_licences = False
    """Whether each licence is told with its source's name."""
    same = ""
    """The reason that a copy is left out with."""

    def key(self, song: Song) -> Hashable:
        """Equal for copies of one song, of which the first is kept; None for one that is no copy of anything."""
        return None

    def stays(self, song: Song) -> bool:
        """Whether a song is kept though it is a copy, since its publisher says where it belongs."""
        return False

    @abstractmethod
    def split(self, songs: list[Song]) -> Split:
        """Where each song belongs."""

    @abstractmethod
    def counts(self, songs: list[Song]) -> dict[str, Any]:
        """What the card says of a source: how many songs, and of what."""

    def row(self, reading: Reading[Song], songs: list[Song]) -> dict[str, Any]:
        """All that the card says of a source."""
        skipped = {"skipped": reading.skipped, "note": reading.note}
        return {"name": reading.source, "licence": reading.licence, **self.counts(songs), **skipped}

    @abstractmethod
    def stand_in(self, used: list[str]) -> str | None:
        """What the sources that were used stand in for, in words; None where they are the real thing."""


def version(label: object, settings: object, present: Iterable[PresentSource[Any]]) -> str:
    """Of what the sources hold and how it is split: what a model was trained on, whatever the version of the code."""
    return data_version((label, settings), chain.from_iterable(p.contents() for p in present))


def build(
    readings: Sequence[Reading[Song]], version: str, rules: Rules[Song], missed: Callable[[], list[Problem]] = list
) -> SplitLibrary[Song]:
    """Leaves out copies, splits, and says what there is; `missed` gives the folders of which nothing is read.

    Raises:
        DataError: no song is left.
    """
    songs: list[Song] = []
    of: list[Reading[Song]] = []
    first_of_key: dict[Hashable, str] = {}
    for reading in readings:
        for song in reading.items:
            key = rules.key(song)
            if key is not None and key in first_of_key and not rules.stays(song):
                reading.skip(song.id, song.title, rules.same, first_of_key[key])  # type: ignore[attr-defined]
                continue
            if key is not None:
                first_of_key[key] = song.id  # type: ignore[attr-defined]
            songs.append(song)
            of.append(reading)
    problems = [problem for reading in readings for problem in reading.problems]
    if not songs:
        raise DataError(f"{rules.nothing}.{first_of(problems or missed())} {rules.remedy}")
    split = rules.split(songs)
    for at, problem in split.left_out.items():
        of[at].problems.append(problem)
    survivors = [at for at in range(len(songs)) if at not in split.left_out]
    problems = [problem for reading in readings for problem in reading.problems]
    rows = [rules.row(r, [songs[at] for at in survivors if of[at] is r]) for r in readings]
    licences = [f"{r.source}: {r.licence}" if rules.named_licences else r.licence for r in readings]
    description = {
        "version": f"sha256:{version}",
        "stand_in": rules.stand_in([r.source for r in readings]),
        "licence": "; ".join(dict.fromkeys(licences)),
        "sources": rows,
        "problems": counted_reasons(problems),
        "absent": [],
    }
    return SplitLibrary(
        [songs[at] for at in survivors], [split.places[at] for at in survivors], description, split.rule, problems
    )


def load(
    folder: Path,
    present: Sequence[PresentSource[Song]],
    absent: Sequence[str],
    version: str,
    code: str,
    rules: Rules[Song],
) -> SplitLibrary[Song]:
    """Reads and splits, or takes the library that was made before of the same data, code and settings.

    Args:
        folder: of the cache.
        present: what is read, in order.
        absent: what was wanted and is not there.
        version: of the data and of how they are split, whatever the version of the code.
        code: of what reads and splits them (`code_version`).
    """

    def make() -> SplitLibrary[Song]:
        return build([p.read() for p in present], version, rules, lambda: _missed(present, absent))

    library: SplitLibrary[Song] = cached(folder / f"{version}-{code}{SUFFIX}", SplitLibrary, make)
    return _with_unread(library, present, absent)


def load_readings(
    folder: Path,
    present: Sequence[tuple[PresentSource[Song], str, object]],
    absent: Sequence[str],
    version: str,
    code: str,
    rules: Rules[Song],
    enough: Mapping[str, tuple[PresentSource[Song], object]] | None = None,
) -> SplitLibrary[Song]:
    """As `load`, but what each source gave is kept, and split anew every time.

    Args:
        present: each with the version of its content and the settings that what was made of it depends on.
        enough: by source, what is read, with its settings, where nothing more is needed and more is not kept already.
    """

    def file_of(source: PresentSource[Song], content: str, changed: object) -> Path:
        return folder / f"{source.name}-{data_version(changed, [content.encode()])}-{code}{SUFFIX}"

    readings = []
    for source, content, changed in present:
        path = file_of(source, content, changed)
        if enough and source.name in enough and not path.is_file():
            source, changed = enough[source.name]
            path = file_of(source, content, changed)
        readings.append(cached(path, Reading, source.read))
    sources = [source for source, _, _ in present]
    library = build(readings, version, rules, lambda: _missed(sources, absent))
    return _with_unread(library, sources, absent)


def _missed(present: Iterable[PresentSource[Song]], absent: Sequence[str]) -> list[Problem]:
    gone = [problem for name in absent if isinstance(name, AbsentSource) for problem in name.problems]
    return [*gone, *chain.from_iterable(source.unread() for source in present)]


def _with_unread(
    library: SplitLibrary[Song], present: Iterable[PresentSource[Song]], absent: Sequence[str]
) -> SplitLibrary[Song]:
    """Counts the folders of which nothing is read: looked for every time, since no version knows of them."""
    library.problems = [*library.problems, *_missed(present, absent)]
    library.description["problems"] = counted_reasons(library.problems)
    library.description["absent"] = [str(name) for name in absent]
    return library
