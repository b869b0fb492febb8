"""Every melody source that is present, read once, grouped by likeness, split and cached by content."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from datamodules.melody import chorales, lakh_files, music21_chorales, pop909, tune_books
from datamodules.melody.reading import Reading
from datamodules.shared.cache import data_version
from datamodules.shared.code_version import code_version
from datamodules.shared.library import SplitLibrary, prepared
from datamodules.shared.problems import Problem, counted_reasons, first_of
from datamodules.shared.progress import shown
from datamodules.shared.splits import SPLITS, Groups, assign
from kmidi_lab.errors import DataError
from kmidi_lab.models.melody.features import Melody

BOOKS = tuple(tune_books.FOLDERS)
SOURCES = (*BOOKS, "chorales", "pop909", "jsb_chorales", "lakh")
_INTERVALS, _SIMILAR = 6, 0.25
_COMMON_TITLE = 6
"""A title that more tunes bear is the name of a dance, not of a tune."""


Library = SplitLibrary[Melody]


def load(
    root: Path, cache_dir: Path, sources: tuple[str, ...], seed: int, val: float, test: float, progress: bool
) -> Library:
    """Reads and splits, or takes the prepared result of the same files, code and settings from the cache."""
    wanted = [name for name in SOURCES if name in sources]
    present = {name: files for name in wanted if (files := source_files(name, root))}
    absent = [name for name in wanted if name not in present]
    if "jsb_chorales" in present:  # the same music, with a published split
        present.pop("chorales", None)
    version = _version(present, (seed, val, test))

    def make() -> Library:
        readings = [_read(name, root, files, progress) for name, files in present.items()]
        return build(readings, version, seed, val, test)

    return prepared(cache_dir / "melody_db", version, code_version(__name__), make, absent)


def source_files(name: str, root: Path) -> list[Path]:
    if name in BOOKS:
        return tune_books.files(name)
    if name == "chorales":
        return music21_chorales.files()
    return {"pop909": pop909, "jsb_chorales": chorales, "lakh": lakh_files}[name].files(root)


def _read(name: str, root: Path, files: list[Path], progress: bool) -> Reading:
    if name == "jsb_chorales":
        return chorales.read(root)
    if name == "lakh":
        return lakh_files.read(files, progress)
    paths = shown(files, f"reading {name}", progress)
    if name == "chorales":
        return music21_chorales.read(paths)
    return tune_books.read(name, paths) if name in BOOKS else pop909.read(root, paths)


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


def build(readings: list[Reading], version: str, seed: int, val: float, test: float) -> Library:
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
        raise DataError(
            f"no usable melody was found.{first_of(problems)} Use data.sources=[{','.join(BOOKS)}], which need no download"
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
    songs_of_today = any(r.source in ("pop909", "lakh") for r in readings)
    used = ", ".join(r.source for r in readings)
    description = {
        "version": f"sha256:{version}",
        "stand_in": None
        if songs_of_today
        else f"No songs of today (POP909, Lakh) were used: old tunes ({used}) stand in for them.",
        "licence": "; ".join(f"{d['name']}: {d['licence']}" for d in described),
        "sources": described,
        "problems": counted_reasons(problems),
    }
    rule = {
        "rule": "by tune and its variants: hash of the group that shares a quarter of its runs of six intervals or its name; "
        "a published split stands",
        "seed": seed,
    }
    return SplitLibrary(melodies, splits, description, rule, problems)


def _describe(reading: Reading, kept: list[Melody]) -> dict[str, Any]:
    return {
        "name": reading.source,
        "licence": reading.licence,
        "songs": len(kept),
        "notes": sum(map(len, kept)),
        "skipped": len(reading.problems),
        "note": reading.note,
    }


def _version(present: dict[str, list[Path]], settings: tuple[object, ...]) -> str:
    files = ((f"{name}/{p.parent.name}/{p.name}", p) for name, paths in sorted(present.items()) for p in paths)
    return data_version((sorted(present), settings), files)
