"""Many MIDI files through worker processes, at once (`pooled_reading`) or kept as shards (`sharding`): `extract` makes of each what is wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from datamodules.shared import pooled_reading, sharding
from datamodules.shared.pool import TaskResult
from datamodules.shared.pool_worker import NotedResult
from datamodules.shared.sharding import SHARD_FILES
from datamodules.shared.shards import Arrays, Shards
from kmidi_lab.midi import reading
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import read_piece

T = TypeVar("T")
Extract = Callable[[Piece], T]


def extracting(extract: Extract[T]) -> Callable[[Path], T | NotedResult[T]]:
    """The work of a worker: `extract(read_piece(file))`; picklable when `extract` is."""
    return partial(_extract, extract)


def _extract(extract: Extract[T], file: Path) -> T | NotedResult[T]:
    piece = read_piece(file)
    result = extract(piece)
    return NotedResult(result, *piece.worst_flaw) if piece.flaws else result


def read_many(
    files: Sequence[Path],
    extract: Extract[T],
    workers: int = 2,
    timeout_s: float = 30.0,
    memory_mb: int = 1024,
    progress: bool = False,
    text: str = "reading MIDI",
) -> Iterator[TaskResult[Path, T]]:
    """`extract(read_piece(file))` of every file, as `pooled_reading.read_many`; `extract` may raise MidiError with a reason of its own."""
    return pooled_reading.read_many(files, extracting(extract), workers, timeout_s, memory_mb, progress, text)


def prepare_shards(
    files: Sequence[Path],
    root: Path,
    folder: Path,
    extract: Callable[[Piece], Arrays],
    version: str,
    workers: int = 2,
    timeout_s: float = 30.0,
    memory_mb: int = 1024,
    shard_files: int = SHARD_FILES,
    progress: bool = False,
    text: str = "reading MIDI",
) -> Shards:
    """`extract(read_piece(file))` of every file, as `sharding.prepare`; `version` is of `extract` (`code_version`)."""
    return sharding.prepare(
        files, root, folder, extracting(extract), version, reading.MAX_BYTES, workers, timeout_s, memory_mb, shard_files,
        progress, text,
    )  # fmt: skip
