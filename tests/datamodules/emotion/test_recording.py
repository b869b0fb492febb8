"""Recording conditions, channels that a speaker keeps, and what was heard before a clip."""

from __future__ import annotations

import numpy as np
import pytest

from datamodules.emotion.clips import prepare
from datamodules.emotion.recording import Conditions, SpeechAugmentation
from datamodules.emotion.sessions import start_states
from kmidi_lab.audio.conditions import CHANGES
from kmidi_lab.audio.mel import RATE
from kmidi_lab.audio.speaker import adapt, fresh, prior_shape, seconds_heard
from kmidi_lab.models.emotion.hearing import adapted, states_after


def speech(seed: int = 0, seconds: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    envelope = np.interp(
        np.arange(int(seconds * RATE)),
        np.arange(0, seconds * RATE + 800, 800),
        rng.uniform(0, 0.1, int(seconds * 20) + 1),
    )
    return (envelope * rng.standard_normal(int(seconds * RATE))).astype(np.float32)


def decibels(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def test_every_condition_has_a_change_and_the_length_of_the_clip() -> None:
    copies = dict(zip(CHANGES, Conditions().of_speech(speech(), "a", "b"), strict=True))
    assert {"mp3_32_kbit", "silence_around", "room_tone_around"} <= set(copies)
    assert all(len(c) == (3 if "around" in name else 1) * RATE for name, c in copies.items())
    assert all(np.isfinite(c).all() and c.dtype == np.float32 for c in copies.values())
    assert all(not np.array_equal(c[:RATE], speech()) for c in copies.values())
    assert np.abs(copies["peak_1"]).max() == pytest.approx(1, abs=1e-4)
    assert np.abs(copies["plus_20_db"]).max() <= 1
    assert decibels(copies["minus_20_db"]) == pytest.approx(decibels(speech()) - 20, abs=0.1)
    for name, snr in (("pink_10_db", 10), ("white_20_db", 20)):
        assert decibels(copies[name] - speech()) == pytest.approx(decibels(speech()) - snr, abs=0.1)


def test_a_speaker_keeps_a_channel_and_another_has_another() -> None:
    made = SpeechAugmentation(variants=4, pitch=0, stretch=0, room=0, noise=0, channel=1)
    a, b, other = (made.of_speech(speech(i), str(i), who) for i, who in ((0, "x"), (1, "x"), (0, "y")))
    again = made.of_speech(speech(0), "0", "x")
    assert all(np.array_equal(p, q) for p, q in zip(a, again, strict=True))
    gains = [[decibels(c) - decibels(speech(i)) for c in copies] for i, copies in ((0, a), (1, b), (0, other))]
    assert np.abs(np.subtract(gains[0], gains[1])).mean() < 3 < np.abs(np.subtract(gains[0], gains[2])).mean()
    plain = SpeechAugmentation(variants=1, pitch=0, stretch=0, room=0, noise=0, channel=0)
    assert np.array_equal(plain.of_speech(speech(), "a", "x")[0], speech())


def test_conditions_hear_the_silence_and_variants_do_not() -> None:
    sound = np.concatenate([np.zeros(2 * RATE, np.float32), speech(), np.zeros(RATE, np.float32)])
    inside = prepare(sound, "a", Conditions(), "x")
    longer = dict(zip(CHANGES, (len(v) - len(inside.frames) for v in inside.variants), strict=True))
    # Two seconds more are 125 frames of 16 ms.
    assert longer == {name: 125 if "around" in name else 0 for name in CHANGES}
    assert all(
        len(v) < len(inside.frames) for v in prepare(sound, "a", SpeechAugmentation(stretch=0, pitch=0), "x").variants
    )


def frames(seed: int, length: int = 60) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (np.where(np.arange(length) % 20 < 10, -9, -5)[:, None] + rng.normal(0, 0.1, (length, 128))).astype(
        np.float16
    )


def test_clips_begin_with_what_others_of_the_voice_left() -> None:
    clips, voices = [frames(i, 40 + i) for i in range(40)], ["a"] * 20 + ["b"] * 20
    states = start_states(clips, voices, 2, np.random.default_rng(0))
    assert states.shape == (2, 40, 132)
    heard = seconds_heard(states)
    # Sessions of 16 and 4 clips of each voice: four clips of an order are the first.
    assert (heard == 0).sum(1).tolist() == [4, 4] and not np.array_equal(heard[0], heard[1])
    assert heard.max() > 4 and np.array_equal(states[0, heard[0] == 0][0, :128], prior_shape())


def test_scores_hear_other_clips_of_the_speaker_first() -> None:
    clips, speakers = [frames(i) for i in range(4)], ["a", "b", "b", "a"]
    state = states_after(clips, speakers, 0.1)
    alone = fresh()
    adapt(clips[3], True, alone)
    np.testing.assert_allclose(state[0], alone, atol=1e-9)
    assert (seconds_heard(states_after(clips, speakers, 0)) == 0).all()
    before = state.copy()
    inputs, spoken = adapted(clips, state)
    assert np.array_equal(state, before) and [len(x) for x in inputs] == [60] * 4
    assert all(of.any() and not of.all() for of in spoken)
