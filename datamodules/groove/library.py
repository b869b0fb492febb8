"""Takes of the first source that is there, without near-duplicates across splits, cached by content."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datamodules.groove import fma, groove_midi, styles
from datamodules.groove.groove_midi import Reading, Take
from datamodules.shared.cache import data_version, files_below
from datamodules.shared.code_version import code_version
from datamodules.shared.library import SplitLibrary, prepared
from datamodules.shared.problems import Problem, counted_reasons, first_of
from datamodules.shared.splits import SPLITS, Groups
from kmidi_lab.errors import DataError
from kmidi_lab.models.groove.bars import Performance

SOURCES = ("groove_midi", "fma", "styles")
_READERS: dict[str, Any] = {"groove_midi": groove_midi, "fma": fma}
_PUBLISHED = {"train": "train", "validation": "val", "test": "test"}
_SHARED = 0.5
"""Performances that have this share of their bars in common, stroke for stroke, are one."""


@dataclass
class Library(SplitLibrary[Performance]):
    """Performances with their splits and players."""

    drummers: list[str] = field(default_factory=list)


def load(
    root: Path, cache_dir: Path, sources: Sequence[str], test_drummers: Sequence[str], split_seed: int, progress: bool
) -> Library:
    """Reads and splits the first of `sources` that is there, or takes the prepared result from the cache.

    Real and generated playing are never mixed. Raises DataError when none of the sources is there.
    """
    for source in sources:
        found = _READERS[source].files(root) if source in _READERS else []
        if source == "styles" or found:
            break
    else:
        raise DataError(
            f"{root} holds none of {', '.join(sources)}; set DATA_ROOT to a folder with groove/ or fma_metadata/ and "
            "fma_small/, or data=groove_styles"
        )
    # Generated takes are what their code makes.
    contents = files_below(root, found) if found else [Path(styles.__file__).read_bytes()]
    version = data_version((source, (sorted(test_drummers), split_seed)), contents)

    def make() -> Library:
        return _build(read(), test_drummers, split_seed, version)

    def read() -> Reading:
        if source == "fma":
            return fma.read(root, cache_dir, progress=progress)
        return groove_midi.read(root) if found else styles.generate(split_seed)

    absent = sources[: sources.index(source)]
    return prepared(cache_dir / "groove", version, code_version(__name__), make, absent)


def _build(found: Reading, test_drummers: Sequence[str], split_seed: int, version: str) -> Library:
    rule, splits = _split(found.takes, test_drummers, split_seed)
    kept, problems = _without_shared(found.takes, splits, list(found.problems))
    if not kept:
        raise DataError(
            f"no usable drum performance was found.{first_of(problems)} Set DATA_ROOT to a folder with groove/"
        )
    takes = [found.takes[i] for i in kept]
    described = {
        "name": found.source,
        "licence": found.licence,
        "performances": len(takes),
        "bars": sum(len(t.performance.bars.hit) for t in takes),
        "strokes": sum(int(t.performance.bars.hit.sum()) for t in takes),
        "strokes merged with a louder one of the same step": sum(t.performance.bars.merged for t in takes),
        "skipped": len(problems),
        "note": found.note,
    }
    real = found.source in _READERS
    description = {
        "version": f"sha256:{version}",
        "stand_in": None if real else f"No drummer was heard: {found.note}",
        "licence": found.licence,
        "sources": [described],
        "problems": counted_reasons(problems),
    }
    songs, drummers = [t.performance for t in takes], [t.drummer for t in takes]
    return Library(songs, [splits[i] for i in kept], description, rule, problems, drummers)


def _split(takes: Sequence[Take], test_drummers: Sequence[str], seed: int) -> tuple[dict[str, Any], list[str]]:
    """The published splits where a test part is there, else whole drummers are the test."""
    if takes and takes[0].performance.source == "styles":
        return {"rule": "by generated take", "seed": seed}, [_PUBLISHED[t.published] for t in takes]
    if any(t.published == "test" for t in takes):
        return {"rule": "as published", "seed": seed}, [_PUBLISHED[t.published] for t in takes]
    rule = (
        f"the published test part is not here: every take of {', '.join(sorted(test_drummers))} is the test, the other "
        "drummers keep their published split, whose validation part shares drummers with train"
    )
    splits = ["test" if t.drummer in test_drummers else _PUBLISHED[t.published] for t in takes]
    return {"rule": rule, "seed": seed}, splits


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


def _without_shared(
    takes: Sequence[Take], splits: Sequence[str], problems: list[Problem]
) -> tuple[list[int], list[Problem]]:
    """Places of the takes that stay: each group of near-duplicates keeps those of one split, test before val before train."""
    groups = group([t.performance for t in takes])
    best: dict[int, int] = {}
    rank = [SPLITS.index(s) for s in splits]
    for i in range(len(takes)):
        best[groups.find(i)] = max(best.get(groups.find(i), 0), rank[i])
    kept = [i for i in range(len(takes)) if rank[i] == best[groups.find(i)]]
    dropped = sorted(set(range(len(takes))) - set(kept))
    problems += [
        Problem(takes[i].performance.id, "", "near-duplicate of a take in another split", splits[i]) for i in dropped
    ]
    return kept, problems
