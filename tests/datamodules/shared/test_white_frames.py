"""White noise as frames, which rooms are made of."""

from __future__ import annotations

import numpy as np
import pytest

from datamodules.shared.frame_data import white_frames
from kmidi_lab.audio.mel import HOP, RATE


def test_white_noise_has_a_mean_power_of_one_in_every_band() -> None:
    frames = white_frames().numpy()
    assert frames.shape[1] == 128 and len(frames) > 19 * RATE / HOP
    power = np.exp(frames)
    assert power.mean() == pytest.approx(1) and power.mean(0) == pytest.approx(np.ones(128), abs=0.25)
