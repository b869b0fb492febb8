"""Augmentation of waveforms: pitch, speed, noise, room. Mel frames: `augment`."""

from __future__ import annotations

import numpy as np
import soxr
import torch
import torchaudio
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

Samples = NDArray[np.float32]
_FFT, _HOP = 1024, 256
_COLOURS = (0.0, 0.5, 1.0)
"""White, in between, pink: noise whose power falls by so many times 10 dB a decade."""
_DIRECT_S = 0.005


def shift_and_stretch(samples: Samples, semitones: float, stretch: float) -> Samples:
    """Pitch (and formants) up by `semitones`, duration times `stretch`.

    Resampling, then a phase vocoder (J. Flanagan, R. Golden, *Phase vocoder*, 1966).
    """
    ratio = 2 ** (semitones / 12)
    moved = soxr.resample(samples, ratio, 1.0) if semitones else samples
    longer = ratio * stretch
    if abs(longer - 1) < 1e-3 or len(moved) <= _FFT:
        return np.asarray(moved, np.float32)
    window = torch.hann_window(_FFT)
    spectrum = torch.stft(
        torch.from_numpy(np.asarray(moved, np.float32)), _FFT, _HOP, window=window, return_complex=True
    )
    advance = torch.linspace(0, torch.pi * _HOP, _FFT // 2 + 1)[:, None]
    stretched = torchaudio.functional.phase_vocoder(spectrum, 1 / longer, advance)
    out = torch.istft(stretched, _FFT, _HOP, window=window, length=round(len(moved) * longer))
    return np.asarray(out.numpy(), np.float32)


def add_noise(samples: Samples, snr_db: float, rng: np.random.Generator) -> Samples:
    """With white to pink noise at `snr_db` below the mean power of the samples."""
    size = next_fast_len(len(samples), real=True)
    spectrum = rfft(rng.standard_normal(size))
    shape = np.arange(len(spectrum), dtype=np.float64)
    shape[0] = 1.0
    noise = irfft(spectrum * shape ** (-rng.choice(_COLOURS) / 2), size)[: len(samples)]
    power = float(np.mean(samples.astype(np.float64) ** 2)) * 10 ** (-snr_db / 10)
    return (samples + noise * np.sqrt(power / max(float(np.mean(noise**2)), 1e-20))).astype(np.float32)


def reverberate(samples: Samples, decay_s: float, wet_db: float, rate: int, rng: np.random.Generator) -> Samples:
    """In a room whose sound falls by 60 dB in `decay_s`, its reverberation `wet_db` against the direct sound.

    The impulse response is noise that decays exponentially (J. Moorer, 1979), 5 ms after the direct sound; as long
    as the samples.
    """
    length = max(1, int(decay_s * rate))
    tail = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
    tail *= 10 ** (wet_db / 20) / np.sqrt(np.sum(tail**2))
    response = np.concatenate([np.zeros(int(_DIRECT_S * rate)), tail])
    response[0] = 1.0
    size = next_fast_len(len(samples) + len(response) - 1, real=True)
    wet = irfft(rfft(samples, size) * rfft(response, size), size)
    return wet[: len(samples)].astype(np.float32)
