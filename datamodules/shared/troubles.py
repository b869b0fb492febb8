"""What happens to sounds on their way, in batches of mel frames: noise, the hum of mains, a line with a band of its own."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from datamodules.shared.frame_data import white_frames
from kmidi_lab.audio.augment import add_background
from kmidi_lab.audio.lines import add_hum, hum_frames, through_line

_BACKGROUND_DB, _HUM_DB = (4.0, 30.0), (-10.0, 35.0)


@dataclass(frozen=True)
class Troubles:
    """Changes a share of the frames `[B, T, 128]` of `mel128-v2` that it is called with.

    Args:
        background: share of the clips that get noise of 4 to 30 dB SNR and a colour of its own.
        hum: share that get the hum of mains of -10 to 35 dB SNR.
        line: share that go through a line, such as a telephone's.
        white, mains: frames of noise and of hum, on the device (`on`).
    """

    background: float
    hum: float
    line: float
    white: torch.Tensor
    mains: torch.Tensor

    @classmethod
    def on(cls, device: torch.device, background: float, hum: float, line: float) -> Troubles:
        """With the frames of noise and hum that they take, made where there is a share of them."""
        nothing = torch.empty(0, device=device)
        white = white_frames().to(device) if background else nothing
        return cls(background, hum, line, white, hum_frames().to(device) if hum else nothing)

    def __call__(self, x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        if self.background:
            x = add_background(x, self.background, _BACKGROUND_DB, self.white, generator)
        if self.hum:
            x = add_hum(x, self.hum, _HUM_DB, self.mains, generator)
        return through_line(x, self.line, generator) if self.line else x
