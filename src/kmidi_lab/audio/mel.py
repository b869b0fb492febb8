"""The audio frame of the contract, `mel128-v1`: natural log of 128 mel bands, every 16 ms.

16 kHz mono in -1..1; frame t holds samples 256 t .. 256 t + 1023 under a periodic Hann window, zero-padded to a
2048-point FFT; 128 area-normalised triangles on Slaney's mel scale (M. Slaney, *Auditory Toolbox*, 1998), 30 Hz to
8 kHz, on power; the natural log of what is above 1e-6. Without PyTorch, so that a C++ port can follow it line by line
(docs/audio.md).

`log_mel` takes samples that are all there, `MelStream` sound as it comes. `mel128-v1.json` beside this file holds the
constants, a short input and the frames that must come out: `python -m kmidi_lab.audio.mel` writes it.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import soxr
from numpy.typing import NDArray

from kmidi_lab.audio.io import FASTEST_HZ, LOUDEST, SLOWEST_HZ
from kmidi_lab.contract_features import AUDIO_FEATURES
from kmidi_lab.errors import UserError
from kmidi_lab.files import write_atomic

RATE, HOP, WINDOW, FFT, BANDS = 16_000, 256, 1024, 2048, 128
LOWEST_HZ, HIGHEST_HZ = 30.0, 8000.0
FLOOR = 1e-6
FRAME_S = HOP / RATE
_LINEAR_HZ, _KNEE_HZ, _STEP = 200 / 3, 1000.0, np.log(6.4) / 27
"""Slaney's scale (*Auditory Toolbox*, 1998): 3 mel for 200 Hz up to 1 kHz, then 27 mel for a factor of 6.4."""
_AT_ONCE = 64
"""Frames whose spectra stay in the cache."""
_EMPTY = np.zeros(0, np.float32)
GOLDEN_PATH = Path(__file__).with_name(f"{AUDIO_FEATURES}.json")
_SAMPLES = WINDOW + 5 * HOP + 100
_STEPS = 4096
"""Samples are whole 4,096ths, so that they are the same in every number format."""


def frame_count(samples: int) -> int:
    """Whole frames in so many samples at 16 kHz; 0 below 1024."""
    return max(0, (samples - WINDOW) // HOP + 1)


def mel_triangles() -> NDArray[np.float64]:
    """`[1025, 128]`: weight of each FFT bin's power in each band; every triangle has area 1 in Hz."""
    corners = hz_of(np.linspace(mel_of(LOWEST_HZ), mel_of(HIGHEST_HZ), BANDS + 2))
    bins = np.linspace(0, RATE / 2, FFT // 2 + 1)[:, None]
    rise = (bins - corners[:-2]) / np.diff(corners)[:-1]
    fall = (corners[2:] - bins) / np.diff(corners)[1:]
    weights: NDArray[np.float64] = np.maximum(0, np.minimum(rise, fall)) * 2 / (corners[2:] - corners[:-2])
    return weights


def mel_of(hz: float) -> float:
    """Mel of a frequency on Slaney's scale."""
    knee = _KNEE_HZ / _LINEAR_HZ
    return hz / _LINEAR_HZ if hz < _KNEE_HZ else knee + float(np.log(hz / _KNEE_HZ)) / _STEP


def hz_of(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Frequencies of mels on Slaney's scale."""
    knee = _KNEE_HZ / _LINEAR_HZ
    return np.where(mel < knee, mel * _LINEAR_HZ, _KNEE_HZ * np.exp(_STEP * (mel - knee)))


def log_mel(samples: NDArray[np.floating]) -> NDArray[np.float32]:
    """Frames `[T, 128]` of samples `[S]` in -1..1 at 16 kHz, T = `frame_count(S)`, values -13.8 and up.

    Computed in float64, since bands far below the loudest lose digits in a float32 FFT.
    """
    count = frame_count(len(samples))
    if count == 0:
        return np.zeros((0, BANDS), np.float32)
    window, triangles = _constants()
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[: (count - 1) * HOP + 1 : HOP]
    out = np.empty((count, BANDS), np.float32)
    for i in range(0, count, _AT_ONCE):
        spectrum = np.fft.rfft(windows[i : i + _AT_ONCE] * window, FFT)
        power = spectrum.real**2 + spectrum.imag**2
        out[i : i + _AT_ONCE] = np.log(np.maximum((triangles @ power.T).T, FLOOR))
    return out


@lru_cache(1)
def _constants() -> tuple[NDArray[np.float64], scipy.sparse.csr_matrix]:
    """The window, and the triangles `[128, 1025]`, of which 1.5 % are not zero."""
    return np.hanning(WINDOW + 1)[:-1], scipy.sparse.csr_matrix(mel_triangles().T)


class MelStream:
    """State of the front-end between blocks.

    Args:
        rate: Hz of the samples that will come, 8,000 to 192,000; other than 16 kHz is resampled with soxr (HQ).

    Raises:
        UserError: a rate out of range.
    """

    def __init__(self, rate: int = RATE) -> None:
        if not SLOWEST_HZ <= rate <= FASTEST_HZ:
            raise UserError(f"sample rate {rate} Hz: give {SLOWEST_HZ} to {FASTEST_HZ} Hz")
        self.rate = rate
        self.reset()

    def reset(self) -> None:
        """Forgets all sound so far."""
        self._resampler = soxr.ResampleStream(self.rate, RATE, 1, "float32", "HQ") if self.rate != RATE else None
        self._tail = _EMPTY

    def push(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """The frames `[t, 128]` that the block `[S]` in -1..1 completes; t is 0 where it completes none.

        Raises:
            UserError: samples that are not one row of finite numbers, or far beyond those of sound; the block is dropped and
                the state kept.
        """
        return self._take(block, last=False)

    def finish(self) -> NDArray[np.float32]:
        """The frames that were still in the resampler; the stream is then as after `reset`."""
        frames = self._take(_EMPTY, last=True)
        self.reset()
        return frames

    def _take(self, block: NDArray[np.float32], last: bool) -> NDArray[np.float32]:
        kind = np.asarray(block).dtype
        if np.issubdtype(kind, np.integer):
            raise UserError("a block of sound must be floats in -1..1; divide 16-bit integers by 32768")
        if not np.issubdtype(kind, np.floating):
            raise UserError(
                f"a block of sound must be floats in -1..1, not {type(block).__name__}; name a file, or read it first"
            )
        samples = np.asarray(block, np.float32)
        if samples.ndim != 1 or not np.isfinite(samples).all():
            raise UserError(f"a block of sound must be one row of finite numbers, not {list(samples.shape)}")
        if not (np.abs(samples) <= LOUDEST).all():
            raise UserError(f"samples beyond {LOUDEST:,.0f} are no sound; give floats in -1..1")
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples, last)
        samples = np.concatenate([self._tail, samples])
        used = frame_count(len(samples)) * HOP
        frames = log_mel(samples)
        self._tail = samples[used:].copy()
        return frames


def golden_input() -> NDArray[np.float32]:
    """A chord of three sines that fades in and stops dead, then near silence, then a click."""
    t = np.arange(_SAMPLES) / RATE
    wave = sum(np.sin(2 * np.pi * hz * t) for hz in (220.0, 1244.5, 5274.0)) * np.minimum(1, t / 0.05) / 4
    wave[1600:] = 0
    wave[2200] = 0.9
    return np.asarray(np.round(wave * _STEPS) / _STEPS, np.float32)


def golden() -> dict[str, Any]:
    """The file's content."""
    samples = golden_input()
    return {
        "feature_version": AUDIO_FEATURES,
        "sample_rate": RATE,
        "hop": HOP,
        "window": WINDOW,
        "window_shape": "periodic Hann",
        "fft": FFT,
        "bands": BANDS,
        "mel_scale": "Slaney, area-normalised",
        "lowest_hz": LOWEST_HZ,
        "highest_hz": HIGHEST_HZ,
        "floor": FLOOR,
        "input": samples.tolist(),
        "output": [[round(float(v), 6) for v in frame] for frame in log_mel(samples)],
    }


if __name__ == "__main__":
    write_atomic(GOLDEN_PATH, json.dumps(golden()).encode() + b"\n")
    print(f"written: {GOLDEN_PATH}")
