"""Contract vectors against cases worked out by hand, and transposition."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.melody_tunes import melody

from datamodules.melody.windows import tensor_vectors, tensors, transpose
from kmidi_lab.chords.chord import Key, plain_chord
from kmidi_lab.contracts import MELODY
from kmidi_lab.models.melody.features import (
    DURATIONS,
    KEYS,
    duration_class,
    mood_proxy,
    notes_of,
    position_class,
    vectors,
)
from kmidi_lab.models.melody.generation import draw, narrowed


def expected(**places: int | float) -> np.ndarray:
    x = np.zeros(64, np.float32)
    for at, value in places.items():
        x[int(at[1:])] = value
    return x


def test_the_first_note_has_no_previous_one() -> None:
    notes = notes_of(melody([67, 69, 71], [1.0, 0.5, 0.5], key=Key(7, 1)))
    x = vectors(notes, MELODY.at("1"))[0]
    # phrase start 21; position 0 at 30; a quarter is class 3 at 38 + 3; G is one step on the circle: 30 degrees.
    np.testing.assert_allclose(x, expected(_21=1, _30=1, _41=1, _58=0.5, _59=np.sqrt(3) / 2, _60=1), atol=1e-6)
    # Version 2: phrase start 14, position 17, a quarter 25 + 3.
    by_hand = expected(_14=1, _17=1, _28=1, _58=0.5, _59=np.sqrt(3) / 2, _60=1)
    np.testing.assert_allclose(vectors(notes)[0], by_hand, atol=1e-6)


def test_a_later_note_by_hand() -> None:
    chord = np.array([plain_chord(9, "minor").chroma()] * 2, np.float32)
    tune = melody([70, 59], [1.5, 0.25], key=Key(9, -1), chord=chord)
    x = vectors(notes_of(tune, (0.5, -0.25, 0.75)), MELODY.at("1"))[1]
    # B flat 4: pitch class 10, octave 4 is the fourth place (12 + 3); dotted quarter is class 4 (22 + 4).
    # Onset 1.5 of 4 quarters is the fourth eighth (30 + 3); a sixteenth is class 0 (38); A minor: A 1, C and E 0.5.
    # A is three fifths up: 90 degrees.
    by_hand = expected(
        _10=1, _15=1, _26=1, _33=1, _38=1, _55=1, _46=0.5, _50=0.5, _58=1, _60=-1, _61=0.5, _62=-0.25, _63=0.75
    )
    np.testing.assert_allclose(x, by_hand, atol=1e-6)


def test_a_note_of_version_2_by_hand() -> None:
    # 70 59 70 59 60, all dotted quarters but the last two: before the fourth note 70 (and before it, nothing) is heard
    # again with a quarter to come, so nothing matches; before the fifth, 59 with a quarter is new, too.
    tune = melody([70, 59, 70, 59, 71], [1.5, 1.5, 1.5, 1.5, 1.5], key=Key(9, -1))
    x = vectors(notes_of(tune))[3]
    # B flat 4: pitch class 10, octave 4 is 0; log2 1.5 / 3 = .195, dotted; onset 4.5: the second eighth of a bar (17 + 1);
    # a dotted quarter (25 + 4); after 70, 59 came (pitch class 11: 33 + 11), one match; its octave 3 less 4 is -1.
    by_hand = expected(_10=1, _15=np.log2(1.5) / 3, _16=1, _18=1, _29=1, _44=1 / 8, _45=-1, _58=1, _60=-1)
    np.testing.assert_allclose(x, by_hand, atol=1e-6)
    # Before the last: 59 after 70 59 with the same rhythm: two match, and 70 came then.
    last = vectors(notes_of(tune))[4]
    assert last[33 + 10] == 2 / 8 and last[45] == 1 and last[12] == -1 / 4


def test_durations_fall_in_the_nearest_class() -> None:
    assert [int(duration_class(np.array(d))) for d in DURATIONS] == list(range(8))
    # 1/3 is 4/3 of a sixteenth and 2/3 of an eighth; 5/4 is 5/4 of a quarter and 5/6 of a dotted one.
    assert duration_class(np.array([0.125, 1 / 3, 2 / 3, 1.25, 6.0, 16.0])).tolist() == [0, 0, 2, 4, 7, 7]


@pytest.mark.parametrize(
    ("bar", "step", "classes"),
    [
        (4.0, 0.5, [0, 1, 2, 3, 4, 5, 6, 7]),
        (2.0, 0.25, [0, 1, 2, 3, 4, 5, 6, 7]),
        (3.0, 0.5, [0, 1, 2, 4, 5, 6]),
        (4.5, 0.5, [0, 0, 1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_positions_are_eighths_of_the_bar(bar: float, step: float, classes: list[int]) -> None:
    places = np.arange(len(classes)) * step
    assert position_class(places, bar).tolist() == classes


@given(st.lists(st.integers(48, 84), min_size=2, max_size=12), st.integers(-6, 5), st.integers(0, 11))
def test_transposed_vectors_are_those_of_the_transposed_melody(pitches: list[int], shift: int, tonic: int) -> None:
    chord = np.array([plain_chord(tonic, "dom7").chroma()] * len(pitches), np.float32)
    up = np.array([plain_chord(tonic + shift, "dom7").chroma()] * len(pitches), np.float32)
    as_written = tensors(notes_of(melody(pitches, key=Key(tonic, 1), chord=chord), (0.3, -0.7, 0.5)))
    moved = transpose(as_written, torch.full((len(pitches),), shift))
    other = notes_of(melody([p + shift for p in pitches], key=Key((tonic + shift) % 12, 1), chord=up), (0.3, -0.7, 0.5))
    # To the last bit: what training draws on the device is what a caller sends.
    assert tensor_vectors(moved).numpy().tobytes() == vectors(other).tobytes()
    assert np.array_equal(moved.pitch.numpy(), other.pitch)


def test_the_bits_of_a_key_are_those_that_the_models_were_trained_on() -> None:
    fifths = (7 * np.arange(12)) % 12
    assert np.abs(KEYS - np.stack([np.sin(2 * np.pi * fifths / 12), np.cos(2 * np.pi * fifths / 12)], 1)).max() < 4e-7
    assert zlib.crc32(np.ascontiguousarray(KEYS).tobytes()) == 3230958425


def test_every_one_hot_has_its_place() -> None:
    x = vectors(notes_of(melody([24, 119, 60, 61])), MELODY.at("1"))
    for name in ("previous_pitch_class", "previous_octave", "previous_duration"):
        assert x[1:, MELODY.at("1").input(name).index].sum(1).tolist() == [1, 1, 1]
        assert not x[0, MELODY.at("1").input(name).index].any()
    assert x[1:3, MELODY.at("1").input("previous_octave").index].argmax(1).tolist() == [0, 7]


def test_mood_proxies_stay_in_range_and_follow_mode() -> None:
    pitches = [60, 64, 67, 72, 71, 67, 62, 60]
    major, minor = (mood_proxy(melody(pitches, key=Key(0, mode))) for mode in (1, -1))
    assert major[0] > minor[0]
    assert all(-1 <= v <= 1 for v in (*major, *minor))


def test_narrowing_and_drawing() -> None:
    p = np.zeros(128)
    p[[60, 62, 64, 65]] = [0.5, 0.25, 0.15, 0.1]
    np.testing.assert_allclose(narrowed(p, 1.0, 0, 1.0), p, atol=1e-9)
    assert np.flatnonzero(narrowed(p, 1.0, 2, 1.0)).tolist() == [60, 62]
    # The fewest that hold 0.7 are the first two.
    np.testing.assert_allclose(narrowed(p, 1.0, 0, 0.7)[[60, 62, 64]], [2 / 3, 1 / 3, 0], atol=1e-9)
    np.testing.assert_allclose(narrowed(p, 0.5, 2, 1.0)[[60, 62]], [0.8, 0.2], atol=1e-9)
    rng = np.random.default_rng(0)
    drawn = np.bincount([draw(p, rng) for _ in range(4000)], minlength=128) / 4000
    assert np.abs(drawn - p).max() < 0.03
