"""Another microphone, another pitch: smooth changes of spectrum in batches of mel frames `[B, T, 128]`."""

from __future__ import annotations

from functools import lru_cache
from math import log

import numpy as np
import torch
from torch.nn import functional as F

from kmidi_lab.features.mel_scale import BANDS, FLOOR, RATE, mel_triangles

_LN_PER_DB = log(10) / 10
_KNOTS = 5


def equalise(x: torch.Tensor, decibels: float, generator: torch.Generator) -> torch.Tensor:
    """Each clip's bands raised or lowered by up to `decibels` along a curve of its own; values stay at or above the floor."""
    knots = (2 * torch.rand(len(x), 1, _KNOTS, generator=generator, device=x.device) - 1) * decibels * _LN_PER_DB
    curve = F.interpolate(knots, size=x.shape[-1], mode="linear", align_corners=True)
    return (x + curve).clamp_min(log(FLOOR))


def transpose(x: torch.Tensor, semitones: float, generator: torch.Generator) -> torch.Tensor:
    """Each clip's spectrum up or down by up to `semitones`, as if played faster or slower; its edge bands are repeated."""
    shift = (2 * torch.rand(len(x), 1, generator=generator, device=x.device) - 1) * semitones
    return stretch_bands(x, 2 ** (shift / 12))


def stretch_bands(x: torch.Tensor, ratio: torch.Tensor) -> torch.Tensor:
    """Frequencies of `[B, T, 128]` times `ratio` `[B, 1]`, between bands in a straight line."""
    hertz = _centres().to(x.device)
    wanted = hertz / ratio
    above = torch.searchsorted(hertz, wanted).clamp(1, BANDS - 1)
    low, high = hertz[above - 1], hertz[above]
    share = ((wanted - low) / (high - low)).clamp(0, 1)[:, None]
    below, above = (index[:, None].expand(*x.shape) for index in (above - 1, above))
    return torch.lerp(x.gather(-1, below), x.gather(-1, above), share)


@lru_cache(1)
def _centres() -> torch.Tensor:
    """`[128]`: centre of each band in Hz."""
    triangles = mel_triangles()
    return torch.from_numpy(np.linspace(0, RATE / 2, len(triangles)) @ triangles / triangles.sum(0)).float()
