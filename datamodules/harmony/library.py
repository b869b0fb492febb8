"""Every chord source that is present, read once, de-duplicated, grouped, split and cached by content."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from datamodules.harmony import jazz_standards, music21_corpus, pop909, progressions
from datamodules.harmony.reading import Reading
from datamodules.shared import music21_corpus as corpus_files
from datamodules.shared.cache import data_version, files_below
from datamodules.shared.code_version import code_version
from datamodules.shared.library import SplitLibrary, prepared
from datamodules.shared.problems import Problem, counted_reasons, first_of
from datamodules.shared.progress import shown
from datamodules.shared.splits import Groups, assign
from kmidi_lab.chords.song import Song
from kmidi_lab.errors import DataError
from kmidi_lab.models.harmony.features import joint_class

SOURCES = ("embedded", "kmidi", "rntxt", "chorales", "jazz_standards", "pop909")
_ALWAYS_THERE = ("embedded", "rntxt", "chorales")
_NGRAM, _SIMILAR = 6, 0.5

Library = SplitLibrary[Song]


def load(
    root: Path, cache_dir: Path, sources: tuple[str, ...], seed: int, val: float, test: float, progress: bool
) -> Library:
    """Reads and splits, or takes the prepared result of the same files, code and settings from the cache."""
    # In canonical order: of two equal progressions the first source's is kept.
    wanted = [name for name in SOURCES if name in sources]
    present = {name: files for name in wanted if (files := source_files(name, root)) or name in _ALWAYS_THERE}
    version = _version(present, root, (seed, val, test))

    def make() -> Library:
        readings = [_read(name, root, files, progress) for name, files in present.items()]
        return _build(readings, version, seed, val, test)

    absent = [name for name in wanted if name not in present]
    return prepared(cache_dir / "chord_db", version, code_version(__name__), make, absent)


def source_files(name: str, root: Path) -> list[Path]:
    """The files of a source, cheaply; used by `--help`, too."""
    finders: dict[str, Callable[[], list[Path]]] = {
        "embedded": list,
        "kmidi": lambda: progressions.kmidi_files(root),
        "rntxt": corpus_files.analysis_files,
        "chorales": corpus_files.chorale_files,
        "jazz_standards": lambda: jazz_standards.files(root),
        "pop909": lambda: pop909.files(root),
    }
    return finders[name]()


def _read(name: str, root: Path, files: list[Path], progress: bool) -> Reading:
    if name == "embedded":
        return progressions.read_embedded()
    if name == "kmidi":
        return progressions.read_kmidi(files)
    if name == "rntxt":
        return music21_corpus.read_analyses(files)
    if name == "chorales":
        return music21_corpus.read_chorales(shown(files, "reading chorales", progress))
    return jazz_standards.read(root) if name == "jazz_standards" else pop909.read(root)


def progression_key(song: Song) -> tuple[int, ...]:
    """What makes a progression distinct, whatever its key: its joint classes; a loop's smallest rotation."""
    tokens = tuple(joint_class(e.chord, e.key) for e in song.events)
    if not song.loop:
        return tokens
    if len(tokens) > 1 and tokens[0] == tokens[-1]:
        tokens = tokens[:-1]
    return min(tokens[i:] + tokens[:i] for i in range(len(tokens)))


def loop_shape(song: Song) -> tuple[tuple[int, int], ...] | None:
    """A loop whatever its rotation and tonic (`vi IV I V` in C is `i VI III VII` in A minor); None for songs."""
    if not song.loop:
        return None
    labels = [e.chord.label for e in song.events]
    if len(labels) > 1 and labels[0] == labels[-1]:
        labels.pop()
    turns = (labels[i:] + labels[:i] for i in range(len(labels)))
    return min(tuple(((root - turn[0][0]) % 12, quality) for root, quality in turn) for turn in turns)


def _build(readings: list[Reading], version: str, seed: int, val: float, test: float) -> Library:
    songs: list[Song] = []
    seen: dict[tuple[int, tuple[int, ...]], str] = {}
    problems: list[Problem] = []
    for reading in readings:
        for song in reading.songs:
            key = (song.events[0].key.mode, progression_key(song))
            if key in seen:
                reading.skip(song.id, song.title, "same progression as another, whatever the key", seen[key])
            else:
                seen[key] = song.id
                songs.append(song)
        problems += reading.problems
    if not songs:
        raise DataError(
            f"no usable chord data was found.{first_of(problems)} Set DATA_ROOT to a folder with jazz_standards/ or pop909/"
        )
    splits = assign([s.id for s in songs], group(songs), seed, val, test)
    described = [
        {
            "name": r.source,
            "licence": r.licence,
            "songs": sum(s.source == r.source for s in songs),
            "events": sum(len(s.events) for s in songs if s.source == r.source),
            "skipped": len(r.problems),
            "note": r.note,
        }
        for r in readings
    ]
    real = [d["name"] for d in described if d["name"] in ("jazz_standards", "pop909")]
    used = ", ".join(r.source for r in readings)
    stand_in = None if real else f"No songs of today (JazzStandards, POP909) were used: {used} stand in for them."
    description = {
        "version": f"sha256:{version}",
        "stand_in": stand_in,
        "licence": "; ".join(f"{d['name']}: {d['licence']}" for d in described),
        "sources": described,
        "problems": counted_reasons(problems),
    }
    rule = {"rule": "by song and by distinct progression: hash of the group of near-duplicates", "seed": seed}
    return SplitLibrary(songs, splits, description, rule, problems)


def group(songs: list[Song]) -> Groups:
    """Songs that must share a split: same piece, same loop in any rotation or key, or mostly the same chords."""
    groups = Groups(len(songs))
    groups.join_equal(_work(s) for s in songs)
    groups.join_equal(progression_key(s) for s in songs)
    groups.join_equal(loop_shape(s) for s in songs)
    groups.join_similar([tuple(joint_class(e.chord, e.key) for e in s.events) for s in songs], _NGRAM, _SIMILAR)
    return groups


def _work(song: Song) -> str | None:
    """The piece behind a song, across sources: a catalogue number or a normalised title; None for patterns."""
    if song.source in ("embedded", "kmidi"):
        return None
    number = re.search(r"bwv[\s._-]*(\d+)", " ".join((song.id, song.title, *song.tags)).lower())
    if number:
        return f"bwv{number[1]}"
    title = re.sub(r"\(.*?\)|[^a-z0-9]", "", song.title.lower())
    return title if song.source == "jazz_standards" and title else song.id


def _version(present: dict[str, list[Path]], root: Path, settings: tuple[object, ...]) -> str:
    """Of the data and how it is split: what a model was trained on, whatever the version of this code."""

    def contents() -> Iterator[tuple[str, Path] | bytes]:
        for name, files in sorted(present.items()):
            if name in ("rntxt", "chorales"):
                yield importlib.metadata.version("music21").encode()
            elif name == "embedded":
                yield Path(__file__).with_name("progressions.yaml").read_bytes()
            else:
                yield from files_below(root, files)

    return data_version((sorted(present), settings), contents())
