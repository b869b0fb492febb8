"""What the sentence encoder says of the training sentences: its vectors, and how it would rate those that nobody rated."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.intent.sentence_encoder import SIZE, SentenceEncoder, weights_file
from datamodules.shared.cache import cached
from datamodules.shared.stored import SUFFIX

_RIDGE = 2.0


@dataclass
class Vectors:
    """`[N, 384]` float16 of N texts, in order."""

    values: NDArray[np.float16]


def vectors_of(texts: Sequence[str], cache_dir: Path, progress: bool) -> NDArray[np.float32]:
    """`[N, 384]` float32 of texts; made once, in minutes for a hundred thousand, then from the cache.

    Raises:
        DataError: the package of the encoder isn't installed.
    """
    if not texts:
        return np.zeros((0, SIZE), np.float32)
    file = weights_file()
    digest = hashlib.sha256(str(file.stat().st_size).encode())
    for text in texts:
        digest.update(text.encode(errors="ignore") + b"\0")
    path = cache_dir / "sentence_encoder" / f"{digest.hexdigest()[:16]}{SUFFIX}"
    made = cached(path, Vectors, lambda: Vectors(SentenceEncoder()(texts, progress).astype(np.float16)))
    return made.values.astype(np.float32)


class Encoded:
    """The encoder's vectors of texts that are kept, and of any others."""

    def __init__(self, texts: Sequence[str], cache_dir: Path, progress: bool) -> None:
        self._row = {text: at for at, text in enumerate(texts)}
        self._vectors = vectors_of(texts, cache_dir, progress)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`[N, 384]` of N texts."""
        if any(text not in self._row for text in texts):
            return SentenceEncoder()(texts)
        return self._vectors[[self._row[text] for text in texts]]


def rated_by(
    vectors: NDArray[np.floating], affect: NDArray[np.floating], rated: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """`[N, 3]`: a ridge regression from vectors `[N, 384]` to the ratings `[N, 3]` of those that are `rated`."""
    x, y = vectors[rated].astype(np.float64), affect[rated].astype(np.float64)
    mean, middle = x.mean(0), y.mean(0)
    x = x - mean
    weight = np.linalg.solve(x.T @ x + _RIDGE * np.eye(x.shape[1]), x.T @ (y - middle))
    return np.clip((vectors - mean) @ weight + middle, -0.95, 0.95).astype(np.float32)
