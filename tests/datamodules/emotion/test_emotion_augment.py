"""Augmentation of frames and of waveforms."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
import torch

from datamodules.shared.augmentation import Augmentation
from kmidi_lab.audio.augment import add_noise, band_shift, gain, mixup, reverberate, shift_and_stretch, spec_augment
from kmidi_lab.audio.mel import FLOOR
from kmidi_lab.errors import ConfigError

RATE = 16_000


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def pitch_of(samples: np.ndarray) -> float:
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 18))
    return float(spectrum.argmax() * RATE / (1 << 18))


def test_spec_augment_covers_stripes_and_nothing_else() -> None:
    x = torch.randn(64, 50, 128)
    fill = torch.full((128,), 7.0)
    y = spec_augment(x, 10, 5, generator(), masks=1, fill=fill)
    changed = y != x
    assert (y[changed] == 7).all()
    bands, frames = changed.all(1), changed.all(2)
    assert bands.sum(1).max() <= 10 and frames.sum(1).max() <= 5
    assert (changed == (bands[:, None, :] | frames[:, :, None])).all()
    assert bands.any() and frames.any()


def test_spec_augment_of_nothing_changes_nothing() -> None:
    x = torch.randn(4, 50, 128)
    assert torch.equal(spec_augment(x, 0, 0, generator()), x)


def test_gain_is_in_decibels_and_keeps_the_floor() -> None:
    x = torch.zeros(200, 3, 128)
    x[:, 0] = log(FLOOR)
    y = gain(x, 6.0, generator())
    change = y[:, 1, 0] * 10 / log(10)
    assert change.min() >= -6 and change.max() <= 6 and change.std() > 2
    assert (y >= log(FLOOR) - 1e-6).all()


def test_band_shift_moves_whole_clips() -> None:
    x = torch.arange(128.0).expand(50, 4, 128)
    y = band_shift(x, 3, generator())
    moved = (x - y)[:, :, 40]
    assert set(moved.unique().tolist()) <= set(range(-3, 4)) and len(moved.unique()) > 3
    assert (moved == moved[:, :1]).all()


def test_mixup_blends_and_keeps_more_of_the_first() -> None:
    x = torch.randn(32, 5, 128)
    y, other, share = mixup(x, 0.4, generator())
    assert (share >= 0.5).all() and (share <= 1).all()
    assert sorted(other.tolist()) == list(range(32))
    assert torch.allclose(y[3], share[3] * x[3] + (1 - share[3]) * x[other[3]], atol=1e-5)
    same, _, whole = mixup(x, 0.0, generator())
    assert torch.equal(same, x) and (whole == 1).all()


@pytest.mark.parametrize(("semitones", "stretch"), [(2.0, 1.0), (-2.0, 0.9), (0.0, 1.1)])
def test_pitch_and_length_change_by_themselves(semitones: float, stretch: float) -> None:
    out = shift_and_stretch(tone(440), semitones, stretch)
    assert len(out) == pytest.approx(RATE * stretch, rel=0.01)
    assert pitch_of(out) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.01)
    assert np.isfinite(out).all()


def test_nothing_asked_nothing_changed() -> None:
    assert np.array_equal(shift_and_stretch(tone(440), 0.0, 1.0), tone(440))


@pytest.mark.parametrize("snr", [5.0, 25.0])
def test_noise_has_the_power_asked_for(snr: float) -> None:
    samples = tone(300)
    noise = add_noise(samples, snr, np.random.default_rng(0)) - samples
    found = 10 * np.log10(np.mean(samples**2) / np.mean(noise**2))
    assert found == pytest.approx(snr, abs=0.2)


def test_a_room_rings_on_after_a_click() -> None:
    click = np.zeros(RATE, np.float32)
    click[100] = 1.0
    wet = reverberate(click, 0.3, -6.0, RATE, np.random.default_rng(0))
    assert len(wet) == RATE and wet[100] == pytest.approx(1, abs=1e-3)
    assert np.abs(wet[:100]).max() < 1e-6
    tail = wet[200:]
    assert np.sum(tail**2) == pytest.approx(10**-0.6, rel=0.1)
    assert np.abs(tail[: RATE // 20]).mean() > 20 * np.abs(tail[RATE // 4 : RATE // 3]).mean()


def test_variants_are_as_many_as_asked_and_the_same_by_name() -> None:
    made = Augmentation(variants=2)
    first, again, other = (made.waveforms(tone(200, 0.5), name) for name in ("a", "a", "b"))
    assert len(first) == 2
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    plain = Augmentation(variants=1, pitch=0, stretch=0, noise=0, room=0)
    assert np.array_equal(plain.waveforms(tone(200), "a")[0], tone(200))


@pytest.mark.parametrize("bad", [{"noise": 1.5}, {"stretch": 0.9}, {"variants": -1}, {"pitch": 40.0}, {"mixup": -1.0}])
def test_bad_values_are_named(bad: dict) -> None:
    with pytest.raises(ConfigError, match=f"augment.{next(iter(bad))}"):
        Augmentation(**bad)
