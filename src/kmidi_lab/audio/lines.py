"""What the mains and a narrow line do to sounds, in batches of mel frames `[B, T, 128]` of `mel128-v2`.

The level of a clip stays that of what is heard: the front-end would have taken it away.
"""

from __future__ import annotations

from math import log

import numpy as np
import torch

from kmidi_lab.audio.conditions import hum
from kmidi_lab.audio.decibels import LN_PER_DB
from kmidi_lab.audio.mel import BANDS, HIGHEST_HZ, LOWEST_HZ, RATE, hz_of, log_mel, mel_of

_LOW_HZ, _HIGH_HZ = (60.0, 500.0), (2500.0, 7000.0)
"""Where the band of a line begins and ends; a telephone's is 300 to 3,400 Hz."""
_LOW_ORDER, _HIGH_ORDER = (2.0, 8.0), (4.0, 40.0)
"""Of the filters, 6 dB an octave each; digital lines end abruptly."""
_FLOOR_DB = (20.0, 60.0)
"""Below the level of the clip: the noise of the line, or the front-end's floor."""
_TIMES = 40


def hum_frames() -> torch.Tensor:
    """`[N, 128]` frames of the hum of mains, 50 and 60 Hz, at phases of their own; mean power 1."""
    rng = np.random.default_rng(0)
    sounds = [hum(np.zeros(RATE // 10), hz, -20.0, rng) for hz in (50.0, 60.0) for _ in range(_TIMES)]
    frames = torch.from_numpy(np.concatenate([log_mel(sound) for sound in sounds]))
    return frames - frames.exp().mean(1, keepdim=True).log()


def add_hum(
    x: torch.Tensor, share: float, snr_db: tuple[float, float], bank: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """The hum of mains beneath a share of the clips, the same in all frames of one.

    Args:
        x: frames `[B, T, 128]`, whose mean level is about 0.
        share: of the clips.
        snr_db: least and most decibels that the hum lies below level 0.
        bank: `[N, 128]` of `hum_frames`.
        generator: of the epoch.
    """
    chosen = torch.rand(len(x), generator=generator, device=x.device) < share
    place, below = torch.rand(2, len(x), generator=generator, device=x.device)[:, chosen]
    below = (snr_db[0] + below * (snr_db[1] - snr_db[0])) * LN_PER_DB
    beneath = bank[(place * len(bank)).long()] - below[:, None]
    louder = torch.logaddexp(x[chosen], beneath[:, None]) - torch.log1p((-below).exp())[:, None, None]
    return x.masked_scatter(chosen[:, None, None], louder)


def through_line(x: torch.Tensor, share: float, generator: torch.Generator) -> torch.Tensor:
    """A share of the clips through a line that keeps a band of its own; beyond it is the noise of the line.

    Args:
        x: frames `[B, T, 128]`.
        share: of the clips.
        generator: of the epoch.
    """
    chosen = torch.rand(len(x), generator=generator, device=x.device) < share
    part = x[chosen]

    def drawn(limits: tuple[float, float]) -> torch.Tensor:
        return limits[0] + torch.rand(len(part), 1, generator=generator, device=x.device) * (limits[1] - limits[0])

    hertz = torch.from_numpy(hz_of(np.linspace(mel_of(LOWEST_HZ), mel_of(HIGHEST_HZ), BANDS + 2)[1:-1])).to(x).log()
    low, high = (drawn((log(limits[0]), log(limits[1]))) for limits in (_LOW_HZ, _HIGH_HZ))
    passed = part + (_fall(low - hertz, drawn(_LOW_ORDER)) + _fall(hertz - high, drawn(_HIGH_ORDER)))[:, None]
    lost = part.exp().mean((1, 2)).log() - passed.exp().mean((1, 2)).log()
    heard = torch.maximum(passed + lost[:, None, None], -drawn(_FLOOR_DB)[..., None] * LN_PER_DB)
    return x.masked_scatter(chosen[:, None, None], heard)


def _fall(beyond: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """Logarithm of the power that a Butterworth filter lets through, so far (in nats of Hz) beyond its edge."""
    return -torch.nn.functional.softplus(2 * order * beyond)
