"""Where the sound comes from that a model listens to: a recording, standard input, or samples; as mel frames."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.io import read_recording
from kmidi_lab.audio.mel import RATE, MelStream
from kmidi_lab.errors import ConfigError
from kmidi_lab.files import is_there
from kmidi_lab.inference.live import BLOCK, live

STANDARD_INPUT = "-"
Frames = NDArray[np.float32]


class SoundSource:
    """A sound; `name` is what messages call it.

    Args:
        audio: a recording by name, `-` for standard input, or samples `[S]` in -1..1.
        rate: Hz of standard input and of samples.
        longest_s: seconds of the longest recording.

    Raises:
        ConfigError: no audio, or no such file.
    """

    def __init__(self, audio: str | Path | Frames | None, rate: int, longest_s: float) -> None:
        if audio is None or (isinstance(audio, str) and not audio):
            raise ConfigError("task=predict needs sound; type predict.audio=x.wav, or predict.audio=- for samples")
        if isinstance(audio, str | Path) and str(audio) != STANDARD_INPUT and not is_there(Path(audio)):
            what = "an address, which the lab does not open; download it and name the file"
            if "://" not in str(audio):
                what = "no such file; name a recording, or - for samples"
            raise ConfigError(f"predict.audio={audio}: {what}")
        self._audio, self._rate, self._longest_s = audio, rate, longest_s
        self.name = "the samples"
        if isinstance(audio, str | Path):
            self.name = "standard input" if str(audio) == STANDARD_INPUT else str(audio)

    def frames(self, notes: list[str]) -> Iterator[Frames]:
        """Blocks `[T, 128]` as they come in; what is to be known of a recording goes to `notes`.

        Raises:
            AudioError, ConfigError: sound that can't be used.
        """
        if not isinstance(self._audio, str | Path):
            return _samples(self._audio, MelStream(self._rate))
        if str(self._audio) != STANDARD_INPUT:
            return _recorded(Path(self._audio), self._longest_s, notes)
        if sys.stdin is None:
            raise ConfigError("predict.audio=- reads standard input, which is closed; pipe samples into it")
        return live(sys.stdin.buffer, MelStream(self._rate))


def _recorded(path: Path, longest_s: float, notes: list[str]) -> Iterator[Frames]:
    recording, stream = read_recording(path, RATE, longest_s), MelStream()
    notes += [f"{note} ({detail})" for note, detail in recording.notes]
    for at in range(0, len(recording.samples), BLOCK):
        yield stream.push(recording.samples[at : at + BLOCK])


def _samples(samples: Frames, stream: MelStream) -> Iterator[Frames]:
    yield stream.push(samples)
    yield stream.finish()
