"""Channels that cancel are read alone, others are averaged."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import soundfile
from support.sound_files import encoded
from support.sweep import RATE, SWEEP, kept, near

from kmidi_lab.audio.io import AudioError, read_audio, read_recording
from kmidi_lab.audio.mixdown import CANCELLED


@pytest.mark.parametrize("other", [-1.0, -0.9, -0.7])
@pytest.mark.parametrize("kind", ["WAV", "FLAC"])
def test_channels_that_cancel_are_read_alone_and_it_is_said(tmp_path, other, kind):
    quiet = np.random.default_rng(0).normal(0, 1e-3, len(SWEEP))
    path = kept(tmp_path, encoded(np.stack([other * SWEEP, SWEEP + quiet], 1), RATE, kind))
    got = read_recording(path, RATE)
    assert near(got.samples) and got.notes == ((CANCELLED, "channel 2 of 2"),)


def test_a_constant_in_both_channels_does_not_hide_that_they_cancel(tmp_path):
    got = read_recording(kept(tmp_path, encoded(0.3 + np.stack([SWEEP, -0.95 * SWEEP], 1), RATE, "WAV", "FLOAT")), RATE)
    assert near(got.samples, 0.3 + SWEEP) and got.notes == ((CANCELLED, "channel 1 of 2"),)


@pytest.mark.parametrize("constant", [0.2, 0.45])
def test_cancelling_is_told_by_what_moves(tmp_path, constant):
    """A constant of far more power than the sound, and a channel that holds nothing else."""
    both = np.stack([0.3 * SWEEP + constant, -0.3 * SWEEP + constant, np.full_like(SWEEP, constant)], 1)
    got = read_recording(kept(tmp_path, encoded(both, RATE, "WAV", "FLOAT")), RATE)
    assert got.notes == ((CANCELLED, "channel 1 of 3"),)
    assert near(got.samples, 0.3 * SWEEP + constant)


def test_channels_that_cancel_for_most_of_a_recording_are_read_alone(tmp_path):
    left = SWEEP.copy()
    left[len(left) // 5 :] *= -1
    got = read_recording(kept(tmp_path, encoded(np.stack([left, SWEEP * 1.001], 1), RATE, "WAV")), RATE)
    assert got.notes == ((CANCELLED, "channel 2 of 2"),) and near(got.samples)


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_channels_that_do_not_cancel_are_averaged(tmp_path, channels):
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.1, (RATE, channels))
    one_sided = np.zeros((RATE, channels))
    one_sided[:, 0] = SWEEP[:RATE]
    for samples in (sound, one_sided, np.repeat(SWEEP[:RATE, None], channels, 1)):
        got = read_recording(kept(tmp_path, encoded(samples, RATE, "WAV", "FLOAT")), RATE)
        assert near(got.samples, samples.mean(1), 1e-6) and not got.notes


def test_silence_is_still_silent(tmp_path):
    for level in (0.0, 0.5):  # a constant is no sound, either
        with pytest.raises(AudioError, match="silent"):
            read_audio(kept(tmp_path, encoded(np.full((RATE, 2), level), RATE, "WAV")), RATE)


def test_memory_is_that_of_the_result_and_not_of_all_channels(tmp_path):
    path = tmp_path / "x.flac"
    soundfile.write(path, np.tile(SWEEP[:, None], (10, 8)), 48_000)
    tracemalloc.start()
    got = read_audio(path, RATE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(got) == len(SWEEP) * 10 // 3 and peak < 12 * 2**20 < 4 * len(SWEEP) * 10 * 8
