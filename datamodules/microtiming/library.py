"""Takes of all sources that are there: which belong together, where each belongs, and what the card says."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.microtiming import drums, piano, rules
from datamodules.microtiming.drums import PublishedTake
from datamodules.shared import asap, engine, groove_midi
from datamodules.shared.cache import code_version
from datamodules.shared.engine import Rules, Split
from datamodules.shared.library import Problem, SplitLibrary
from datamodules.shared.sources import Source, below, find_sources
from datamodules.shared.splits import SPLITS, Groups, SplitBy, assign
from kmidi_lab.models.microtiming.features import Take
from kmidi_lab.models.microtiming.notes import WrittenNotes

SOURCES = (drums.NAME, piano.ASAP, piano.BATIK, rules.NAME)
Library = SplitLibrary[PublishedTake]
_PUBLISHED = {"train": "train", "validation": "val", "test": "test"}
_VAL_TAKES = 8
_SHARED_BARS = 0.5
"""Drum takes that have this share of their bars in common are one."""
_NGRAM, _SIMILAR = 8, 0.3


def load(
    root: Path,
    cache_dir: Path,
    names: Sequence[str],
    test_drummers: Sequence[str],
    by: SplitBy,
    progress: bool,
) -> Library:
    """Reads and splits, or takes the prepared result of the same files, code and settings from the cache.

    Takes by rule stand in only where no other source is there.
    """
    present, absent = find_sources(sources(root, progress), [name for name in SOURCES if name in names])
    chosen = [p for p in present if p.name != rules.NAME] or present
    settings = (sorted(test_drummers), *by)
    version = engine.version([p.name for p in chosen], settings, chosen)
    split = TakeRules(tuple(sorted(test_drummers)), by)
    return engine.load(cache_dir / "microtiming", chosen, absent, version, code_version(__name__), split)


def sources(root: Path, progress: bool) -> list[Source[PublishedTake]]:
    """All of SOURCES."""
    files = below(root)
    return [
        Source(
            drums.NAME,
            partial(groove_midi.files, root),
            lambda _: drums.read(root, progress),
            files,
            folders=lambda: [root / groove_midi.FOLDER],
            looked_at=lambda: [f.path for f in groove_midi.read_table(root).files],
        ),
        Source(
            piano.ASAP,
            partial(asap.files, root),
            lambda _: piano.read_asap(root, progress),
            files,
            folders=lambda: [asap.table(root).parent],
            looked_at=lambda: asap.looked_at(root),
        ),
        Source(piano.BATIK, partial(piano.batik_files, root), partial(piano.read_batik, progress=progress), files),
        Source(rules.NAME, list, lambda _: rules.read(), lambda _: [rules.VERSION.encode()], always=True),
    ]


@dataclass(frozen=True)
class TakeRules(Rules[PublishedTake]):
    """Drum takes as published, or by drummer; all performances of a piano piece, and of pieces alike, share a split."""

    test_drummers: tuple[str, ...]
    by: SplitBy
    nothing = "no usable performance was found"
    remedy = "Set DATA_ROOT to the folder that holds the data sets"
    named_licences = True

    def split(self, songs: list[PublishedTake]) -> Split:
        takes = [song.take for song in songs]
        groups = group(takes)
        places = assign([take.work or take.id for take in takes], groups, *self.by)
        published = [song.published for song in songs]
        there = "test" in published
        places = [self._drums(song, there) if song.published else p for song, p in zip(songs, places, strict=True)]
        rank = [SPLITS.index(place) for place in places]
        best: dict[int, int] = {}
        for i in range(len(songs)):
            best[groups.find(i)] = max(best.get(groups.find(i), 0), rank[i])
        left_out = {
            i: Problem(song.id, "", "near-duplicate of a take in another split", places[i])
            for i, song in enumerate(songs)
            if rank[i] != best[groups.find(i)]
        }
        return Split(places, {"rule": self._rule(there), "seed": self.by.seed}, left_out)

    def _drums(self, song: PublishedTake, test_is_there: bool) -> str:
        if self.test_drummers:
            if song.take.player in self.test_drummers:
                return "test"
            return "val" if self._drawn(song) else "train"
        if test_is_there:
            return _PUBLISHED[song.published]
        if song.published == "validation":
            return "test"
        return "val" if self._drawn(song) else "train"

    def _drawn(self, song: PublishedTake) -> bool:
        return zlib.crc32(f"{self.by.seed} {song.id}".encode()) % _VAL_TAKES == 0

    def _rule(self, test_is_there: bool) -> str:
        piano_rule = "piano: hash of the group of performances of one piece and of pieces alike"
        if self.test_drummers:
            return f"drums: every take of {', '.join(self.test_drummers)} is the test; {piano_rule}"
        if test_is_there:
            return f"drums: as published; {piano_rule}"
        return (
            "drums: the published validation part is the test, since the published test part is not here, and about one "
            f"in {_VAL_TAKES} takes of the published training part is the validation; {piano_rule}"
        )

    def counts(self, songs: list[PublishedTake]) -> dict[str, Any]:
        takes = [song.take for song in songs]
        return {
            "songs": len(takes),
            "players": len({t.player for t in takes if t.player}),
            "notes": sum(int(np.isfinite(t.offset).sum()) for t in takes),
        }

    def stand_in(self, used: list[str]) -> str | None:
        return f"No player was heard: {rules.NOTE}" if used == [rules.NAME] else None


def group(takes: Sequence[Take]) -> Groups:
    """Takes that must share a split: performances of one piece, pieces with much of their melody, and near-equal drum takes."""
    groups = Groups(len(takes))
    groups.join_equal(take.work or None for take in takes)
    struck = [i for i, take in enumerate(takes) if take.kind == "drums"]
    prints = [bar_prints(takes[i]) for i in struck]
    alike = Groups(len(struck))
    alike.join_equal(tuple(p) or None for p in prints)
    alike.join_similar(prints, 1, _SHARED_BARS)
    first: dict[str, int] = {}
    for i, take in enumerate(takes):
        if take.work:
            first.setdefault(take.work, i)
    pieces = list(first.values())
    tunes = Groups(len(pieces))
    tunes.join_similar([_tune(takes[i].notes) for i in pieces], _NGRAM, _SIMILAR)
    for members, joined in ((struck, alike), (pieces, tunes)):
        for k, i in enumerate(members):
            groups.join(i, members[joined.find(k)])
    return groups


def bar_prints(take: Take) -> list[bytes]:
    """A hash of every bar that is not empty, of what was played where and how; rounding doesn't matter."""
    bar = np.floor(take.notes.bar + 1e-6).astype(np.int64)
    table = np.stack(
        [
            np.round((take.notes.bar - bar) * 16),
            take.notes.pitch,
            np.round(take.offset / 4),
            np.round(take.velocity * 64),
        ],
        1,
    )
    return [hashlib.sha256(table[bar == b].astype(np.int32).tobytes()).digest()[:12] for b in np.unique(bar)]


def _tune(notes: WrittenNotes) -> tuple[int, ...]:
    """The intervals of the highest notes, one an onset."""
    last = np.append(notes.onset[1:] != notes.onset[:-1], True)
    return tuple(int(i) for i in np.diff(notes.pitch[last]))
