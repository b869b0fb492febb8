"""Many files are read in worker processes, and what is made of them is kept as shards (`shards` reads these).

A shard is named by the content of its files and the version of what made it, and its index is written last: a job that
is broken off goes on where it stopped, and a changed file makes only its shard again. A shard some of whose files ran
out of time or memory is made again once there is more of either.
"""

from __future__ import annotations

import hashlib
import io
import stat
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import orjson

from datamodules.shared.library import Problem
from datamodules.shared.pool import DIED, MEMORY, TIMEOUT, Readers, TaskResult
from datamodules.shared.pool_worker import NotedResult
from datamodules.shared.pooled_reading import counted
from datamodules.shared.shards import Arrays, Shards, array_path, read_index
from kmidi_lab.errors import DataError, LabError
from kmidi_lab.files import check_writable, sha256_file, write_atomic

SHARD_FILES = 500
_OUT_OF = (TIMEOUT, MEMORY, DIED)


def prepare(
    files: Sequence[Path],
    root: Path,
    folder: Path,
    work: Callable[[Path], Arrays | NotedResult[Arrays]],
    version: str,
    max_bytes: int,
    workers: int = 2,
    timeout_s: float = 30.0,
    memory_mb: int = 1024,
    shard_files: int = SHARD_FILES,
    progress: bool = False,
    text: str = "reading",
) -> Shards:
    """Reads the files that no shard in `folder` has yet, in worker processes, and opens all shards.

    Args:
        files: paths below `root`, in a fixed order.
        work: from a file to named arrays, of the same dtypes and trailing shapes for every file; picklable. May raise a
            UserError with a `reason`.
        version: of `work` and all that it calls.
        max_bytes: a larger file is known by its size alone, since `work` will refuse it.
        workers, timeout_s, memory_mb: as for `pool.Readers`.

    Raises:
        LabError: two files gave arrays that can't stand in one file. FileError: the folder can't be written.
    """
    source, total = iter(files), len(files)
    indexes: list[Path] = []
    limits = (timeout_s, float(memory_mb))

    def reads() -> Iterator[TaskResult[Path, Arrays]]:
        while chunk := list(islice(source, shard_files)):
            index = folder / f"{_key(chunk, root, version, max_bytes)}.json"
            indexes.append(index)
            if _is_whole(index, limits):
                yield from (TaskResult(file, None) for file in chunk)
                continue
            check_writable(folder)  # known before its files are read
            shard = _Builder(index, root, limits)
            for read in readers.read(chunk):
                shard.add(read)
                yield read
            shard.write()

    with Readers(work, workers, timeout_s, memory_mb) as readers:
        for _ in counted(reads(), total, progress, text):
            pass
    return Shards(indexes)


class _Builder:
    """Results of one shard's files, in order of completion; written in order of name."""

    def __init__(self, index: Path, root: Path, limits: tuple[float, float]) -> None:
        self._index, self._root, self._limits = index, root, limits
        self._values: dict[str, Arrays] = {}
        self._problems: list[Problem] = []

    def add(self, read: TaskResult[Path, Arrays]) -> None:
        name = read.task.relative_to(self._root).as_posix().encode(errors="backslashreplace").decode()
        if read.reason:
            self._problems.append(Problem(name, "", read.reason, read.detail, used=read.value is not None))
        if read.value is not None:
            self._values[name] = read.value

    def write(self) -> None:
        names = sorted(self._values)
        shapes = {str({f: (a.dtype.str, a.shape[1:]) for f, a in sorted(v.items())}) for v in self._values.values()}
        if len(shapes) > 1:
            raise LabError(f"preparing: files give arrays that can't stand in one: {' and '.join(sorted(shapes))}")
        fields = {}
        for field in sorted(self._values[names[0]]) if names else ():
            parts = [self._values[name][field] for name in names]
            data = _npy(np.concatenate(parts))
            write_atomic(array_path(self._index, field), data)
            fields[field] = {"bytes": len(data), "rows": [len(part) for part in parts]}
        in_order = sorted(self._problems, key=lambda p: p.file)
        problems, remarks = (
            [[p.file, p.reason, p.detail] for p in in_order if p.used is used] for used in (False, True)
        )
        index = {"names": names, "fields": fields, "problems": problems, "remarks": remarks, "limits": self._limits}
        write_atomic(self._index, orjson.dumps(index))


def _npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def _is_whole(index: Path, limits: tuple[float, float]) -> bool:
    try:
        content = read_index(index)
    except DataError:
        return False
    out = any(reason in _OUT_OF for _, reason, _ in content["problems"])
    return not out or all(now <= then for now, then in zip(limits, content.get("limits", (0, 0)), strict=True))


def _key(files: Sequence[Path], root: Path, version: str, max_bytes: int) -> str:
    digest = hashlib.sha256(version.encode())
    for file in files:
        digest.update(
            file.relative_to(root).as_posix().encode(errors="surrogateescape") + b"\0" + _content(file, max_bytes)
        )
    return digest.hexdigest()[:24]


def _content(file: Path, max_bytes: int) -> bytes:
    """Of what will be read; of what won't be, the reason is enough."""
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > max_bytes:
            return f"{status.st_mode} {status.st_size}".encode()
        return bytes.fromhex(sha256_file(file))
    except OSError as error:
        return str(error.strerror).encode()
