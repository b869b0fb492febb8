"""Every melody source that is present: which melodies are copies, which belong together, and what the card says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.melody import chorales, pop909, reading, tune_books
from datamodules.shared import engine, lakh
from datamodules.shared.cache import code_version
from datamodules.shared.engine import Rules, Split
from datamodules.shared.library import Reading, SplitLibrary, shown
from datamodules.shared.sources import Contents, Source, find_sources
from datamodules.shared.splits import SPLITS, Groups, SplitBy, assign
from kmidi_lab.models.melody.features import Melody

BOOKS = tuple(tune_books.FOLDERS)
SOURCES = (*BOOKS, "chorales", "pop909", "jsb_chorales", "lakh")
_TODAY = ("pop909", "lakh")
_INTERVALS, _SIMILAR = 6, 0.25
_COMMON_TITLE = 6
"""A title that more tunes bear is the name of a dance, not of a tune."""


Library = SplitLibrary[Melody]


def load(
    root: Path,
    cache_dir: Path,
    names: Sequence[str],
    by: SplitBy,
    progress: bool,
) -> Library:
    """Reads and splits, or takes the prepared result of the same files, code and settings from the cache."""
    present, absent = find_sources(sources(root, progress), [name for name in SOURCES if name in names])
    if any(p.name == "jsb_chorales" for p in present):  # the same music, with a published split
        present = [p for p in present if p.name != "chorales"]
    in_order = sorted(present, key=lambda p: p.name)
    version = engine.version([p.name for p in in_order], tuple(by), in_order)
    rules = MelodyRules(by)
    return engine.load(cache_dir / "melody_db", present, absent, version, code_version(__name__), rules)


def sources(root: Path, progress: bool) -> list[Source[Melody]]:
    """All of SOURCES."""

    def source(
        name: str, files: Callable[[], list[Path]], read: Callable[[Iterable[Path]], Reading[Melody]]
    ) -> Source[Melody]:
        return Source(name, files, lambda paths: read(shown(paths, f"reading {name}", progress)), _named(name))

    return [
        *(source(book, partial(tune_books.files, book), partial(tune_books.read, book)) for book in BOOKS),
        source("chorales", chorales.files, chorales.read),
        replace(
            source("pop909", partial(pop909.files, root), pop909.read),
            folders=lambda: [root / "pop909"],
            others=("versions",),
        ),
        Source(
            "jsb_chorales",
            partial(chorales.jsb_files, root),
            lambda _: chorales.read_jsb(root),
            _named("jsb_chorales"),
            folders=lambda: [root / "jsb_chorales"],
        ),
        Source(
            "lakh",
            partial(reading.lakh_files, root),
            lambda paths: reading.read_lakh(paths, progress),
            _named("lakh"),
            folders=lambda: lakh.folders(root),
            looked_at=lambda: [file.path for file in lakh.read(root).files],
        ),
    ]


def _named(source: str) -> Callable[[list[Path]], Contents]:
    """Files by content and by names that are the same wherever the corpus and the data root lie."""
    return lambda files: ((f"{source}/{p.parent.name}/{p.name}", p) for p in files)


@dataclass(frozen=True)
class MelodyRules(Rules[Melody]):
    """One melody of those with the same notes in any key. A published split stands: a group with a test piece is test."""

    by: SplitBy
    nothing = "no usable melody was found"
    remedy = f"Use data.sources=[{','.join(BOOKS)}], which need no download"
    same = "same notes as another, whatever the key"
    named_licences = True

    def key(self, song: Melody) -> Hashable:
        return intervals(song), tuple(np.round(song.duration * 48).astype(int).tolist())

    def stays(self, song: Melody) -> bool:
        return song.given is not None

    def split(self, songs: list[Melody]) -> Split:
        groups = group(songs)
        places = assign([m.id for m in songs], groups, *self.by)
        published: dict[int, str] = {}
        for i, melody in enumerate(songs):
            if melody.given is not None:
                both = (melody.given, published.get(groups.find(i), "train"))
                published[groups.find(i)] = max(both, key=SPLITS.index)
        rule = (
            "by tune and its variants: hash of the group that shares a quarter of its runs of six intervals or its name; "
            "a published split stands"
        )
        places = [published.get(groups.find(i), place) for i, place in enumerate(places)]
        return Split(places, {"rule": rule, "seed": self.by.seed})

    def counts(self, songs: list[Melody]) -> dict[str, Any]:
        return {"songs": len(songs), "notes": sum(map(len, songs))}

    def stand_in(self, used: list[str]) -> str | None:
        if any(name in _TODAY for name in used):
            return None
        # Checkpoints hold a digest of this text: with another one a run that goes on forgets its best epoch.
        return f"No songs of today (POP909, Lakh) were used: old tunes ({', '.join(used)}) stand in for them."


def intervals(melody: Melody) -> tuple[int, ...]:
    """The tune whatever its key and rhythm: steps between neighbouring notes, repeated pitches left out."""
    steps = np.diff(melody.pitch.astype(int))
    return tuple(steps[steps != 0].tolist())


def group(melodies: list[Melody]) -> Groups:
    """Melodies that must share a split: same intervals, many runs of intervals in common, or the same tune's name."""
    tunes = [intervals(m) for m in melodies]
    groups = Groups(len(melodies))
    groups.join_equal(t or None for t in tunes)
    titles = [tune_books.title_key(m.title) if m.source in BOOKS else "" for m in melodies]
    bearers = Counter(titles)
    groups.join_equal(t if t and bearers[t] <= _COMMON_TITLE else None for t in titles)
    groups.join_similar(tunes, _INTERVALS, _SIMILAR)
    return groups
