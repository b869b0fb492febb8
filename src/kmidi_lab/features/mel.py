"""The audio frame of the contract, `mel128-v1`: natural log of 128 mel bands, every 16 ms.

16 kHz mono in -1..1; frame t holds samples 256 t .. 256 t + 1023 under a periodic Hann window, zero-padded to a
2048-point FFT; 128 area-normalised triangles on Slaney's mel scale (M. Slaney, *Auditory Toolbox*, 1998), 30 Hz to
8 kHz, on power; the natural log of what is above 1e-6. The streaming twin is `mel_stream.MelStream`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torchaudio
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F

RATE, HOP, WINDOW, FFT, BANDS = 16_000, 256, 1024, 2048, 128
LOWEST_HZ, HIGHEST_HZ = 30.0, 8000.0
FLOOR = 1e-6
FRAME_S = HOP / RATE


def frame_count(samples: int) -> int:
    """Whole frames in so many samples at 16 kHz; 0 below 1024."""
    return max(0, (samples - WINDOW) // HOP + 1)


class LogMel(nn.Module):
    """Samples `[..., S]` in -1..1 at 16 kHz to frames `[..., T, 128]`, T = `frame_count(S)`, values -13.8 and up."""

    def __init__(self) -> None:
        super().__init__()
        self.mel = torchaudio.transforms.MelSpectrogram(
            RATE, FFT, WINDOW, HOP, LOWEST_HZ, HIGHEST_HZ, n_mels=BANDS, power=2.0, center=False, norm="slaney",
            mel_scale="slaney",
        )  # fmt: skip

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        if samples.shape[-1] < WINDOW:
            return samples.new_zeros(*samples.shape[:-1], 0, BANDS)
        # torchaudio puts a window that is shorter than the FFT in the middle of it: 512 samples late.
        late = (FFT - WINDOW) // 2
        mel: torch.Tensor = self.mel(F.pad(samples, (late, late)))
        return mel.clamp_min(FLOOR).log().transpose(-1, -2)


@lru_cache(1)
def _transform() -> LogMel:
    return LogMel().eval()


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Frames `[T, 128]` of samples `[S]` in -1..1 at 16 kHz."""
    with torch.no_grad():
        frames: NDArray[np.float32] = _transform()(torch.from_numpy(np.ascontiguousarray(samples, np.float32))).numpy()
    return frames
