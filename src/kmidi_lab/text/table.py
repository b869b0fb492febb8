"""The table of `text128-v1`: what a row adds to a text's vector, and which words it has seen; one file of bytes."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.errors import RegistryError
from kmidi_lab.text.function_words import FUNCTION_WORDS
from kmidi_lab.text.pieces import ROWS, fnv1a, is_word, rows, tokens

SIZE = 128
_MAGIC = b"KMTEXT1\0"
_HEADER = struct.Struct("<8sIII")
WORD_BITS = 1 << 20
"""A word is known by one bit, at its hash modulo this; one in a hundred unknown words shares its bit with a known one."""
_LARGEST = 127


class Known(NamedTuple):
    """Shares 0..1 of a text's words that are known: of all, and of those that are no function words (1 where there are none)."""

    all: float
    telling: float


@dataclass(frozen=True)
class Table:
    """A table that is ready to use.

    Args:
        steps: `[32768, 128]` int8.
        scales: `[32768]` float32, of each row; row r adds `steps[r] * scales[r]`.
        words: `[131072]` uint8: bit b of byte k is 1 where a word with the hash 8k + b, modulo 2**20, was met often
            enough.
    """

    steps: NDArray[np.int8]
    scales: NDArray[np.float32]
    words: NDArray[np.uint8]

    @classmethod
    def of(cls, values: NDArray[np.floating], words: NDArray[np.uint8]) -> Table:
        """The nearest table to values `[32768, 128]`: 255 steps a row."""
        scales = (np.abs(values).max(1) / _LARGEST).astype(np.float32)
        safe = np.where(scales > 0, scales, 1)[:, None]
        return cls(np.round(values / safe).astype(np.int8), scales, words)

    @classmethod
    def read(cls, data: bytes, name: str) -> Table:
        """From the bytes of a file.

        Raises:
            RegistryError: it is no such file, was cut short or holds numbers that are not finite.
        """
        wrong = f"{name}: not a table of text128-v1; restore it or export the model again"
        if len(data) < _HEADER.size:
            raise RegistryError(wrong)
        magic, row_count, size, word_bits = _HEADER.unpack_from(data)
        ends = np.cumsum([_HEADER.size, 4 * row_count, row_count * size, word_bits // 8])
        if magic != _MAGIC or (row_count, size, word_bits) != (ROWS, SIZE, WORD_BITS) or ends[-1] != len(data):
            raise RegistryError(wrong)
        scales = np.frombuffer(data, "<f4", row_count, ends[0])
        steps = np.frombuffer(data, np.int8, row_count * size, ends[1]).reshape(row_count, size)
        words = np.frombuffer(data, np.uint8, word_bits // 8, ends[2])
        if not np.isfinite(scales).all():
            raise RegistryError(wrong)
        return cls(steps, scales.astype(np.float32), words)

    def tobytes(self) -> bytes:
        """The file: header, scales, steps, words; all numbers little-endian (docs/text.md)."""
        header = _HEADER.pack(_MAGIC, ROWS, SIZE, WORD_BITS)
        return header + self.scales.astype("<f4").tobytes() + self.steps.tobytes() + self.words.tobytes()

    def vector(self, text: str) -> NDArray[np.float32]:
        """`[128]` of length 1, the direction of the mean of the rows of a text's pieces; zeros for a text without any."""
        return self.of_rows(np.array(rows(text), np.int64))

    def of_rows(self, at: NDArray[np.integer]) -> NDArray[np.float32]:
        """The vector of rows that are known already."""
        if not len(at):
            return np.zeros(SIZE, np.float32)
        mean = (self.steps[at].astype(np.float64) * self.scales[at, None]).mean(0)
        length = float(np.sqrt((mean**2).sum()))
        return (mean / length if length > 0 else mean).astype(np.float32)

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`[N, 128]` of N texts."""
        return np.stack([self.vector(text) for text in texts]) if texts else np.zeros((0, SIZE), np.float32)

    def coverage(self, text: str) -> float:
        """The share 0..1 of a text's words that the table knows; 0 for a text without words."""
        return self.known(text).all

    def known(self, text: str) -> Known:
        """Which share of a text's words the table knows."""
        words = [token for token in tokens(text) if is_word(token)]
        telling = [word for word in words if word not in FUNCTION_WORDS]
        return Known(self._share(words), self._share(telling) if telling else 1.0)

    def _share(self, words: Sequence[str]) -> float:
        at = np.array([fnv1a(word) % WORD_BITS for word in words], np.int64)
        return float((self.words[at >> 3] >> (at & 7) & 1).mean()) if len(at) else 0.0


def known_words(texts: Iterable[str], fewest: int) -> NDArray[np.uint8]:
    """The bits of every word that stands in `fewest` texts or more."""
    counts = Counter(word for text in texts for word in {t for t in tokens(text) if is_word(t)})
    at = np.array([fnv1a(word) % WORD_BITS for word, count in counts.items() if count >= fewest], np.int64)
    bits = np.zeros(WORD_BITS // 8, np.uint8)
    np.bitwise_or.at(bits, at >> 3, (1 << (at & 7)).astype(np.uint8))
    return bits
