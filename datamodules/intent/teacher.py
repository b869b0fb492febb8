"""What the sentence encoder says of texts: its own vectors, and what it says once it is trained on labels and ratings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from datamodules.intent import tuned_encoder
from datamodules.intent.sentence_encoder import SIZE, SentenceEncoder, weights_file
from datamodules.intent.tuned_encoder import Opinions, TunedEncoder
from datamodules.shared.cache import cached, code_version
from datamodules.shared.stored import SUFFIX
from kmidi_lab.models.intent.features import Sentence

T = TypeVar("T")


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
    made = _kept(
        cache_dir / "sentence_encoder",
        Vectors,
        texts,
        lambda: Vectors(SentenceEncoder()(texts, progress).astype(np.float16)),
    )
    return made.values.astype(np.float32)


class TextVectors:
    """The encoder's vectors of texts that are kept, and of any others."""

    def __init__(self, texts: Sequence[str], cache_dir: Path, progress: bool) -> None:
        self._row = {text: at for at, text in enumerate(texts)}
        self._vectors = vectors_of(texts, cache_dir, progress)

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`[N, 384]` of N texts."""
        if any(text not in self._row for text in texts):
            return SentenceEncoder()(texts)
        return self._vectors[[self._row[text] for text in texts]]


class Teacher:
    """The encoder trained on `sentences`, once; then its weights and what it said come from the cache.

    Args:
        sentences: with labels of GoEmotions or ratings of EmoBank.
        cache_dir: where both are kept.
        progress: show bars.

    Raises:
        DataError: the package of the encoder isn't installed.
    """

    def __init__(self, sentences: Sequence[Sentence], cache_dir: Path, progress: bool) -> None:
        self._cache_dir, self._progress = cache_dir, progress
        about = [f"{s.text}\0{s.labels}\0{s.fine}\0{s.affect}" for s in sentences]
        self._made_of = [code_version(tuned_encoder.__name__), _digest(about)]
        self._tuned = _kept(
            cache_dir / "teacher", TunedEncoder, self._made_of, lambda: tuned_encoder.tune(sentences, progress)
        )

    def __call__(self, texts: Sequence[str]) -> Opinions:
        """What it says of texts."""
        return _kept(
            self._cache_dir / "teacher_opinions", Opinions, [*self._made_of, *texts],
            lambda: tuned_encoder.opinions(self._tuned, texts, self._progress),
        )  # fmt: skip


def _kept(folder: Path, kind: type[T], made_of: Sequence[str], make: Callable[[], T]) -> T:
    return cached(folder / f"{_digest([str(weights_file().stat().st_size), *made_of])}{SUFFIX}", kind, make)


def _digest(texts: Sequence[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode(errors="ignore") + b"\0")
    return digest.hexdigest()[:16]
