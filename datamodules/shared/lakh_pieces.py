"""The distinct pieces of Lakh MIDI for any model, read in parallel, kept in shards and split by content.

    python -m datamodules.shared.lakh_pieces DATA_ROOT CACHE_DIR [--fetch]

reads them, fetches LMD-full first if asked to, and prints what there is.
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

from datamodules.shared import dedupe, midi_reading
from datamodules.shared.cache import code_version
from datamodules.shared.lakh import GET, LICENCE, fetch, folders, read
from datamodules.shared.library import Problem, counted_reasons, write_problems
from datamodules.shared.shards import Arrays, FileArrays, Shards, files_in
from datamodules.shared.splits import SPLITS, Groups, SplitBy, assign
from datamodules.shared.unread import unread
from kmidi_lab.errors import DataError
from kmidi_lab.midi.piece import Piece

FILES = 176_581
"""In LMD-full."""
log = logging.getLogger(__name__)
_KEY, _TRANSPOSED, _SKETCH, _LINE = "notes_key", "transposed_key", "sketch", "line_sketch"
_SPLIT = SplitBy(0, 0.1, 0.1)


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
        extract: as of `sharding.prepare`: picklable, named arrays; MidiError leaves a piece out by its reason.
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
    known_by = code_version(dedupe.__name__, "datamodules.shared.lakh_pieces")
    began = time.time()
    prepared = midi_reading.prepare_shards(
        [f.path for f in files], root, cache_dir / "lakh", _WithKeys(extract, line), f"{version} {line} {known_by}",
        workers, timeout_s, memory_mb, progress=progress, text="reading Lakh",
    )  # fmt: skip
    _project(prepared, began, workers)
    missed = unread(folders(root), (file.path for file in layout.files))
    problems = [*layout.problems, *missed, *prepared.problems()]
    names = prepared.names()
    rows = _distinct(prepared, names, problems)
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


def _distinct(prepared: Shards, names: Sequence[str], problems: list[Problem]) -> list[int]:
    """The first file of each piece, by its place; the others are told in `problems`."""
    rows: list[int] = []
    first: dict[bytes, str] = {}
    for at, key in enumerate(prepared.column(_KEY) if names else ()):
        same = first.setdefault(key.tobytes(), names[at])
        if same == names[at]:
            rows.append(at)
        else:
            problems.append(Problem(names[at], "", "same notes as another file", same))
    return rows


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
