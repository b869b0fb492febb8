"""Takes of the first source that is there, without near-duplicates across splits, cached by content."""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import pickle
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datamodules import fma
from datamodules.groove import reading, styles
from datamodules.groove.reading import Problem, Reading, Take
from datamodules.splits import SPLITS, Groups
from kmidi_lab.errors import DataError
from kmidi_lab.export.atomic import write_atomic
from kmidi_lab.features import drums
from kmidi_lab.features.groove import Performance

SOURCES = ("groove_midi", "fma", "styles")
_READERS: dict[str, Any] = {"groove_midi": reading, "fma": fma}
_PUBLISHED = {"train": "train", "validation": "val", "test": "test"}
_SHARED = 0.5
"""Performances that have this share of their bars in common, stroke for stroke, are one."""


@dataclass
class Library:
    """Performances with their splits and players, and what the card and the report say of them."""

    performances: list[Performance]
    splits: list[str]
    drummers: list[str]
    description: dict[str, Any]
    split_rule: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)


def load(root: Path, cache_dir: Path, sources: Sequence[str], test_drummers: Sequence[str], split_seed: int) -> Library:
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
    absent = list(sources[: sources.index(source)])
    fingerprint = _fingerprint(source, found, root, (sorted(test_drummers), split_seed))
    path = cache_dir / "groove" / f"{fingerprint}-{_code_fingerprint()}.pickle"
    library = _from_cache(path)
    if library is None:
        library = _build(
            _READERS[source].read(root) if found else styles.generate(split_seed),
            test_drummers,
            split_seed,
            fingerprint,
        )
        write_atomic(path, pickle.dumps(library))
    library.description["absent"] = absent
    return library


def _build(found: Reading, test_drummers: Sequence[str], split_seed: int, fingerprint: str) -> Library:
    rule, splits = _split(found.takes, test_drummers, split_seed)
    kept, problems = _without_shared(found.takes, splits, list(found.problems))
    if not kept:
        first = f" First problem: {problems[0].file}: {problems[0].reason} {problems[0].detail}." if problems else ""
        raise DataError(f"no usable drum performance was found.{first} Set DATA_ROOT to a folder with groove/")
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
        "version": f"sha256:{fingerprint}",
        "stand_in": None if real else f"No drummer was heard: {found.note}",
        "licence": found.licence,
        "sources": [described],
        "absent": [],
        "problems": dict(Counter(p.reason for p in problems)),
    }
    return Library(
        [t.performance for t in takes], [splits[i] for i in kept], [t.drummer for t in takes], description, rule, problems
    )  # fmt: skip


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


def write_problems(problems: Iterable[Problem], path: Path) -> None:
    """Every skipped take as CSV."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["file", "where", "reason", "detail"])
        writer.writerows([p.file, p.where, p.reason, p.detail] for p in problems)


def _fingerprint(source: str, found: Sequence[Path], root: Path, settings: tuple[object, ...]) -> str:
    """Of the data and how it is split, whatever the version of this code."""
    digest = hashlib.sha256(repr((source, settings)).encode())
    if not found:
        digest.update(Path(styles.__file__).read_bytes())
    for path in found:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + _content(path))
    return digest.hexdigest()[:16]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        return repr(error).encode()


def _code_fingerprint() -> str:
    """Of everything that turns files into bars: a change of code is a change of cache."""
    digest = hashlib.sha256(importlib.metadata.version("symusic").encode())
    here, features = Path(__file__).parent, Path(drums.__file__).parent
    midi = sorted((here.parent / "midi").glob("*.py"))
    for path in (*sorted(here.glob("*.py")), *midi, features / "drums.py", features / "groove.py"):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _from_cache(path: Path) -> Library | None:
    try:
        library = pickle.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except Exception:  # a cache from other code or cut short is no more than a miss
        path.unlink(missing_ok=True)
        return None
    return library if isinstance(library, Library) else None
