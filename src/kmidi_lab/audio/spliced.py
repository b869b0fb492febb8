"""A file of which a block at a time is in memory, and one put together from stretches of another, to be read in place of it."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import BinaryIO

Stretch = tuple[int, int]
"""From a byte of the file up to another, which is not in it."""
_BLOCK, _BACK = 1 << 18, 1 << 12
"""Bytes of a block, and how many of them before the one that was asked for: who looks ahead comes back."""


class Window:
    """The bytes of a file as a program has them that has read it whole, with one block in memory.

    Args:
        file: open for reading; it is sought in.
        size: its bytes.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self._begin, self._block = 0, b""

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        """From `part.start` up to `part.stop`, neither below 0; less where the file ends before."""
        begin, stop = part.start, min(part.stop, self._size)
        if begin < self._begin or stop > self._begin + len(self._block):
            self._begin = max(0, begin - _BACK)
            self._file.seek(self._begin)
            self._block = self._file.read(max(_BLOCK, stop - begin) + begin - self._begin)
        return self._block[begin - self._begin : max(0, stop - self._begin)]

    def find(self, mark: bytes, begin: int = 0, stop: int | None = None) -> int:
        """The first byte of `mark` that lies whole between two bytes; -1 without one."""
        stop = self._size if stop is None else min(stop, self._size)
        while begin + len(mark) <= stop:
            own = self._begin <= begin and begin + len(mark) <= self._begin + len(self._block)
            end = min(stop, self._begin + len(self._block)) if own else min(stop, begin + _BLOCK)
            place = self[begin:end].find(mark)
            if place >= 0:
                return begin + place
            begin = end - len(mark) + 1
        return -1


class SplicedFile:
    """What soundfile asks of a file that is read, over parts that lie one behind the other.

    Args:
        file: open for reading; it is sought in.
        parts: bytes as they are, or a stretch of `file`.
    """

    def __init__(self, file: BinaryIO, parts: Sequence[bytes | Stretch]) -> None:
        self._file, self._at = file, 0
        self._parts = [part for part in parts if _size(part)]
        self._ends = list(accumulate(_size(part) for part in self._parts))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self)}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int = -1) -> bytes:
        """At most `size` bytes, all that are left where it is below 0."""
        remaining = max(0, len(self) - self._at)
        remaining = remaining if size < 0 else min(size, remaining)
        out = []
        while remaining:
            place = bisect_right(self._ends, self._at)
            part = self._parts[place]
            begin = self._at - self._ends[place] + _size(part)
            chunk = self._of(part, begin, remaining)
            if not chunk:  # the file has become shorter
                break
            out.append(chunk)
            self._at += len(chunk)
            remaining -= len(chunk)
        return b"".join(out)

    def _of(self, part: bytes | Stretch, begin: int, size: int) -> bytes:
        if isinstance(part, bytes):
            return part[begin : begin + size]
        self._file.seek(part[0] + begin)
        return self._file.read(min(size, part[1] - part[0] - begin))


def behind(parts: Sequence[bytes | Stretch], count: int) -> list[bytes | Stretch]:
    """The parts without their first `count` bytes."""
    left: list[bytes | Stretch] = []
    for part in parts:
        gone = min(count, _size(part))
        left.append(part[gone:] if isinstance(part, bytes) else (part[0] + gone, part[1]))
        count -= gone
    return left


def _size(part: bytes | Stretch) -> int:
    return len(part) if isinstance(part, bytes) else max(0, part[1] - part[0])
