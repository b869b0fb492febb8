"""The performances of the first source that is there: read once, grouped, split and cached by content."""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import pickle
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.chords.reading import Problem
from datamodules.dynamics import asap, corpus, kth
from datamodules.dynamics.performances import Performance, Reading
from datamodules.splits import SPLITS, Groups, assign
from kmidi_lab.errors import DataError
from kmidi_lab.export.atomic import write_atomic
from kmidi_lab.features import dynamics as features
from kmidi_lab.features.dynamics import Score

SOURCES = ("asap", "kth_rules")
_NGRAM, _SIMILAR = 8, 0.3
_STAND_IN = (
    "No performances by people were used: scores of the music21 corpus, played by the KTH performance rules with random "
    "strengths, stand in for them."
)


@dataclass
class Library:
    """Performances with their splits, and what the card and the report say of them."""

    performances: list[Performance]
    splits: list[str]
    description: dict[str, Any]
    split_rule: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)


def load(
    root: Path, cache_dir: Path, sources: Sequence[str], seed: int, val: float, test: float, progress: bool
) -> Library:
    """Reads and splits, or takes the prepared result of the same files, code and settings from the cache."""
    found = [name for name in sources if source_files(name, root)]
    if not found:
        raise DataError(
            f"{' and '.join(sources)} not found in {root}; set DATA_ROOT to the folder that holds asap/, or type data=kth_rules"
        )
    name, absent = found[0], [s for s in sources if s not in found]
    files = source_files(name, root)
    fingerprint = _fingerprint(name, files, root, (seed, val, test))
    path = cache_dir / "dynamics" / f"{fingerprint}-{_code_fingerprint()}.pickle"
    library = _from_cache(path)
    if library is None:
        reading = asap.read(root) if name == "asap" else kth.read(files, progress)
        library = _build(reading, fingerprint, seed, val, test)
        write_atomic(path, pickle.dumps(library))
    library.description["absent"] = absent
    return library


def source_files(name: str, root: Path) -> list[Path]:
    """The files of a source; empty where it is not there."""
    return asap.files(root) if name == "asap" else corpus.files()


def group(performances: Sequence[Performance]) -> Groups:
    """Performances that must share a split: of one piece, or of pieces that share much of their melody, in any key."""
    groups = Groups(len(performances))
    groups.join_equal(p.piece for p in performances)
    first: dict[str, int] = {}
    for i, performance in enumerate(performances):
        first.setdefault(performance.piece, i)
    kept = list(first.values())
    tunes = [_tune(performances[i].score) for i in kept]
    alike = Groups(len(kept))
    alike.join_similar(tunes, _NGRAM, _SIMILAR)
    for k, i in enumerate(kept):
        groups.join(i, kept[alike.find(k)])
    return groups


def _tune(score: Score) -> tuple[int, ...]:
    """The intervals of the highest notes, one an onset."""
    last = np.append(score.onset[1:] != score.onset[:-1], True)
    return tuple(int(i) for i in np.diff(score.pitch[last]))


def _build(reading: Reading, fingerprint: str, seed: int, val: float, test: float) -> Library:
    performances = reading.performances
    if not performances:
        first = reading.problems[0] if reading.problems else None
        detail = f" First problem: {first.file}: {first.reason} {first.detail}." if first else ""
        raise DataError(f"no usable performance was found.{detail} Set DATA_ROOT to a folder with asap/")
    groups = group(performances)
    leaders = {groups.find(i): p.piece for i, p in reversed(list(enumerate(performances)))}
    splits = assign([leaders[groups.find(i)] for i in range(len(performances))], groups, seed, val, test)
    description = {
        "id": reading.source,
        "version": f"sha256:{fingerprint}",
        "stand_in": _STAND_IN if reading.source == "kth_rules" else None,
        "licence": reading.licence,
        "sources": [
            {
                "name": reading.source,
                "licence": reading.licence,
                "songs": len(performances),
                "pieces": len({p.piece for p in performances}),
                "events": sum(p.known for p in performances),
                "skipped": len(reading.problems),
                **{name: round(value, 4) for name, value in reading.facts.items()},
            }
        ],
        "problems": dict(Counter(p.reason for p in reading.problems)),
    }
    rule = {"rule": "by piece with all its performances: hash of the group of near-duplicates", "seed": seed}
    return Library(performances, splits, description, rule, reading.problems)


def counts(library: Library) -> dict[str, dict[str, int]]:
    """Performances, pieces and matched notes of each split."""
    out = {}
    for split in SPLITS:
        own = [p for p, where in zip(library.performances, library.splits, strict=True) if where == split]
        out[split] = {
            "songs": len(own),
            "pieces": len({p.piece for p in own}),
            "events": sum(p.known for p in own),
        }
    return out


def write_problems(problems: list[Problem], path: Path) -> None:
    """Every performance that was left out as CSV."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["file", "where", "reason", "detail"])
        writer.writerows([p.file, p.where, p.reason, p.detail] for p in problems)


def _fingerprint(name: str, files: list[Path], root: Path, settings: tuple[object, ...]) -> str:
    """Of the data and how it is split: what a model was trained on, whatever the version of this code."""
    digest = hashlib.sha256(repr((name, settings)).encode())
    if name == "kth_rules":
        digest.update(importlib.metadata.version("music21").encode() + repr([p.name for p in files]).encode())
        return digest.hexdigest()[:16]
    for path in files:
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        try:
            digest.update(path.read_bytes())
        except OSError as error:
            digest.update(repr(error).encode())
    return digest.hexdigest()[:16]


def _code_fingerprint() -> str:
    """Of everything that turns files into performances: a change of code is a change of cache."""
    here = Path(__file__).parent
    digest = hashlib.sha256(b"".join(importlib.metadata.version(p).encode() for p in ("muspy", "symusic")))
    for path in (
        *sorted(here.glob("*.py")),
        *sorted((here.parent / "midi").glob("*.py")),
        here.parent / "splits.py",
        Path(features.__file__),
    ):
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
