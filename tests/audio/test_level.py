"""mel128-v2 by hand, at other levels, behind room tone, in blocks, from its file, and in the C++ of docs/audio.md."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.page_cpp import built

from kmidi_lab.audio.conditions import room_tone, surrounded
from kmidi_lab.audio.front_end import LevelEar, MusicEar, heard
from kmidi_lab.audio.level import GOLDEN_PATH, LevelStream, adapt, fresh, golden, level_of, since_onset
from kmidi_lab.audio.mel import RATE, log_mel
from kmidi_lab.audio.speaker import padded
from kmidi_lab.contract_features import LEVEL, LEVEL_FEATURES

_20_DB = 20 * np.log(10) / 10
_MAIN = """
#include <cstdio>
int main() {
    LevelFrames front;
    front.reset();
    std::array<float, 128> frame;
    for (;;) {
        for (float& x : frame) if (std::scanf("%f", &x) != 1) return 0;
        front.push(frame);
        std::printf("%d %d", front.counts ? 1 : 0, front.afresh ? 1 : 0);
        for (float x : frame) std::printf(" %.9g", x);
        std::puts("");
    }
}
"""


def note(gain: float = 0.3, seconds: float = 1.0, hz: float = 330.0) -> np.ndarray:
    t = np.arange(int(seconds * RATE)) / RATE
    wave = sum(np.sin(2 * np.pi * k * hz * t) / k for k in range(1, 9)) * np.exp(-1.5 * t)
    return (gain * wave / np.abs(wave).max()).astype(np.float32)


def frames_at(levels: list[float]) -> np.ndarray:
    """Frames of a level each, half of their bands 1 above the other half."""
    tilt = np.where(np.arange(128) < 64, 0.5, -0.5)
    tilt -= np.log(np.exp(tilt).mean())
    return (np.array(levels)[:, None] + tilt).astype(np.float32)


def test_by_hand() -> None:
    levels = [-8.0, -8.0, *[-7.0] * 6, -4.4, -4.0, -9.5]
    frames, state = frames_at(levels), fresh()
    out, counts, afresh = adapt(frames, True, state)
    # The noise floor begins 5 below the first frame. The ninth is more than 2.5 above the mean of eight.
    assert counts.tolist() == [True] * 10 + [False] and np.flatnonzero(afresh).tolist() == [8]
    tilt = frames[0] + 8
    np.testing.assert_allclose(out[0], tilt, atol=1e-5)
    np.testing.assert_allclose(out[2], tilt + 2 / 3, atol=1e-5)
    np.testing.assert_allclose(out[8], tilt, atol=1e-5)
    np.testing.assert_allclose(out[9], tilt + 0.2, atol=1e-5)
    # -9.5 is more than 5 below the loudest and falls below what is now the noise floor, the mean of what was before.
    assert state == pytest.approx([-4.2, -9.5, -4.011, 2], abs=1e-5)
    assert since_onset(counts, afresh).tolist() == [False] * 8 + [True, True, False]
    assert level_of(frames) == pytest.approx(levels, abs=1e-5)


@pytest.mark.parametrize("change", [_20_DB, -_20_DB])
def test_a_level_drops_out_from_the_first_frame(change: float) -> None:
    frames = np.maximum(log_mel(note()), -6.0).astype(np.float32)
    plain, changed = heard(frames, LEVEL_FEATURES), heard(frames + np.float32(change), LEVEL_FEATURES)
    np.testing.assert_allclose(changed[0], plain[0], atol=1e-4)
    assert (changed[1] == plain[1]).all() and plain[1].sum() > 40


def test_timbre_stays() -> None:
    bright, dark = (np.linspace(-slope, slope, 128) + frames_at([-3.0] * 200) for slope in (1.0, -1.0))
    apart = heard(bright, LEVEL_FEATURES)[0] - heard(dark, LEVEL_FEATURES)[0]
    assert apart[-1, -1] - apart[-1, 0] == pytest.approx(4.0, abs=0.01)


@pytest.mark.parametrize("gain", [0.5, 0.05, 0.01])
@pytest.mark.parametrize("noise", [-60.0, None])
def test_room_tone_and_silence_around_a_note_are_not_counted(gain: float, noise: float | None) -> None:
    samples = surrounded(note(gain), 1.0, 1.0)
    if noise is not None:
        samples = room_tone(samples, noise, np.random.default_rng(0))
    counts = heard(log_mel(samples), LEVEL_FEATURES)[1]
    inside = np.zeros_like(counts)
    inside[60:126] = True
    assert counts[inside].sum() > 20
    assert counts[~inside].sum() <= 5


def test_a_sound_that_begins_with_the_first_frame_counts_and_silence_never_does() -> None:
    assert heard(log_mel(note()), LEVEL_FEATURES)[1][:30].all()
    levelled = adapt(log_mel(np.zeros(RATE)), True, fresh())
    assert not levelled.counts.any() and np.abs(levelled.frames).max() < 1e-5
    assert heard(log_mel(np.zeros(RATE)), LEVEL_FEATURES)[1].all()  # nothing counts: all of it


def test_a_crescendo_and_a_soft_attack_keep_what_matters() -> None:
    swell = adapt(frames_at(list(np.linspace(-9, -3, 60))), True, fresh())
    assert swell.counts.all() and swell.afresh.sum() <= 3
    again = adapt(frames_at([-9.0, -8.0, -6.0, -3.0, -2.0, *[-2.0] * 30]), True, fresh())
    assert not again.afresh[:8].any()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 60), max_size=8), st.integers(0, 5))
def test_any_blocks_make_the_same(blocks: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    frames = rng.normal(-8, 1, (120, 128)).astype(np.float32) + np.repeat(rng.uniform(0, 6, 12), 10)[:, None]
    stream, hear = LevelStream(), LevelEar()
    cuts = [0, *np.minimum(np.cumsum(blocks), 120).tolist(), 120]
    parts = [stream.push(frames[a:b]) for a, b in zip(cuts[:-1], cuts[1:], strict=True)]
    whole = adapt(frames, True, fresh())
    for place in range(3):
        assert np.array_equal(np.concatenate([p[place] for p in parts]), whole[place])
    for row, counts, afresh, frame in zip(*whole, frames, strict=True):
        assert hear(frame) == counts and hear.afresh == afresh and np.array_equal(hear.input, row)


def test_music_of_one_level_counts_to_its_end_and_a_pause_behind_it() -> None:
    """By the front-end alone nothing of it counts after 14 s (875 frames)."""
    frames = frames_at([-3.0] * 900 + [-12.0] * 30)
    plain, music, patient = LevelEar(), MusicEar(LevelEar()), MusicEar(LevelEar(), pause=20)
    counted = np.array([[ear(frame) for ear in (plain, music, patient)] for frame in frames])
    assert counted[:870].all() and not counted[880:, 0].any()
    assert counted[:900, 1:].all() and np.array_equal(music.input, plain.input)
    assert counted[900:].sum(0).tolist() == [0, 0, 20]
    assert not MusicEar(LevelEar())(frames_at([-18.0])[0]), "silence at the beginning"


def test_sounds_side_by_side_are_as_alone_and_a_reset_forgets() -> None:
    sounds = [log_mel(note(g, s)).astype(np.float32) for g, s in ((0.5, 0.4), (0.01, 1.0), (0.1, 0.2))]
    state = fresh(3)
    levelled = adapt(*padded(sounds), state)
    stream = LevelStream()
    for i, sound in enumerate(sounds):
        stream.reset()
        for part, alone in zip(levelled, stream.push(sound), strict=True):
            np.testing.assert_allclose(part[i, : len(sound)], alone, atol=1e-5)
        np.testing.assert_allclose(state[i], stream._state, atol=1e-9)


def test_the_file_is_what_comes_out() -> None:
    told = json.loads(GOLDEN_PATH.read_text())
    assert told["feature_version"] == LEVEL_FEATURES and told["constants"] == vars(LEVEL)
    assert golden() == told
    assert 0 < sum(told["counts"]) < len(told["counts"]) and sum(told["afresh"]) == 1


def test_the_pages_cpp_adapts_as_python_does(repo: Path, tmp_path: Path) -> None:
    program = built(repo / "docs" / "audio.md", _MAIN, tmp_path, "LevelFrames")
    sound = room_tone(surrounded(np.concatenate([0.1 * note(), note()]), 0.5, 0.5), -60.0, np.random.default_rng(1))
    frames = np.concatenate([log_mel(sound), log_mel(np.zeros(RATE))]).astype(np.float32)
    numbers = " ".join(f"{x:.9g}" for x in frames.ravel())
    done = subprocess.run([program], input=numbers, capture_output=True, text=True, check=True)
    lines = np.array([line.split() for line in done.stdout.splitlines()], float)
    out, counts, afresh = adapt(frames, True, fresh())
    assert (lines[:, 0] == counts).all() and (lines[:, 1] == afresh).all() and afresh.any()
    np.testing.assert_allclose(lines[:, 2:], out, atol=1e-3)
