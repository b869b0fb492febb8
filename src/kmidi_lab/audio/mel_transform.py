"""The audio frame of the contract, `mel128-v1`, as a torchaudio transform: natural log of 128 mel bands, every 16 ms.

16 kHz mono in -1..1; frame t holds samples 256 t .. 256 t + 1023 under a periodic Hann window, zero-padded to a
2048-point FFT; 128 area-normalised triangles on Slaney's mel scale (M. Slaney, *Auditory Toolbox*, 1998), 30 Hz to
8 kHz, on power; the natural log of what is above 1e-6. `mel.log_mel` is the same in
NumPy, for features that are made once; `mel_stream.MelStream` for sound as it comes.
"""

from __future__ import annotations

import torch
import torchaudio
from torch import nn
from torch.nn import functional as F

from kmidi_lab.audio.mel_scale import BANDS, FFT, FLOOR, HIGHEST_HZ, HOP, LOWEST_HZ, RATE, WINDOW, mel_triangles


class LogMel(nn.Module):
    """Samples `[..., S]` in -1..1 at 16 kHz to frames `[..., T, 128]`, T = `frame_count(S)`, values -13.8 and up.

    Args:
        dtype: of samples and frames. In float32, bands far below the loudest are off by some thousandths.
    """

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.mel = torchaudio.transforms.MelSpectrogram(
            RATE, FFT, WINDOW, HOP, LOWEST_HZ, HIGHEST_HZ, n_mels=BANDS, power=2.0, center=False, norm="slaney",
            mel_scale="slaney", wkwargs={"dtype": dtype},
        )  # fmt: skip
        self.to(dtype)
        # torchaudio computes the corners of the triangles in float32.
        self.mel.mel_scale.fb.copy_(torch.from_numpy(mel_triangles()))

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        if samples.shape[-1] < WINDOW:
            return samples.new_zeros(*samples.shape[:-1], 0, BANDS)
        # torchaudio puts a window that is shorter than the FFT in the middle of it: 512 samples late.
        late = (FFT - WINDOW) // 2
        mel: torch.Tensor = self.mel(F.pad(samples, (late, late)))
        return mel.clamp_min(FLOOR).log().transpose(-1, -2)
