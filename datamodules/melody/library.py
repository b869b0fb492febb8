"""Every melody source that is present, read once, grouped by likeness, split and cached by content."""

from __future__ import annotations

import csv
import hashlib
import importlib.metadata
import pickle
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.chords.reading import Problem
from datamodules.melody import chorales, pop909, tune_books
from datamodules.melody.reading import Reading
from datamodules.splits import SPLITS, Groups, assign
from kmidi_lab.errors import DataError
from kmidi_lab.export.atomic import write_atomic
from kmidi_lab.features import melody as features
from kmidi_lab.features.melody import Melody

BOOKS = tuple(tune_books.FOLDERS)
SOURCES = (*BOOKS, "pop909", "jsb_chorales")
_INTERVALS, _SIMILAR = 6, 0.25
_COMMON_TITLE = 6
"""A title that more tunes bear is the name of a dance, not of a tune."""
_CODE = (Path(__file__).parent, Path(__file__).parents[1] / "splits.py", Path(features.__file__))


@dataclass
class Library:
    """Melodies with their splits, and what the card and the report say of them."""

    melodies: list[Melody]
    splits: list[str]
    description: dict[str, Any]
    split_rule: dict[str, Any]
    problems: list[Problem] = field(default_factory=list)


def load(
    root: Path, cache_dir: Path, sources: tuple[str, ...], seed: int, val: float, test: float, progress: bool
) -> Library:
    """Reads and splits, or takes the prepared result of the same files, code and settings from the cache."""
    wanted = [name for name in SOURCES if name in sources]
    present = {name: files for name in wanted if (files := source_files(name, root))}
    absent = [name for name in wanted if name not in present]
    fingerprint = _fingerprint(present, (seed, val, test))
    path = cache_dir / "melody_db" / f"{fingerprint}-{_code_fingerprint()}.pickle"
    library = _from_cache(path)
    if library is None:
        readings = [_read(name, root, files, progress) for name, files in present.items()]
        library = build(readings, fingerprint, seed, val, test)
        write_atomic(path, pickle.dumps(library))
    library.description["absent"] = absent
    return library


def source_files(name: str, root: Path) -> list[Path]:
    if name in BOOKS:
        return tune_books.files(name)
    return pop909.files(root) if name == "pop909" else chorales.files(root)


def _read(name: str, root: Path, files: list[Path], progress: bool) -> Reading:
    if name == "jsb_chorales":
        return chorales.read(root)
    paths = _bar(files, f"reading {name}", progress)
    return tune_books.read(name, paths) if name in BOOKS else pop909.read(root, paths)


def _bar(items: list[Path], text: str, progress: bool) -> Iterable[Path]:
    if not progress:
        return items
    from rich.progress import track

    return track(items, description=text, transient=True)


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


def build(readings: list[Reading], fingerprint: str, seed: int, val: float, test: float) -> Library:
    """Leaves out exact copies, groups and splits. A published split stands: a group with a test piece is test."""
    melodies: list[Melody] = []
    seen: dict[tuple[object, ...], str] = {}
    problems: list[Problem] = []
    for reading in readings:
        for melody in reading.melodies:
            key = (intervals(melody), tuple(np.round(melody.duration * 48).astype(int).tolist()))
            if key in seen and melody.given is None:
                reading.skip(melody.id, melody.title, "same notes as another, whatever the key", seen[key])
            else:
                seen[key] = melody.id
                melodies.append(melody)
        problems += reading.problems
    if not melodies:
        first = f" First problem: {problems[0].file}: {problems[0].reason}." if problems else ""
        raise DataError(
            f"no usable melody was found.{first} Use data.sources=[{','.join(BOOKS)}], which need no download"
        )
    groups = group(melodies)
    splits = assign([m.id for m in melodies], groups, seed, val, test)
    published: dict[int, str] = {}
    for i, melody in enumerate(melodies):
        if melody.given is not None:
            places = (melody.given, published.get(groups.find(i), "train"))
            published[groups.find(i)] = max(places, key=SPLITS.index)
    splits = [published.get(groups.find(i), place) for i, place in enumerate(splits)]
    described = [_describe(r, [m for m in melodies if m.source == r.source]) for r in readings]
    songs_of_today = any(r.source == "pop909" for r in readings)
    used = ", ".join(r.source for r in readings)
    description = {
        "version": f"sha256:{fingerprint}",
        "stand_in": None
        if songs_of_today
        else f"No songs of today (POP909) were used: traditional tunes ({used}) stand in for them.",
        "licence": "; ".join(f"{d['name']}: {d['licence']}" for d in described),
        "sources": described,
        "problems": dict(Counter(p.reason for p in problems)),
    }
    rule = {
        "rule": "by tune and its variants: hash of the group that shares a quarter of its runs of six intervals or its name; "
        "a published split stands",
        "seed": seed,
    }
    return Library(melodies, splits, description, rule, problems)


def _describe(reading: Reading, kept: list[Melody]) -> dict[str, Any]:
    return {
        "name": reading.source,
        "licence": reading.licence,
        "songs": len(kept),
        "notes": sum(map(len, kept)),
        "skipped": len(reading.problems),
        "note": reading.note,
    }


def write_problems(problems: list[Problem], path: Path) -> None:
    """Every skipped item of every file as CSV."""
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(["file", "where", "reason", "detail"])
        writer.writerows([p.file, p.where, p.reason, p.detail] for p in problems)


def _fingerprint(present: dict[str, list[Path]], settings: tuple[object, ...]) -> str:
    """Of the files' contents and how they are split, whatever the version of this code."""
    digest = hashlib.sha256(repr((sorted(present), settings)).encode())
    for name, files in sorted(present.items()):
        for path in files:
            digest.update(f"{name}/{path.parent.name}/{path.name}\0".encode())
            try:
                digest.update(path.read_bytes())
            except OSError as error:
                digest.update(repr(error).encode())
    return digest.hexdigest()[:16]


def _code_fingerprint() -> str:
    """Of everything that turns files into melodies: a change of code is a change of cache."""
    digest = hashlib.sha256(importlib.metadata.version("symusic").encode())
    for base in _CODE:
        for path in sorted(base.rglob("*.py") if base.is_dir() else [base]):
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
