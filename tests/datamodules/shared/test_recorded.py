"""Copies of sounds through channels that are drawn."""

from __future__ import annotations

import numpy as np

from datamodules.shared.recorded import recorded
from kmidi_lab.audio.mel import RATE


def test_a_recorded_copy_has_a_level_and_a_background_of_its_own() -> None:
    tone = (0.1 * np.sin(np.arange(RATE) / 5)).astype(np.float32)
    copies = [recorded(tone, np.random.default_rng(i)) for i in range(60)]
    assert all(np.abs(c).max() <= 1 and np.isfinite(c).all() and c.dtype == np.float32 for c in copies)
    peaks = [float(np.abs(c).max()) for c in copies]
    assert min(peaks) < 0.03 and max(peaks) > 0.99
    assert 15 < sum(len(c) > len(tone) for c in copies) < 45
    assert np.array_equal(copies[3], recorded(tone, np.random.default_rng(3)))
    assert {len(recorded(tone, np.random.default_rng(i), around=0.0)) for i in range(8)} == {len(tone)}
