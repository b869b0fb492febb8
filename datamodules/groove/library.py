"""Takes of the first source that is there, without near-duplicates across splits."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from datamodules.groove import fma, groove_midi, styles
from datamodules.groove.groove_midi import Take
from datamodules.shared import engine
from datamodules.shared import groove_midi as groove_set
from datamodules.shared.cache import code_version
from datamodules.shared.engine import Rules, Split
from datamodules.shared.library import Problem, SplitLibrary
from datamodules.shared.sources import Source, below, find_sources
from datamodules.shared.splits import SPLITS, Groups
from kmidi_lab.errors import DataError
from kmidi_lab.models.groove.grid import Performance

SOURCES = ("groove_midi", "fma", "styles")
_PUBLISHED = {"train": "train", "validation": "val", "test": "test"}
_VAL_SHARE = 8
_SHARED = 0.5
"""Performances that have this share of their bars in common, stroke for stroke, are one."""


@dataclass
class Library(SplitLibrary[Performance]):
    """Performances with their splits and players."""

    drummers: list[str] = field(default_factory=list)


def load(
    root: Path, cache_dir: Path, names: Sequence[str], test_drummers: Sequence[str], split_seed: int, progress: bool
) -> Library:
    """Reads and splits the first of the sources named that is there, or takes the prepared result from the cache.

    Real and generated playing are never mixed. Raises DataError when none of the sources is there.
    """
    present, absent = find_sources(sources(root, cache_dir, split_seed, progress), names)
    if not present:
        raise DataError(
            f"{root} holds none of {', '.join(names)}; set DATA_ROOT to a folder with groove/ or fma_metadata/ and "
            "fma_small/, or data=groove_styles"
        )
    used = present[0]
    version = engine.version(used.name, (sorted(test_drummers), split_seed), [used])
    rules = TakeRules(tuple(sorted(test_drummers)), split_seed)
    takes = engine.load(cache_dir / "groove", [used], absent, version, code_version(__name__), rules)
    played, drummers = [t.performance for t in takes.songs], [t.drummer for t in takes.songs]
    return Library(played, takes.splits, takes.description, takes.split_rule, takes.problems, drummers)


def sources(root: Path, cache_dir: Path, split_seed: int, progress: bool) -> list[Source[Take]]:
    """All of SOURCES; generated takes are what their code makes."""
    files, code = below(root), Path(styles.__file__)
    return [
        Source(
            "groove_midi",
            partial(groove_set.files, root),
            lambda _: groove_midi.read(root),
            files,
            folders=lambda: [root / "groove"],
            looked_at=lambda: [f.path for f in groove_set.read_table(root).files],
        ),
        Source(
            "fma",
            partial(fma.files, root),
            lambda _: fma.read(root, cache_dir, progress=progress),
            files,
            folders=partial(fma.folders, root),
        ),
        Source("styles", list, lambda _: styles.generate(split_seed), lambda _: [code.read_bytes()], always=True),
    ]


@dataclass(frozen=True)
class TakeRules(Rules[Take]):
    """The published splits where a test part is there, else whole drummers are the test, or the published validation part.

    Each group of near-duplicates keeps those of one split, test before validation before train.
    """

    test_drummers: tuple[str, ...]
    seed: int
    nothing = "no usable drum performance was found"
    remedy = "Set DATA_ROOT to a folder with groove/"

    def split(self, songs: list[Take]) -> Split:
        rule, places = self._published(songs)
        groups = group([t.performance for t in songs])
        best: dict[int, int] = {}
        rank = [SPLITS.index(place) for place in places]
        for i in range(len(songs)):
            best[groups.find(i)] = max(best.get(groups.find(i), 0), rank[i])
        left_out = {
            i: Problem(take.performance.id, "", "near-duplicate of a take in another split", places[i])
            for i, take in enumerate(songs)
            if rank[i] != best[groups.find(i)]
        }
        return Split(places, {"rule": rule, "seed": self.seed}, left_out)

    def _published(self, takes: list[Take]) -> tuple[str, list[str]]:
        places = [_PUBLISHED[t.published] for t in takes]
        if takes[0].performance.source == "styles":
            return "by generated take", places
        if "test" in places:
            return "as published", places
        if not self.test_drummers:
            rule = (
                "the published test part is not here and no test drummers are named: the published validation part is the "
                f"test, and about one in {_VAL_SHARE} takes of the published training part is the validation"
            )
            return rule, [self._within(t) for t in takes]
        rule = (
            f"the published test part is not here: every take of {', '.join(self.test_drummers)} is the test, the other "
            "drummers keep their published split, whose validation part shares drummers with train"
        )
        pairs = zip(takes, places, strict=True)
        return rule, ["test" if t.drummer in self.test_drummers else place for t, place in pairs]

    def _within(self, take: Take) -> str:
        """Where a take belongs on the published split without its test part: validation is the test."""
        if take.published == "validation":
            return "test"
        drawn = zlib.crc32(f"{self.seed} {take.performance.id}".encode()) % _VAL_SHARE
        return "train" if drawn else "val"

    def counts(self, songs: list[Take]) -> dict[str, Any]:
        bars = [t.performance.bars for t in songs]
        return {
            "performances": len(songs),
            "bars": sum(len(b.hit) for b in bars),
            "strokes": sum(int(b.hit.sum()) for b in bars),
            "strokes merged with a louder one of the same step": sum(b.merged for b in bars),
        }

    def stand_in(self, used: list[str]) -> str | None:
        return f"No drummer was heard: {styles.NOTE}" if used == ["styles"] else None


def group(performances: Sequence[Performance]) -> Groups:
    """Performances that hold at least half of the same bars, stroke for stroke, or all the same ones."""
    prints = [bar_prints(p) for p in performances]
    groups = Groups(len(performances))
    groups.join_equal(tuple(p) for p in prints)
    groups.join_similar(prints, 1, _SHARED)
    return groups


def bar_prints(performance: Performance) -> list[bytes]:
    """A hash of every bar that is not empty, of what was played where and how hard; rounding doesn't matter."""
    b = performance.bars
    played = [i for i in range(len(b.hit)) if b.hit[i].any()]
    return [
        hashlib.sha256(
            b.hit[i].tobytes() + (b.timing[i] * 30).round().tobytes() + (b.velocity[i] * 127).round().tobytes()
        ).digest()[:12]
        for i in played
    ]
