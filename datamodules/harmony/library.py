"""Every chord source that is present: which songs are copies, which belong together, and what the card says."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from datamodules.harmony import (
    billboard,
    ireal,
    jazz_corpus,
    jazz_standards,
    kmidi,
    music21_corpus,
    pop909,
    progressions,
)
from datamodules.shared import engine, layout
from datamodules.shared.cache import code_version
from datamodules.shared.engine import Rules, Split
from datamodules.shared.library import SplitLibrary, shown
from datamodules.shared.sources import Source, below, find_sources, packages
from datamodules.shared.splits import Groups, SplitBy, assign
from kmidi_lab.chords.chord import Song
from kmidi_lab.models.harmony.features import joint_class

SOURCES = (
    "embedded", "kmidi", "rntxt", "chorales", "jazz_standards", "pop909", jazz_corpus.NAME, ireal.NAME, billboard.NAME,
)  # fmt: skip
_PLACES = {
    "kmidi": f"kmidi/{kmidi.FILES[0]}",
    "jazz_standards": jazz_standards.FILE,
    "pop909": "pop909/*/chord_midi.txt",
    jazz_corpus.NAME: f"{jazz_corpus.NAME}/**/*.txt",
    ireal.NAME: f"{ireal.NAME}/**/*.txt",
    billboard.NAME: f"{billboard.NAME}/**/{billboard.FILE}",
}
"""What is looked for below the data root, for the line that nothing was found."""
_TITLED = ("jazz_standards", jazz_corpus.NAME, ireal.NAME, billboard.NAME)
_TODAY = (*_TITLED, "pop909")
_NGRAM, _SIMILAR = 6, 0.5

Library = SplitLibrary[Song]


def load(
    root: Path,
    cache_dir: Path,
    names: Sequence[str],
    by: SplitBy,
    progress: bool,
) -> Library:
    """Reads and splits, or takes the prepared result of the same files, code and settings from the cache."""
    # In canonical order: of two equal progressions the first source's is kept.
    present, absent = find_sources(sources(root, progress), [name for name in SOURCES if name in names])
    in_order = sorted(present, key=lambda p: p.name)
    version = engine.version([p.name for p in in_order], tuple(by), in_order)
    looked_for = ", ".join(_PLACES[name] for name in SOURCES if name in names and name in _PLACES)
    rules = ChordRules(
        by,
        f"Looked for {looked_for} in {root}: set DATA_ROOT, or type data.root=FOLDER (docs/harmony.md has the layouts)",
    )
    return engine.load(cache_dir / "chord_db", present, absent, version, code_version(__name__), rules)


def sources(root: Path, progress: bool) -> list[Source[Song]]:
    """All of SOURCES."""
    database, files, corpus = progressions.PATH, below(root), packages("music21")
    return [
        Source(
            "embedded", list, lambda _: progressions.read_embedded(), lambda _: [database.read_bytes()], always=True
        ),
        Source("kmidi", partial(kmidi.files, root), kmidi.read, files, folders=lambda: kmidi.folders(root)),
        Source("rntxt", layout.analysis_files, music21_corpus.read_analyses, lambda _: corpus, always=True),
        Source(
            "chorales",
            layout.chorale_files,
            lambda paths: music21_corpus.read_chorales(shown(paths, "reading chorales", progress)),
            lambda _: corpus,
            always=True,
        ),
        Source(
            "jazz_standards",
            partial(jazz_standards.files, root),
            lambda _: jazz_standards.read(root),
            files,
            folders=lambda: [root / "jazz_standards"],
        ),
        Source(
            "pop909",
            partial(pop909.files, root),
            lambda _: pop909.read(root),
            files,
            folders=lambda: [root / "pop909"],
            others=("versions",),
        ),
        *(
            Source(
                reader.NAME,
                partial(reader.files, root),
                reader.read,
                files,
                folders=partial(_folder, root, reader.NAME),
            )
            for reader in (jazz_corpus, ireal, billboard)
        ),
    ]


def _folder(root: Path, name: str) -> list[Path]:
    return [root / name]


@dataclass(frozen=True)
class ChordRules(Rules[Song]):
    """One song of each progression in each mode; songs that share one share a split."""

    by: SplitBy
    remedy: str = "Set DATA_ROOT"
    nothing = "no usable chord data was found"
    same = "same progression as another, whatever the key"
    named_licences = True

    def key(self, song: Song) -> Hashable:
        return song.events[0].key.mode, progression_key(song)

    def split(self, songs: list[Song]) -> Split:
        rule = "by song and by distinct progression: hash of the group of near-duplicates"
        places = assign([s.id for s in songs], group(songs), *self.by)
        return Split(places, {"rule": rule, "seed": self.by.seed})

    def counts(self, songs: list[Song]) -> dict[str, Any]:
        return {"songs": len(songs), "events": sum(len(s.events) for s in songs)}

    def stand_in(self, used: list[str]) -> str | None:
        if any(name in _TODAY for name in used):
            return None
        # Checkpoints hold a digest of this text: with another one a run that goes on forgets its best epoch.
        return f"No songs of today (JazzStandards, POP909) were used: {', '.join(used)} stand in for them."


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
    title = re.sub(r"^(the|an?) |, (the|an?)$|\(.*?\)", "", song.title.lower())
    title = re.sub(r"[^a-z0-9]", "", title)
    return title if song.source in _TITLED and title else song.id
