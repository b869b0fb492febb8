"""Lakh MIDI (C. Raffel, *Learning-Based Methods for Comparing Sequences*, 2016, CC BY 4.0) as pieces for any model.

    python -m datamodules.shared.lakh DATA_ROOT CACHE_DIR [--fetch]

reads what lies in `lmd_full/0/<md5>.mid` (or `lmd_matched/A/B/C/TR…/<md5>.mid` with `match_scores.json`), fetches
LMD-full first if asked to, and prints what there is.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from datamodules.shared import dedupe, midi_reading
from datamodules.shared.cache import code_version
from datamodules.shared.fetch import download, unpack
from datamodules.shared.layout import Layout, MidiFile, folder_of
from datamodules.shared.library import Problem, counted_reasons, write_problems
from datamodules.shared.shards import Arrays, FileArrays, Shards, files_in
from datamodules.shared.splits import SPLITS, Groups, SplitBy, assign
from datamodules.shared.unread import unread
from kmidi_lab.errors import DataError
from kmidi_lab.midi.piece import Piece

LICENCE = "CC BY 4.0"
GET = "the Lakh MIDI Dataset's page (LMD-full), or type task=prepare data=lakh data.fetch=true (1.8 GB)"
FILES = 176_581
"""In LMD-full."""
log = logging.getLogger(__name__)
_MAX_UNPACKED = 20 * 2**30
_MAX_SCORES = 256 * 2**20
_KEY, _TRANSPOSED, _SKETCH, _LINE = "notes_key", "transposed_key", "sketch", "line_sketch"
_SPLIT = SplitBy(0, 0.1, 0.1)


def read(root: Path) -> Layout:
    """Files in the published layout below `root` or `root/lakh`: LMD-full if it is there, else LMD-matched.

    In LMD-matched a group is a recording; `about["score"]` is how well a file matches it.
    """
    layout = Layout("lakh", LICENCE, GET)
    full = folder_of(root, "lmd_full", "lakh/lmd_full")
    if full.is_dir():
        layout.files = [MidiFile(path, path.stem) for path in sorted(full.glob("?/*.mid"))]
        return layout
    matched = folder_of(root, "lmd_matched", "lakh/lmd_matched")
    scores = _match_scores(matched.parent / "match_scores.json", layout) if matched.is_dir() else {}
    for path in sorted(matched.glob("?/?/?/TR*/*.mid")):
        recording = path.parent.name
        score = scores.get(recording, {}).get(path.stem) if isinstance(scores.get(recording), dict) else None
        layout.files.append(MidiFile(path, recording, None, {} if score is None else {"score": str(score)}))
    return layout


def folders(root: Path) -> list[Path]:
    """Where the set lies that is read, if it is there."""
    places = (folder_of(root, name, f"lakh/{name}") for name in ("lmd_full", "lmd_matched"))
    return [folder for folder in places if folder.is_dir()][:1]


def some(root: Path, most: int) -> list[Path]:
    """At most so many files, the first by MD5: a random sample; nothing without Lakh."""
    return sorted((file.path for file in read(root).files), key=lambda path: path.stem)[:most]


def _match_scores(path: Path, layout: Layout) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_SCORES:
            layout.skip(path, "", "table too large")
            return {}
        scores = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        layout.skip(path, "", "table cannot be read", error)
        return {}
    return scores if isinstance(scores, dict) else {}


def fetch(root: Path, progress: bool = True) -> None:
    """LMD-full into `root/lakh/lmd_full` (1.8 GB to fetch), checked against its published SHA-256; nothing if it is there.

    Raises:
        DataError: the server can't be reached, the bytes are wrong or the archive is.
    """
    if folder_of(root, "lmd_full", "lakh/lmd_full").is_dir():
        return
    from muspy import LakhMIDIDataset  # knows the published address, size and checksum

    source = LakhMIDIDataset._sources["lmd_full"]
    archive = root / source["filename"]
    download(source["url"], archive, source["sha256"], source["size"], progress=progress)
    unpack(archive, root / "lakh", _MAX_UNPACKED, progress)


@dataclass(frozen=True)
class _WithKeys:
    """What a caller wants of a piece, and what it is known by."""

    extract: Callable[[Piece], Arrays]
    line: str | None

    def __call__(self, piece: Piece) -> Arrays:
        arrays = self.extract(piece)
        known_by: dict[str, np.ndarray] = {
            _KEY: dedupe.notes_key(piece)[None],
            _TRANSPOSED: dedupe.transposed_key(piece)[None],
            _SKETCH: dedupe.sketch(piece)[None],
        }
        if self.line is not None:
            known_by[_LINE] = dedupe.line_sketch(arrays[self.line].astype(np.int64))[None]
        return {**arrays, **known_by}


@dataclass
class LakhPieces:
    """Distinct pieces with their splits. `description` is for the card; `problems` holds every file left out."""

    description: dict[str, Any]
    problems: list[Problem]
    shards: Shards
    """Everything that was read, copies too."""
    places: dict[str, list[int]] = field(repr=False)
    """Where the pieces of each split lie in `shards`, in order."""

    def __len__(self) -> int:
        return sum(map(len, self.places.values()))

    def pieces(self, split: str) -> Iterator[FileArrays]:
        """The pieces of `train`, `val`, `test` or `all`; arrays are mapped from the disk as they are reached."""
        chosen = sorted(chain(*self.places.values())) if split == "all" else self.places[split]
        return (self.shards[at] for at in chosen)

    def sample(self, split: str, count: int, run: int, rng: np.random.Generator) -> Iterator[FileArrays]:
        """`count` pieces of a split from random places on, `run` at a time from each: neighbours share a shard."""
        places = self.places[split]
        for first in sorted(rng.integers(len(places), size=-(-count // run)).tolist()):
            for at in range(first, first + run):
                yield self.shards[places[at % len(places)]]

    def write_problems(self, path: Path) -> None:
        """Every file left out as CSV."""
        write_problems(self.problems, path)


def lakh_pieces(
    root: Path,
    cache_dir: Path,
    extract: Callable[[Piece], Arrays],
    version: str,
    by: SplitBy = _SPLIT,
    limit: int | None = None,
    line: str | None = None,
    workers: int = 2,
    timeout_s: float = 30.0,
    memory_mb: int = 1024,
    progress: bool = False,
) -> LakhPieces:
    """`extract(piece)` of every distinct piece of Lakh, from the cache where it is there, split by content.

    Files with the same notes count once; the same in another key, versions of a piece and recordings of one song share a
    split.

    Args:
        extract: as of `shards.prepare`: picklable, named arrays; MidiError leaves a piece out by its reason.
        version: of `extract`'s code: `code_version(…)`.
        by: what pieces are split by.
        limit: at most so many files, the first by MD5: a random sample.
        line: the extracted array of a melody's pitches, where that is all that is used of a piece: arrangements of a tune
            share a split then, too, however unlike the rest of them is.

    Raises:
        DataError: there is no Lakh below `root`; says where to get it.
    """
    layout = read(root)
    if not layout.files:
        raise DataError(f"{root}: no lmd_full or lmd_matched there; get it from {GET}")
    files = sorted(layout.files, key=lambda f: f.path.stem)[:limit]
    known_by = code_version(dedupe.__name__, "datamodules.shared.lakh")
    began = time.time()
    prepared = midi_reading.prepare_shards(
        [f.path for f in files], root, cache_dir / "lakh", _WithKeys(extract, line), f"{version} {line} {known_by}",
        workers, timeout_s, memory_mb, progress=progress, text="reading Lakh",
    )  # fmt: skip
    _project(prepared, began, workers)
    missed = unread(folders(root), (file.path for file in layout.files))
    problems = [*layout.problems, *missed, *prepared.problems()]
    names, rows = prepared.names(), []
    if names:
        first: dict[bytes, str] = {}
        for at, key in enumerate(prepared.column(_KEY)):
            same = first.setdefault(key.tobytes(), names[at])
            if same == names[at]:
                rows.append(at)
            else:
                problems.append(Problem(names[at], "", "same notes as another file", same))
    recordings = {f.path.relative_to(root).as_posix(): f.group for f in files}
    # Over all files: one left out as a copy may be what ties two others together.
    groups = _groups(prepared, names, recordings, line) if names else Groups(0)
    splits = assign(names, groups, *by)
    places: dict[str, list[int]] = {split: [] for split in SPLITS}
    for at in rows:
        places[splits[at]].append(at)
    return LakhPieces(
        {
            "id": "lakh",
            "version": f"sha256:{prepared.version}",
            "licence": LICENCE,
            "stand_in": None,
            "files": len(files),
            "pieces": len(rows),
            "groups": len({groups.find(at) for at in rows}),
            "split": {
                "rule": "by content: same notes in any key, versions, recordings" + (", tunes" if line else ""),
                "seed": by.seed,
            }
            | {split: len(places[split]) for split in SPLITS},
            "problems": counted_reasons(problems),
        },
        problems,
        prepared,
        places,
    )


def _project(prepared: Shards, began: float, workers: int) -> None:
    """Says how long all of LMD-full would take, from the shards written since `began`; nothing when none was."""
    seconds = time.time() - began
    read = sum(files_in(path) for path in prepared.indexes if path.stat().st_mtime >= began)
    if read:
        hours = FILES * seconds / read / 3600
        log.info(
            "%d files of Lakh read in %.0f s by %d workers, their start included; all %d would take %.2f h at that rate",
            read, seconds, workers, FILES, hours,
        )  # fmt: skip


def _groups(prepared: Shards, names: Sequence[str], recordings: dict[str, str], line: str | None) -> Groups:
    joined = dedupe.groups(prepared.column(_TRANSPOSED), prepared.column(_SKETCH))
    if line is not None:
        dedupe.join_alike(joined, prepared.column(_LINE))
    joined.join_equal(recordings.get(name) for name in names)
    joined.join_equal(Path(name).stem for name in names)
    return joined


def _note_count(piece: Piece) -> Arrays:
    return {"notes": np.array([sum(len(track.notes) for track in piece.tracks)])}


def main() -> None:
    parser = argparse.ArgumentParser(description="reads Lakh, fetching it first if asked to, and prints what there is")
    parser.add_argument("data_root", type=Path)
    parser.add_argument("cache_dir", type=Path)
    parser.add_argument("--fetch", action="store_true", help="fetch LMD-full (1.8 GB, CC BY 4.0) if it is not there")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    try:
        if arguments.fetch:
            fetch(arguments.data_root)
        pieces = lakh_pieces(
            arguments.data_root, arguments.cache_dir, _note_count, "note count",
            workers=arguments.workers, progress=True,
        )  # fmt: skip
    except DataError as error:
        parser.exit(2, f"{error}\n")
    problems = arguments.cache_dir / "lakh" / "problems.csv"
    pieces.write_problems(problems)
    print(json.dumps(pieces.description, indent=1))
    print(f"every file left out: {problems}")


if __name__ == "__main__":
    main()
