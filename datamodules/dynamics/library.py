"""The performances of the first source that is there: which belong together, and what the card says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.dynamics import asap, kth, unscored
from datamodules.shared import asap as asap_set
from datamodules.shared import engine, lakh
from datamodules.shared.cache import code_version
from datamodules.shared.engine import Rules, Split
from datamodules.shared.library import Reading, SplitLibrary
from datamodules.shared.sources import Source, below, find_sources, packages
from datamodules.shared.splits import Groups, SplitBy, assign
from kmidi_lab.errors import DataError
from kmidi_lab.midi.score import Score
from kmidi_lab.models.dynamics.targets import Performance

SOURCES = ("asap", "maestro", "lakh", "kth_rules")
_NGRAM, _SIMILAR = 8, 0.3
_STAND_IN = (
    "No performances by people were used: scores of the music21 corpus, played by the KTH performance rules with random "
    "strengths, stand in for them."
)


Library = SplitLibrary[Performance]


def load(
    root: Path,
    cache_dir: Path,
    names: Sequence[str],
    by: SplitBy,
    progress: bool,
) -> Library:
    """Reads and splits, or takes the prepared result of the same files, code and settings from the cache."""
    present, absent = find_sources(sources(root, progress), names)
    if not present:
        raise DataError(
            f"{' and '.join(names)} not found in {root}; set DATA_ROOT to the folder that holds asap/, maestro-v3.0.0/ or "
            "lmd_full/, or type data=kth_rules"
        )
    used = present[0]
    version = engine.version(used.name, tuple(by), [used])
    rules = PerformanceRules(by)
    library = engine.load(cache_dir / "dynamics", [used], absent, version, code_version(__name__), rules)
    library.description["id"] = used.name
    return library


def sources(root: Path, progress: bool) -> list[Source[Performance]]:
    """All of SOURCES."""
    files = below(root)
    return [
        Source(
            "asap",
            partial(asap_set.files, root),
            lambda _: asap.read(asap_set.table(root).parent, asap_set.read_table(root)),
            files,
            folders=lambda: [asap_set.table(root).parent],
            looked_at=lambda: asap_set.looked_at(root),
        ),
        Source(
            "maestro",
            partial(unscored.maestro_files, root),
            lambda _: unscored.read_maestro(root, progress),
            files,
            folders=lambda: [unscored.maestro_table(root).parent],
        ),
        Source(
            "lakh",
            partial(unscored.lakh_files, root),
            lambda paths: unscored.read_lakh(paths, progress),
            files,
            folders=lambda: lakh.folders(root),
            looked_at=lambda: [file.path for file in lakh.read(root).files],
        ),
        Source(
            "kth_rules",
            kth.score_files,
            lambda paths: kth.read(paths, progress),
            lambda paths: [*packages("music21"), repr([p.name for p in paths]).encode()],
        ),
    ]


@dataclass(frozen=True)
class PerformanceRules(Rules[Performance]):
    """Performances of one piece, and of pieces that share much of their melody, share a split."""

    by: SplitBy
    nothing = "no usable performance was found"
    remedy = "Set DATA_ROOT to a folder with asap/"

    def split(self, songs: list[Performance]) -> Split:
        groups = group(songs)
        leaders = {groups.find(i): p.piece for i, p in reversed(list(enumerate(songs)))}
        names = [leaders[groups.find(i)] for i in range(len(songs))]
        rule = {
            "rule": "by piece with all its performances: hash of the group of near-duplicates",
            "seed": self.by.seed,
        }
        return Split(assign(names, groups, *self.by), rule)

    def counts(self, songs: list[Performance]) -> dict[str, Any]:
        return {
            "songs": len(songs),
            "pieces": len({p.piece for p in songs}),
            "events": sum(p.matched_notes for p in songs),
        }

    def row(self, reading: Reading[Performance], songs: list[Performance]) -> dict[str, Any]:
        facts = {name: round(value, 4) for name, value in reading.facts.items()}
        return {name: value for name, value in super().row(reading, songs).items() if name != "note" or value} | facts

    def stand_in(self, used: list[str]) -> str | None:
        return _STAND_IN if used == ["kth_rules"] else None


def group(performances: Sequence[Performance]) -> Groups:
    """Performances that must share a split: of one piece, or of pieces that share much of their melody, in any key."""
    groups = Groups(len(performances))
    groups.join_equal(p.piece for p in performances)
    first: dict[str, int] = {}
    for i, performance in enumerate(performances):
        first.setdefault(performance.piece, i)
    first_ones = list(first.values())
    tunes = [_tune(performances[i].score) for i in first_ones]
    alike = Groups(len(first_ones))
    alike.join_similar(tunes, _NGRAM, _SIMILAR)
    for k, i in enumerate(first_ones):
        groups.join(i, first_ones[alike.find(k)])
    return groups


def _tune(score: Score) -> tuple[int, ...]:
    """The intervals of the highest notes, one an onset."""
    last = np.append(score.onset[1:] != score.onset[:-1], True)
    return tuple(int(i) for i in np.diff(score.pitch[last]))
