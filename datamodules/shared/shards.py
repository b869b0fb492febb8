"""What was made of many files, read back from memory-mapped arrays: a shard for every few hundred files.

A shard is an index, JSON, beside one `.npy` file for each array; `sharding` writes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, overload

import numpy as np
import orjson

from datamodules.shared.library import Problem, counted_reasons
from kmidi_lab.errors import DataError

Arrays = Mapping[str, np.ndarray]
_OPEN_SHARDS = 4


@dataclass(frozen=True)
class FileArrays:
    """What was made of one file: `name` is its path below the root, `arrays` are views of memory-mapped files."""

    name: str
    arrays: Arrays


class Shards(Sequence[FileArrays]):
    """All that was prepared, in order of shard and name; arrays are mapped, not read, a few shards at a time.

    Raises:
        DataError: a shard is missing or cut short.
    """

    def __init__(self, indexes: Sequence[Path]) -> None:
        self.indexes = list(indexes)
        self._ends = np.cumsum([0, *(len(read_index(path)["names"]) for path in indexes)])

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
        parts = [_open(path).column(field) for path in self.indexes if read_index(path)["names"]]
        if not parts:
            raise KeyError(field)
        return np.concatenate(parts)

    def names(self) -> list[str]:
        """The pieces' names, in order."""
        return [name for path in self.indexes for name in read_index(path)["names"]]

    def problems(self) -> Iterator[Problem]:
        """Every file that could not be used, and what is to be said of those that were."""
        for path in self.indexes:
            index = read_index(path)
            yield from (Problem(file, "", *why) for file, *why in index["problems"])
            yield from (Problem(file, "", reason, detail, used=True) for file, reason, detail in index["remarks"])

    def reasons(self) -> dict[str, int]:
        """How many files there are of each reason."""
        return counted_reasons(self.problems())


def files_in(index: Path) -> int:
    """How many files a shard was made of, those that could not be used among them."""
    content = read_index(index)
    return len(content["names"]) + len(content["problems"])


class _Shard:
    def __init__(self, index: Path) -> None:
        content = read_index(index)
        self._names: list[str] = content["names"]
        self._ends = {name: np.cumsum([0, *field["rows"]]) for name, field in content["fields"].items()}
        self._arrays = {
            name: np.load(array_path(index, name), mmap_mode="r", allow_pickle=False) for name in content["fields"]
        }

    def column(self, field: str) -> np.ndarray:
        return self._arrays[field]

    def piece(self, at: int) -> FileArrays:
        arrays = {name: a[self._ends[name][at] : self._ends[name][at + 1]] for name, a in self._arrays.items()}
        return FileArrays(self._names[at], arrays)


@lru_cache(_OPEN_SHARDS)
def _open(index: Path) -> _Shard:
    return _Shard(index)


def array_path(index: Path, field: str) -> Path:
    return index.with_name(f"{index.stem}.{field}.npy")


def read_index(index: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = {"remarks": [], **orjson.loads(index.read_bytes())}
        for name, field in content["fields"].items():
            size = array_path(index, name).stat().st_size
            if size != field["bytes"]:
                raise DataError(f"{array_path(index, name)}: {size} of {field['bytes']} bytes; type task=prepare again")
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{index}: no whole shard ({error}); type task=prepare again") from error
    return content
