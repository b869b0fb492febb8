"""Shards (`datamodules.shards`) of what was made of MIDI files."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Sequence
from pathlib import Path

from datamodules import shards
from datamodules.midi import piece as piece_module
from datamodules.midi import reading
from datamodules.midi.bulk import extracting
from datamodules.midi.piece import Piece
from datamodules.shards import SHARD_FILES, Arrays, Shards


def code_version(*sources: str | Path) -> str:
    """A version of the code that makes arrays of pieces, the reading of MIDI files included: `code_version(__file__)`."""
    digest = hashlib.sha256(importlib.metadata.version("symusic").encode())
    for source in (reading.__file__, piece_module.__file__, *sources):
        digest.update(hashlib.sha256(Path(source).read_bytes()).digest())
    return digest.hexdigest()[:16]


def prepare(
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
    """`extract(read_piece(file))` of every file, as `shards.prepare`; `version` is of `extract` (`code_version`)."""
    return shards.prepare(
        files, root, folder, extracting(extract), version, reading.MAX_BYTES, workers, timeout_s, memory_mb, shard_files,
        progress, text,
    )  # fmt: skip
