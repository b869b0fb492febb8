"""Voice activity: by level, causally, the same frame by frame."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kmidi_lab.audio.mel import FRAME_S, RATE, log_mel
from kmidi_lab.audio.voice_activity import FALL, VoiceActivity, active, speech_of


def level(decibels: float, frames: int) -> np.ndarray:
    """Frames of the same power in every band, relative to 1."""
    return np.full((frames, 128), decibels * np.log(10) / 10, np.float32)


def test_silence_around_speech_is_left_out() -> None:
    quiet, rng = np.zeros(RATE // 2), np.random.default_rng(0)
    speech = 0.1 * rng.standard_normal(RATE)
    frames = log_mel(np.concatenate([quiet, speech, quiet]).astype(np.float32))
    found = np.flatnonzero(speech_of(frames)) * FRAME_S
    assert 0.43 < found[0] < 0.52 and 1.45 < found[-1] < 1.52
    assert np.diff(found).max() < 0.02


def test_a_frame_counts_within_26_db_of_the_loudest_so_far() -> None:
    frames = np.concatenate([level(-30, 3), level(0, 1), level(-25, 1), level(-27, 1), level(-47, 2)])
    assert speech_of(frames).tolist() == [True, True, True, True, True, False, False, False]


def test_a_peak_is_forgotten_by_3_db_a_second_but_silence_never_counts() -> None:
    seconds = 5.0
    frames = np.concatenate([level(0, 1), level(-35, round(seconds / FRAME_S))])
    first = int(speech_of(frames)[1:].argmax()) + 1
    assert abs(first * FRAME_S - 3.0) < 0.05  # 9 dB at 3 dB a second
    assert not active(torch.from_numpy(level(-50, 100))).any()
    assert speech_of(level(-50, 100)).all()  # nothing but silence: all of it


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-13.8, 4.0), min_size=1, max_size=80), st.integers(0, 2**16))
def test_frame_by_frame_is_the_same(levels: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = (np.array(levels)[:, None] + rng.normal(0, 0.5, (len(levels), 128))).astype(np.float32)
    at_once, gate = active(torch.from_numpy(frames)).numpy(), VoiceActivity()
    one_by_one = np.array([gate(frame) for frame in frames])
    power = np.log(np.exp(frames.astype(np.float64)).mean(1)) + FALL * np.arange(len(frames))
    # Levels that lie on a limit may fall to either side in float32.
    limit = np.maximum(np.maximum.accumulate(power) - FALL * np.arange(len(frames)) - 26 * np.log(10) / 10, -11)
    unsure = np.abs(power - FALL * np.arange(len(frames)) - limit) < 1e-4
    assert (at_once == one_by_one)[~unsure].all()
