"""Shards (`datamodules.shared.shards`) of what was made of MIDI files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from datamodules.shared import shards
from datamodules.shared.midi_reading import extracting
from datamodules.shared.shards import SHARD_FILES, Arrays, Shards
from kmidi_lab.midi import reading
from kmidi_lab.midi.piece import Piece


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
