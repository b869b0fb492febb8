"""Recording conditions are what they are called."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import periodogram

from kmidi_lab.audio.conditions import CHANGES, hum, room_tone, surrounded, telephone, through_mp3
from kmidi_lab.audio.mel import RATE
from kmidi_lab.models.instrument.features import CONDITIONS


def share(samples: np.ndarray, low: float, high: float) -> float:
    hz, power = periodogram(samples, RATE)
    return float(power[(hz >= low) & (hz <= high)].sum() / power.sum())


def decibels(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def test_hum_room_and_telephone_are_what_they_are_called() -> None:
    rng, silence = np.random.default_rng(0), np.zeros(RATE, np.float32)
    assert decibels(hum(silence, 50, -40, rng)) == pytest.approx(-40, abs=0.1)
    assert share(hum(silence, 60, -40, rng), 58, 62) > 0.7
    assert decibels(room_tone(silence, -60, rng)) == pytest.approx(-60, abs=0.1)
    noise = 0.1 * rng.standard_normal(RATE).astype(np.float32)
    assert share(telephone(noise), 250, 3600) > 0.97 > share(noise, 250, 3600)


def test_every_named_condition_can_be_made() -> None:
    assert set(CONDITIONS) == set(CHANGES)
    tone = (0.3 * np.sin(np.arange(RATE) / 5)).astype(np.float32)
    for name, change in CHANGES.items():
        changed = change(tone, np.random.default_rng(0))
        assert len(changed) == (3 if "around" in name else 1) * RATE and np.isfinite(changed).all(), name
        assert changed.dtype == np.float32 and not np.array_equal(changed[:RATE], tone), name


def test_mp3_keeps_the_sound_and_where_it_is() -> None:
    rng = np.random.default_rng(0)
    sound = (np.sin(np.arange(RATE) / 7) * np.linspace(0, 0.5, RATE) + 0.001 * rng.standard_normal(RATE)).astype(
        np.float32
    )
    coded = through_mp3(sound)
    assert not np.array_equal(coded, sound)
    assert np.corrcoef(coded, sound)[0, 1] > 0.98


def test_what_surrounds_is_noise_and_what_is_inside_the_sound() -> None:
    tone = (0.3 * np.sin(np.arange(RATE) / 5)).astype(np.float32)
    around = surrounded(tone, 0.5, 0.25)
    assert len(around) == int(1.75 * RATE) and np.array_equal(around[RATE // 2 : 3 * RATE // 2], tone)
    noisy = CHANGES["room_tone_around"](tone, np.random.default_rng(0))
    assert decibels(noisy[:RATE]) == pytest.approx(-60, abs=0.3)
    assert decibels(noisy[RATE : 2 * RATE]) == pytest.approx(decibels(tone), abs=0.1)
