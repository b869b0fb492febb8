"""A hum and a narrow line in frames are what the same of waveforms is."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kmidi_lab.audio import lines
from kmidi_lab.audio.conditions import hum, telephone
from kmidi_lab.audio.lines import add_hum, hum_frames, through_line
from kmidi_lab.audio.mel import BANDS, RATE, log_mel


def levelled(samples: np.ndarray) -> torch.Tensor:
    """Frames `[1, T, 128]` of mean power 1."""
    frames = torch.from_numpy(log_mel(samples))[None]
    return frames - frames.exp().mean().log()


def noise() -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(RATE)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_hum_in_frames_is_that_of_waveforms() -> None:
    # 10 dB below by the mean power of the bands, which is what the front-end calls the level.
    sound, mains = noise(), hum(np.zeros(RATE), 50.0, -20.0, np.random.default_rng(1))
    mains *= np.sqrt(0.1 * np.exp(log_mel(sound)).mean() / np.exp(log_mel(mains)).mean())
    expected = levelled(sound + mains).mean(1)[0]
    bank = hum_frames()[:120]  # of 50 Hz
    out = add_hum(levelled(sound), 1.0, (10.0, 10.0), bank, generator()).mean(1)[0]
    lowest = slice(0, 10)  # 30 to 280 Hz, where a phase tells little
    assert float((out - expected).abs()[lowest].mean()) < 0.5 < float((levelled(sound).mean(1)[0] - expected)[0].abs())
    assert float((out - expected).abs()[10:].mean()) < 0.1


def test_a_line_like_a_telephone_leaves_what_a_telephone_does(monkeypatch: pytest.MonkeyPatch) -> None:
    band = {"_LOW_HZ": 300.0, "_HIGH_HZ": 3400.0, "_LOW_ORDER": 4.0, "_HIGH_ORDER": 40.0, "_FLOOR_DB": 60.0}
    for name, value in band.items():
        monkeypatch.setattr(lines, name, (value, value))
    sound = noise()
    expected, out = levelled(telephone(sound)).mean(1)[0], through_line(levelled(sound), 1.0, generator()).mean(1)[0]
    within = slice(8, 85)  # 230 Hz to 3 kHz
    assert float((out - expected).abs()[within].mean()) < 0.3
    assert float((levelled(sound).mean(1)[0] - expected).abs()[within].mean()) > 0.3
    assert float(out[-1]) == pytest.approx(-6 * np.log(10))  # 60 dB below the level


def test_hum_and_line_change_the_share_that_is_asked_for_and_keep_its_level() -> None:
    x = torch.randn(400, 4, BANDS, generator=generator())
    x = x - x.exp().mean((1, 2), keepdim=True).log()
    for changed in (
        add_hum(x, 0.25, (0.0, 20.0), hum_frames(), generator()),
        through_line(x, 0.25, generator()),
    ):
        touched = (changed != x).any(2).any(1)
        assert 70 < int(touched.sum()) < 130
        assert torch.allclose(changed.exp().mean((1, 2)), torch.ones(400), atol=0.02)
    assert torch.equal(add_hum(x, 0.0, (0.0, 20.0), hum_frames(), generator()), x)
    assert torch.equal(through_line(x, 0.0, generator()), x)
