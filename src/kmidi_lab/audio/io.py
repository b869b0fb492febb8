"""Recordings of any kind to mono samples at one rate, read with soundfile (WAV, FLAC, OGG, MP3)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from kmidi_lab.errors import UserError

LONGEST_S = 30 * 60.0
SLOWEST_HZ, FASTEST_HZ = 8_000, 192_000
SILENCE = 1e-4
"""A peak below this, -80 dB, is silence."""
LOUDEST = 1e6
"""Finite numbers beyond this are no sound, and a resampler or a power spectrum of them overflows."""
_UNKNOWN = 2**62
"""Frames of a FLAC stream whose header leaves the length open, as libsndfile tells it."""


class AudioError(UserError):
    """A recording that can't be used; `reason` is short and countable."""

    def __init__(self, path: Path, reason: str, detail: object = "") -> None:
        super().__init__(f"{path}: {reason}{f' ({detail})' if detail else ''}; leave the file out or replace it")
        self.reason, self.detail = reason, str(detail)


def read_audio(path: Path, rate: int, longest_s: float = LONGEST_S) -> NDArray[np.float32]:
    """Mono samples in -1..1 at `rate` Hz, the mean of the channels.

    Raises:
        AudioError: not audio, cut short, empty, silent, not finite, longer than `longest_s`, or an absurd sample rate.
    """
    try:
        facts = soundfile.info(str(path))
        if not SLOWEST_HZ <= facts.samplerate <= FASTEST_HZ:
            raise AudioError(path, f"sample rate not between {SLOWEST_HZ} and {FASTEST_HZ} Hz", facts.samplerate)
        if facts.frames > _UNKNOWN:
            raise AudioError(path, "length not given", "its header says none; convert it anew")
        if facts.duration > longest_s:
            raise AudioError(path, f"longer than {longest_s:g} s", f"{facts.duration:.0f} s")
        samples, source_rate = soundfile.read(str(path), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError, RuntimeError, TypeError) as error:  # TypeError: .raw has no header
        raise AudioError(path, "not readable as audio", str(error).splitlines()[0]) from None
    if len(samples) == 0:
        raise AudioError(path, "no samples")
    if not (np.abs(samples) <= LOUDEST).all():
        raise AudioError(path, "samples that are not finite")
    mono = samples.mean(1)
    if np.abs(mono).max() < SILENCE:
        raise AudioError(path, "silent")
    return np.asarray(soxr.resample(mono, source_rate, rate), np.float32) if source_rate != rate else mono
