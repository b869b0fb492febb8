"""Augmentation of waveforms, and of batches of mel frames `[B, T, 128]` on whatever device they are.

What is changed at random takes a generator, so that a run with the same seed sees the same.
"""

from __future__ import annotations

from math import log, pi

import numpy as np
import soxr
import torch
import torchaudio
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from torch.nn import functional as F

from kmidi_lab.audio.decibels import LN_PER_DB
from kmidi_lab.audio.mel import FLOOR

_WAVES, _KNOTS = 4, 5
Samples = NDArray[np.float32]
_FFT, _HOP = 1024, 256
_COLOURS = (0.0, 0.5, 1.0)
"""White, in between, pink: noise whose power falls by so many times 10 dB a decade."""
_DIRECT_S = 0.005
_TILT_DB, _BEND_DB = 30.0, 6.0
"""From the lowest band to the highest, and along the way: the colour of noise in frames."""


def spec_augment(
    x: torch.Tensor,
    bands: int,
    frames: int,
    generator: torch.Generator,
    masks: int = 2,
    fill: torch.Tensor | None = None,
) -> torch.Tensor:
    """`masks` stripes of up to `bands` bands and as many of up to `frames` frames in each clip become `fill`.

    SpecAugment without its warping (D. Park et al., Interspeech 2019).

    Args:
        x: frames `[B, T, 128]`.
        bands: of the widest stripe of bands.
        frames: of the widest stripe of frames.
        generator: of the epoch.
        masks: stripes of each kind in a clip.
        fill: `[128]`, such as the mean of the training frames; the mean of each clip without it.
    """
    batch, steps, size = x.shape
    covered = torch.zeros(batch, steps, size, dtype=torch.bool, device=x.device)
    for _ in range(masks):
        covered |= _stripe(batch, size, bands, generator, x.device)[:, None, :]
        covered |= _stripe(batch, steps, frames, generator, x.device)[:, :, None]
    return torch.where(covered, x.mean((1, 2), keepdim=True) if fill is None else fill, x)


def _stripe(batch: int, size: int, widest: int, generator: torch.Generator, device: torch.device) -> torch.Tensor:
    """`[batch, size]`, True on one stretch of 0 to `widest` places."""
    width = torch.rand(batch, 1, generator=generator, device=device) * (min(widest, size) + 1)
    first = torch.rand(batch, 1, generator=generator, device=device) * (size - width.floor() + 1)
    place = torch.arange(size, device=device)
    return (place >= first.floor()) & (place < first.floor() + width.floor())


def gain(x: torch.Tensor, decibels: float, generator: torch.Generator) -> torch.Tensor:
    """Each clip louder or softer by up to `decibels`; values stay at or above the front-end's floor."""
    change = (2 * torch.rand(len(x), 1, 1, generator=generator, device=x.device) - 1) * decibels * LN_PER_DB
    return (x + change).clamp_min(log(FLOOR))


def raise_floor(x: torch.Tensor, decibels: tuple[float, float], generator: torch.Generator) -> torch.Tensor:
    """Each clip as if recorded softer: what lies so far below its level is lost below the front-end's floor.

    Args:
        x: frames `[B, T, 128]` of `mel128-v2`, whose mean level is about 0.
        decibels: least and most that the floor lies below level 0.
        generator: of the epoch.
    """
    share = torch.rand(len(x), 1, 1, generator=generator, device=x.device)
    return torch.maximum(x, -(decibels[0] + share * (decibels[1] - decibels[0])) * LN_PER_DB)


def equalise_by_cosines(x: torch.Tensor, decibels: float, generator: torch.Generator) -> torch.Tensor:
    """Each clip through a smooth filter of its own, so that timbre tells less; its mean level stays.

    Args:
        x: frames `[B, T, 128]`.
        decibels: standard deviation of each of the four cosines over the bands that make the filter.
        generator: of the epoch.
    """
    size = x.shape[-1]
    places = (torch.arange(size, device=x.device) + 0.5) / size
    waves = torch.cos(pi * torch.arange(1, _WAVES + 1, device=x.device)[:, None] * places)
    weights = torch.randn(len(x), _WAVES, generator=generator, device=x.device) * decibels * LN_PER_DB
    return (x + (weights @ waves)[:, None]).clamp_min(log(FLOOR))


def equalise_by_knots(x: torch.Tensor, decibels: float, generator: torch.Generator) -> torch.Tensor:
    """Each clip's bands raised or lowered by up to `decibels` along a curve of its own, the floor kept."""
    knots = (2 * torch.rand(len(x), 1, _KNOTS, generator=generator, device=x.device) - 1) * decibels * LN_PER_DB
    curve = F.interpolate(knots, size=x.shape[-1], mode="linear", align_corners=True)
    return (x + curve).clamp_min(log(FLOOR))


def add_background(
    x: torch.Tensor, share: float, snr_db: tuple[float, float], bank: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Steady noise of a colour of its own beneath a share of the clips, in the frames; the level stays that of the sum.

    Args:
        x: frames `[B, T, 128]` of `mel128-v2`, whose mean level is about 0.
        share: of the clips.
        snr_db: least and most decibels that the noise lies below level 0.
        bank: `[N, 128]` frames of white noise, one behind the other, N above T; mean power 1.
        generator: of the epoch.
    """
    batch, steps, size = x.shape

    def rand(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator, device=x.device)

    chosen = rand(batch) < share
    first = (rand(batch) * (len(bank) - steps)).long()
    noise = bank[first[:, None] + torch.arange(steps, device=x.device)]
    tilt = torch.linspace(0.5, -0.5, size, device=x.device) * (rand(batch, 1) * 2 - 0.5) * _TILT_DB * LN_PER_DB
    bend = (2 * rand(batch, 1, _KNOTS) - 1) * _BEND_DB * LN_PER_DB
    colour = tilt + F.interpolate(bend, size=size, mode="linear", align_corners=True)[:, 0]
    colour = colour - colour.exp().mean(1, keepdim=True).log()
    below = (snr_db[0] + rand(batch, 1) * (snr_db[1] - snr_db[0])) * LN_PER_DB
    louder = torch.logaddexp(x, noise + (colour - below)[:, None]) - torch.log1p((-below).exp())[..., None]
    return torch.where(chosen[:, None, None], louder, x)


def band_shift(x: torch.Tensor, most: int, generator: torch.Generator) -> torch.Tensor:
    """Each clip moved up or down by up to `most` bands, its edge bands repeated: another throat, roughly."""
    size = x.shape[-1]
    shift = torch.randint(-most, most + 1, (len(x), 1, 1), generator=generator, device=x.device)
    source = (torch.arange(size, device=x.device) - shift).clamp(0, size - 1)
    return x.gather(-1, source.expand(*x.shape))


def mixup(x: torch.Tensor, alpha: float, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Each clip blended with another one of the batch (H. Zhang et al., ICLR 2018), in the log domain.

    Args:
        x: frames `[B, T, 128]`.
        alpha: of the Beta(alpha, alpha) that the share is drawn from; 0 leaves everything as it is.
        generator: of the epoch.

    Returns:
        The clips, which other clip `[B]`, and the share `[B]` from 0.5 to 1 that is left of the first.
    """
    if alpha == 0:
        whole = torch.ones(len(x), device=x.device)
        return x, torch.arange(len(x), device=x.device), whole
    other = torch.randperm(len(x), generator=generator, device=x.device)
    # A Beta from two Gammas, drawn by the generator of the epoch.
    shape = torch.full((2, len(x)), alpha, device=x.device)
    a, b = torch._standard_gamma(shape, generator=generator)
    share = a / (a + b).clamp_min(1e-12)
    share = torch.maximum(share, 1 - share)
    return torch.lerp(x[other], x, share[:, None, None]), other, share


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


def coloured_noise(length: int, rng: np.random.Generator, colour: float | None = None) -> NDArray[np.float64]:
    """`[length]` of noise at any level; white at colour 0, pink at 1, either or between for None."""
    size = next_fast_len(length, real=True)
    spectrum = rfft(rng.standard_normal(size))
    shape = np.arange(len(spectrum), dtype=np.float64)
    shape[0] = 1.0
    return np.asarray(
        irfft(spectrum * shape ** (-(rng.choice(_COLOURS) if colour is None else colour) / 2), size)[:length]
    )


def add_noise(samples: Samples, snr_db: float, rng: np.random.Generator, colour: float | None = None) -> Samples:
    """With noise at `snr_db` below the mean power of the samples; its colour is that of `coloured_noise`."""
    noise = coloured_noise(len(samples), rng, colour)
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
