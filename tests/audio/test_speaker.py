"""mel128-v2-speaker by hand, at other levels, in blocks, behind a reset, from its file, and in the C++ of
docs/audio.md.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.page_cpp import built

from kmidi_lab.audio.front_end import SpeakerEar, heard
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.audio.speaker import (
    GOLDEN_PATH,
    STATE_SIZE,
    SpeakerStream,
    adapt,
    fresh,
    golden,
    padded,
    prior_shape,
    seconds_heard,
)
from kmidi_lab.contract_features import AUDIO_FEATURES, SPEAKER, SPEAKER_FEATURES
from kmidi_lab.errors import ConfigError

_20_DB = 20 * np.log(10) / 10
_MAIN = """
#include <cstdio>
int main() {
    SpeakerFrames front;
    for (float& p : front.prior) if (std::scanf("%f", &p) != 1) return 1;
    front.reset();
    std::array<float, 128> frame;
    for (;;) {
        for (float& x : frame) if (std::scanf("%f", &x) != 1) return 0;
        const bool speech = front.push(frame);
        std::printf("%d", speech ? 1 : 0);
        for (float x : frame) std::printf(" %.9g", x);
        std::puts("");
    }
}
"""


def voice(seed: int, frames: int = 300) -> np.ndarray:
    """Frames of a noise floor and syllables above it, clear of the front-end's floor."""
    rng = np.random.default_rng(seed)
    syllables = np.repeat(rng.uniform(0, 1, frames // 10 + 1) > 0.5, 10)[:frames] * rng.uniform(2, 6, frames)
    shape = rng.normal(0, 1, 128)
    return (-8 + 0.1 * rng.standard_normal((frames, 128)) + syllables[:, None] * (1 + 0.1 * shape)).astype(np.float32)


def test_by_hand() -> None:
    assert (SPEAKER.above_floor, SPEAKER.below_peak) == (0.6, 4.0)
    assert (SPEAKER.prior_frames, SPEAKER.longest_frames) == (62, 3750)
    tilt = np.where(np.arange(128) < 64, 1.0, -1.0)
    levels = np.array([-9.0, -9.0, -5.0, -3.0, -8.4, -8.9])
    frames = (levels[:, None] + tilt * np.array([0, 0, 1, 3, 2, 2])[:, None]).astype(np.float32)
    state = fresh()
    out, speech = adapt(frames, True, state)
    # -8.4 is 0.6 above where the floor was, but the floor has risen; it is also more than 4 below the peak.
    assert speech.tolist() == [False, False, True, True, False, False]
    prior = prior_shape()
    after_one, after_two = prior + (tilt - prior) / 63, 0.0
    after_two = after_one + (3 * tilt - after_one) / 64
    # Before any speech a frame's own level is taken, so that silence has none; then the mean of -5 and of -5 and -3.
    np.testing.assert_allclose(out[0], -prior, atol=1e-5)
    np.testing.assert_allclose(out[2], tilt - after_one, atol=1e-5)
    np.testing.assert_allclose(out[3], 3 * tilt - after_two + 1.0, atol=1e-5)
    np.testing.assert_allclose(out[4], 2 * tilt - after_two - 4.4, atol=1e-5)
    np.testing.assert_allclose(state[:128], after_two, atol=1e-6)
    assert state[128:] == pytest.approx([-4.0, -8.984, -3.022, 2.0], abs=1e-6)
    assert seconds_heard(state) == pytest.approx(0.032)


@pytest.mark.parametrize("change", [_20_DB, -_20_DB])
def test_a_level_drops_out_from_the_first_frame(change: float) -> None:
    frames = voice(0)
    plain, louder = heard(frames, SPEAKER_FEATURES), heard(frames + change, SPEAKER_FEATURES)
    np.testing.assert_allclose(louder[0], plain[0], atol=1e-4)
    assert (louder[1] == plain[1]).all() and 20 < plain[1].sum() < 280


def test_a_channel_drops_out_with_the_speech_heard() -> None:
    frames, channel = voice(1, 4000), 2 * np.cos(np.arange(128) / 20)
    channel -= channel.mean()
    apart = np.abs(heard(frames + channel, SPEAKER_FEATURES)[0] - heard(frames, SPEAKER_FEATURES)[0]).max(1)
    assert apart[0] == pytest.approx(np.abs(channel).max(), rel=0.01)
    assert apart[500] < 0.5 * apart[0] and apart[-1] < 0.1 * apart[0]


def test_noise_and_silence_are_no_speech() -> None:
    noise = 0.01 * np.random.default_rng(0).standard_normal(5 * RATE)
    for sound in (noise, np.zeros(RATE)):
        frames = log_mel(sound)
        assert not adapt(frames, True, fresh())[1].any()
        assert heard(frames, SPEAKER_FEATURES)[1].all()  # nothing but noise: all of it


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 60), max_size=8), st.integers(0, 5))
def test_any_blocks_make_the_same(blocks: list[int], seed: int) -> None:
    frames, stream, hear = voice(seed, 120), SpeakerStream(), SpeakerEar()
    cuts = [0, *np.minimum(np.cumsum(blocks), 120).tolist(), 120]
    parts = [stream.push(frames[a:b]) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]
    out, speech = adapt(frames, True, fresh())
    assert np.array_equal(np.concatenate([p for p, _ in parts]), out)
    assert np.array_equal(np.concatenate([s for _, s in parts]), speech)
    for row, spoken, frame in zip(out, speech, frames, strict=True):
        assert hear(frame) == spoken and np.array_equal(hear.input, row)


def test_sounds_of_other_lengths_side_by_side_are_as_alone() -> None:
    sounds = [voice(seed, length) for seed, length in enumerate((80, 1, 200))]
    state = fresh(3)
    out, speech = adapt(*padded(sounds), state)
    for row, spoken, own, sound in zip(out, speech, state, sounds, strict=True):
        alone = fresh()
        expected = adapt(sound, True, alone)
        np.testing.assert_allclose(row[: len(sound)], expected[0], atol=1e-5)
        assert (spoken[: len(sound)] == expected[1]).all() and not spoken[len(sound) :].any()
        np.testing.assert_allclose(own, alone, atol=1e-9)


def test_a_reset_brings_the_prior_back() -> None:
    stream, frames = SpeakerStream(), voice(2)
    first = stream.push(frames)[0]
    assert not np.allclose(stream.push(frames)[0], first)
    stream.reset()
    assert np.array_equal(stream.push(frames)[0], first)
    assert fresh(2).shape == (2, STATE_SIZE) and np.array_equal(fresh()[:128], prior_shape())


def test_a_mean_forgets_after_about_a_minute() -> None:
    state = fresh()
    state[128:] = -4.0, -9.0, -2.0, 3750
    before = state[:128].copy()
    frame = np.full((1, 128), -3.0, np.float32)
    assert adapt(frame, True, state)[1].all()
    np.testing.assert_allclose(state[:128], before * (1 - 1 / 3750), atol=1e-9)
    assert state[131] == 3750 and state[128] == pytest.approx(-4 + 1 / 3750)


def test_the_file_is_what_comes_out() -> None:
    told = json.loads(GOLDEN_PATH.read_text())
    assert told["feature_version"] == SPEAKER_FEATURES and told["constants"] == vars(SPEAKER)
    assert golden(prior_shape()) == told
    assert 0 < sum(told["speech"]) < len(told["speech"])


def test_an_unknown_feature_version_is_refused() -> None:
    frames = voice(0, 10)
    assert np.array_equal(heard(frames, AUDIO_FEATURES)[0], frames)
    with pytest.raises(ConfigError, match="feature_version: 'mel128-v9' is not allowed"):
        heard(frames, "mel128-v9")


def test_the_pages_cpp_adapts_as_python_does(repo: Path, tmp_path: Path) -> None:
    program = built(repo / "docs" / "audio.md", _MAIN, tmp_path, "SpeakerFrames")
    frames = np.concatenate([voice(3), log_mel(np.zeros(RATE)), voice(4) + 3])
    numbers = " ".join(f"{x:.9g}" for x in (*prior_shape(), *frames.ravel()))
    done = subprocess.run([program], input=numbers, capture_output=True, text=True, check=True)
    lines = np.array([line.split() for line in done.stdout.splitlines()], float)
    out, speech = adapt(frames, True, fresh())
    assert (lines[:, 0] == speech).all()
    np.testing.assert_allclose(lines[:, 1:], out, atol=1e-3)
