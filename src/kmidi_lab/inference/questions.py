"""What a person can be asked to label, and what a model makes of it: a line of text, a recording, a place in a chart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.errors import DataError, reason
from kmidi_lab.registry.files import TooLargeError, read_bounded

SOUNDS = (".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif")
TEXTS = (".txt",)
_MOST_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Question:
    """One thing to label. It holds what a person has to see or hear, and what the model is given.

    Args:
        item: SHA-256 of the material.
        place: where in its file, such as a line's number; empty where it is all of the file.
        text: what is read.
        sound: a recording that is heard.
        given: the label that the material itself has, such as a chart's own chord; empty without one.
        vector: the model's input `[N]`; None for recordings.
        before: labels that lead there, such as the chords before.
    """

    item: str
    place: str = ""
    text: str = ""
    sound: Path | None = None
    given: str = ""
    vector: NDArray[np.float32] | None = None
    before: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guess:
    """A model's answer to a question.

    Args:
        output: `[M]`.
        chances: `[C]`, the probability of each name.
        names: the labels that it chooses from.
        given: the probability of the label that the material itself has; None without one.
    """

    output: NDArray[np.float32]
    chances: NDArray[np.floating]
    names: list[str]
    given: float | None = None

    @property
    def likeliest(self) -> tuple[str, float]:
        """The name of the largest probability, and the probability."""
        best = int(self.chances.argmax())
        return self.names[best], float(self.chances[best])


def read_text(path: Path) -> str:
    """A text file. Raises DataError: not UTF-8, or more than 16 MB."""
    try:
        return read_bounded(path, _MOST_BYTES).decode("utf-8-sig")
    except TooLargeError as error:
        raise DataError(f"a text {reason(error)}; divide the file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"no text in UTF-8: {reason(error)}") from error


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The number, from 1, and the text of each line that is not empty. Raises DataError, as `read_text`."""
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if text := line.strip():
            yield number, text


def digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
