"""Which mel frames hold speech and not the silence around it: frame by frame, or a whole clip at once.

A causal energy detector with a falling peak. A frame counts where its power is within 26 dB of the loudest so far,
which is forgotten by 3 dB a second, and clearly above the front-end's floor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.audio.decibels import LN_PER_DB
from kmidi_lab.audio.mel import FRAME_S

if TYPE_CHECKING:
    import torch


BELOW_PEAK = 26 * LN_PER_DB
LOWEST = -11.0
"""Natural logarithm of the mean power of the bands; the floor is at -13.8."""
FALL = 3 * LN_PER_DB * FRAME_S
"""Of the peak, a frame."""


class VoiceActivity:
    """Whether frames hold speech, one after the other; `active` is the same for whole clips at once."""

    def __init__(self) -> None:
        self._peak = -np.inf

    def __call__(self, frame: NDArray[np.floating]) -> bool:
        """Whether the next frame `[128]` holds speech."""
        level = float(np.log(np.exp(np.asarray(frame, np.float64)).mean()))
        self._peak = max(level, self._peak - FALL)
        return level > max(self._peak - BELOW_PEAK, LOWEST)


def active(frames: torch.Tensor) -> torch.Tensor:
    """Log-mel frames `[..., T, 128]` from a reset on to `[..., T]`, True where there is speech."""
    level = frames.float().exp().mean(-1).log()
    import torch

    fallen = FALL * torch.arange(level.shape[-1], device=level.device)
    peak = (level + fallen).cummax(-1).values - fallen
    return level > (peak - BELOW_PEAK).clamp_min(LOWEST)


def speech_of(frames: NDArray[np.floating]) -> NDArray[np.bool_]:
    """`active` of one clip `[T, 128]`; all of it where there is no speech at all."""
    import torch

    spoken = active(torch.from_numpy(np.asarray(frames, np.float32))).numpy()
    return spoken if spoken.any() else np.ones_like(spoken)
