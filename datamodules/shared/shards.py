"""What was made of many files, kept as memory-mapped arrays: a shard for every few hundred files.

A shard is named by the content of its files and the version of what made it, and its index is written last: a job that
is broken off goes on where it stopped, and a changed file makes only its shard again. A shard some of whose files ran
out of time or memory is made again once there is more of either.
"""

from __future__ import annotations

import hashlib
import io
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, overload

import numpy as np
import orjson

from datamodules.shared.library import Problem, counted_reasons
from datamodules.shared.pool import DIED, MEMORY, TIMEOUT, Readers, TaskResult, counted
from datamodules.shared.pool_worker import NotedResult
from kmidi_lab.errors import DataError, LabError
from kmidi_lab.files import check_writable, sha256_file, write_atomic

Arrays = Mapping[str, np.ndarray]
SHARD_FILES = 500
_OPEN_SHARDS = 4
_OUT_OF = (TIMEOUT, MEMORY, DIED)


@dataclass(frozen=True)
class FileArrays:
    """What was made of one file: `name` is its path below the root, `arrays` are views of memory-mapped files."""

    name: str
    arrays: Arrays


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
            write_atomic(_array_path(self._index, field), data)
            fields[field] = {"bytes": len(data), "rows": [len(part) for part in parts]}
        in_order = sorted(self._problems, key=lambda p: p.file)
        problems, remarks = (
            [[p.file, p.reason, p.detail] for p in in_order if p.used is used] for used in (False, True)
        )
        index = {"names": names, "fields": fields, "problems": problems, "remarks": remarks, "limits": self._limits}
        write_atomic(self._index, orjson.dumps(index))


class Shards(Sequence[FileArrays]):
    """All that was prepared, in order of shard and name; arrays are mapped, not read, a few shards at a time.

    Raises:
        DataError: a shard is missing or cut short.
    """

    def __init__(self, indexes: Sequence[Path]) -> None:
        self.indexes = list(indexes)
        self._ends = np.cumsum([0, *(len(_read_index(path)["names"]) for path in indexes)])

    @property
    def version(self) -> str:
        """The same for the same files read by the same code."""
        return hashlib.sha256("".join(path.stem for path in self.indexes).encode()).hexdigest()[:16]

    def __len__(self) -> int:
        return int(self._ends[-1])

    @overload
    def __getitem__(self, at: int) -> FileArrays: ...
    @overload
    def __getitem__(self, at: slice) -> list[FileArrays]: ...
    def __getitem__(self, at: int | slice) -> FileArrays | list[FileArrays]:
        if isinstance(at, slice):
            return [self[i] for i in range(*at.indices(len(self)))]
        if not -len(self) <= at < len(self):
            raise IndexError(f"{at} of {len(self)} pieces")
        at %= len(self)
        shard = int(np.searchsorted(self._ends, at, side="right")) - 1
        return _open(self.indexes[shard]).piece(at - int(self._ends[shard]))

    def column(self, field: str) -> np.ndarray:
        """All rows of a field, of every piece after the other: `[rows, …]`, in memory. Raises KeyError."""
        parts = [_open(path).column(field) for path in self.indexes if _read_index(path)["names"]]
        if not parts:
            raise KeyError(field)
        return np.concatenate(parts)

    def names(self) -> list[str]:
        """The pieces' names, in order."""
        return [name for path in self.indexes for name in _read_index(path)["names"]]

    def problems(self) -> Iterator[Problem]:
        """Every file that could not be used, and what is to be said of those that were."""
        for path in self.indexes:
            index = _read_index(path)
            yield from (Problem(file, "", *why) for file, *why in index["problems"])
            yield from (Problem(file, "", reason, detail, used=True) for file, reason, detail in index["remarks"])

    def reasons(self) -> dict[str, int]:
        """How many files there are of each reason."""
        return counted_reasons(self.problems())


def files_in(index: Path) -> int:
    """How many files a shard was made of, those that could not be used among them."""
    content = _read_index(index)
    return len(content["names"]) + len(content["problems"])


class _Shard:
    def __init__(self, index: Path) -> None:
        content = _read_index(index)
        self._names: list[str] = content["names"]
        self._ends = {name: np.cumsum([0, *field["rows"]]) for name, field in content["fields"].items()}
        self._arrays = {
            name: np.load(_array_path(index, name), mmap_mode="r", allow_pickle=False) for name in content["fields"]
        }

    def column(self, field: str) -> np.ndarray:
        return self._arrays[field]

    def piece(self, at: int) -> FileArrays:
        arrays = {name: a[self._ends[name][at] : self._ends[name][at + 1]] for name, a in self._arrays.items()}
        return FileArrays(self._names[at], arrays)


@lru_cache(_OPEN_SHARDS)
def _open(index: Path) -> _Shard:
    return _Shard(index)


def _array_path(index: Path, field: str) -> Path:
    return index.with_name(f"{index.stem}.{field}.npy")


def _npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def _read_index(index: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = {"remarks": [], **orjson.loads(index.read_bytes())}
        for name, field in content["fields"].items():
            size = _array_path(index, name).stat().st_size
            if size != field["bytes"]:
                raise DataError(
                    f"{_array_path(index, name)}: {size} of {field['bytes']} bytes; type task=prepare again"
                )
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{index}: no whole shard ({error}); type task=prepare again") from error
    return content


def _is_whole(index: Path, limits: tuple[float, float]) -> bool:
    try:
        content = _read_index(index)
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
