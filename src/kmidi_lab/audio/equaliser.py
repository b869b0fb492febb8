"""Another microphone or loudspeaker: a smooth change of spectrum in batches of mel frames `[B, T, 128]`."""

from __future__ import annotations

from math import log

import torch
from torch.nn import functional as F

from kmidi_lab.audio.mel_scale import FLOOR

_LN_PER_DB = log(10) / 10
_KNOTS = 5


def equalise(x: torch.Tensor, decibels: float, generator: torch.Generator) -> torch.Tensor:
    """Each clip's bands raised or lowered by up to `decibels` along a curve of its own; values stay at or above the floor."""
    knots = (2 * torch.rand(len(x), 1, _KNOTS, generator=generator, device=x.device) - 1) * decibels * _LN_PER_DB
    curve = F.interpolate(knots, size=x.shape[-1], mode="linear", align_corners=True)
    return (x + curve).clamp_min(log(FLOOR))
