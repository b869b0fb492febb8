"""A file put together from stretches of another file and bytes in memory, to be read in place of it."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import BinaryIO

Stretch = tuple[int, int]
"""From a byte of the file up to another, which is not in it."""


class Spliced:
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


def _size(part: bytes | Stretch) -> int:
    return len(part) if isinstance(part, bytes) else max(0, part[1] - part[0])
