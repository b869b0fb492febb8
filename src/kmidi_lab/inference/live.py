"""Sound from standard input: raw samples as they come in, and one clear word where it is something else."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.foreign import HEAD, format_of
from kmidi_lab.audio.io import LOUDEST
from kmidi_lab.audio.mel import MelStream
from kmidi_lab.errors import ConfigError

BLOCK = 4096
_SAMPLE = np.dtype("<f4")
_ENOUGH = 256
"""Samples that are not zero, by which it is judged whether they are floats at all."""
_LOUD, _FAINT, _FEW = 256.0, 1e-20, 0.1
"""Integers, compressed sound and text read as floats are mostly beyond these, in size and smallness; of real sound no
more than that share is."""


def live(source: BinaryIO, stream: MelStream) -> Iterator[NDArray[np.float32]]:
    """Frames of raw little-endian float32 samples as they come in; a sample that is cut in two waits for its rest.

    A block with numbers that are no sound is left out, which is said once.

    Raises:
        ConfigError: the bytes are a sound file, or no float32 samples, as 16-bit integers aren't.
    """
    rest, judge, left_out = b"", _Judge(stream.rate), 0
    began = False
    while data := source.read1(BLOCK * _SAMPLE.itemsize):  # type: ignore[attr-defined]
        rest += data
        if not began and len(rest) < HEAD:
            continue
        judge.head(b"" if began else rest)
        began = True
        whole = len(rest) // _SAMPLE.itemsize * _SAMPLE.itemsize
        samples, rest = np.frombuffer(rest[:whole], _SAMPLE), rest[whole:]
        judge.samples(samples)
        if not (np.abs(samples) <= LOUDEST).all():
            left_out += 1
            if left_out == 1:
                print("a block with samples that are no sound (NaN, infinite, huge) was left out", file=sys.stderr)
            continue
        yield stream.push(samples)
    judge.head(rest if not began else b"")
    yield stream.finish()


class _Judge:
    """Says of what comes in first whether it is float32 samples."""

    def __init__(self, rate: int) -> None:
        self._remedy = (
            "predict.audio=- expects f32le: raw 32-bit little-endian floats, mono; name the file instead, or decode it: "
            f"ffmpeg -i FILE -f f32le -ac 1 -ar {rate} - | …"
        )
        self._samples, self._odd = 0, 0

    def head(self, data: bytes) -> None:
        """Looks at the first bytes. Raises ConfigError for those of a sound file."""
        name = format_of(data[:HEAD])
        if name:
            raise ConfigError(f"standard input holds a file ({name}), not samples; {self._remedy}")

    def samples(self, samples: NDArray[np.float32]) -> None:
        """Looks at samples `[S]` until enough are not zero. Raises ConfigError for what floats of sound never are."""
        if self._samples >= _ENOUGH:
            return
        size = np.abs(samples[samples != 0])
        self._samples += len(size)
        self._odd += int((~(size <= _LOUD) | (size < _FAINT)).sum())
        if self._samples >= _ENOUGH and self._odd > _FEW * self._samples:
            share = self._odd / self._samples
            raise ConfigError(f"standard input holds no float samples ({share:.0%} are no sound); {self._remedy}")
