"""mel128-v1 frames of any number of recordings: made once, kept as float16 shards, mapped from the disk as they are needed.

    frames = prepare_frames(files, root, cache_dir, progress=True)
    frames[0].name, frames[0].arrays["mel"]  # path below root, [T, 128]

A job that is broken off goes on where it stopped; memory holds one shard's recordings, however many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from datamodules.shared import sharding
from datamodules.shared.cache import code_version
from datamodules.shared.pool_worker import NotedResult
from datamodules.shared.shards import Arrays, Shards
from kmidi_lab.audio.io import LONGEST_S, AudioError, read_recording
from kmidi_lab.audio.mel import RATE, WINDOW, log_mel
from kmidi_lab.contract_features import AUDIO_FEATURES

MAX_BYTES = 2**31
_SHARD_FILES = 32


def prepare_frames(
    files: Sequence[Path],
    root: Path,
    cache_dir: Path,
    workers: int = 2,
    timeout_s: float = 120.0,
    memory_mb: int = 3072,
    longest_s: float = LONGEST_S,
    progress: bool = False,
) -> Shards:
    """The frames of every recording that can be read; `problems()` and `reasons()` tell of the others, and of those cut short.

    Args:
        files: below `root`, in a fixed order.
        cache_dir: shards are kept in its `mel128-v1`, by content of the files and version of the front-end.
        workers, timeout_s, memory_mb: as for `pool.Readers`; decoding 30 minutes takes some 2 GiB.
        longest_s: a longer recording is a problem.

    Raises:
        LabError: workers can't be started. FileError: the folder can't be written.
    """
    version = f"{code_version(__name__)}-{longest_s:g}"
    work = partial(_frames, longest_s)
    return sharding.prepare(
        files, root, cache_dir / AUDIO_FEATURES, work, version, MAX_BYTES, workers, timeout_s, memory_mb, _SHARD_FILES,
        progress, "listening",
    )  # fmt: skip


def _frames(longest_s: float, path: Path) -> Arrays | NotedResult[Arrays]:
    recording = read_recording(path, RATE, longest_s)
    samples = recording.samples
    if len(samples) < WINDOW:
        raise AudioError(path, "shorter than a frame", f"{len(samples)} samples")
    arrays = {"mel": log_mel(samples).astype(np.float16)}
    return NotedResult(arrays, *recording.notes[0]) if recording.notes else arrays
