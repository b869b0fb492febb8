"""Voice activity of whole clips and batches at once, on the device, for training and scores; frame by frame it is `VoiceActivity`."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from kmidi_lab.audio.voice_activity import BELOW_PEAK, FALL, LOWEST


def active(frames: torch.Tensor) -> torch.Tensor:
    """Log-mel frames `[..., T, 128]` from a reset on to `[..., T]`, True where there is speech."""
    level = frames.float().exp().mean(-1).log()
    fallen = FALL * torch.arange(level.shape[-1], device=level.device)
    peak = (level + fallen).cummax(-1).values - fallen
    return level > (peak - BELOW_PEAK).clamp_min(LOWEST)


def speech_of(frames: NDArray[np.floating]) -> NDArray[np.bool_]:
    """`active` of one clip `[T, 128]`; all of it where there is no speech at all."""
    spoken = active(torch.from_numpy(np.asarray(frames, np.float32))).numpy()
    return spoken if spoken.any() else np.ones_like(spoken)
