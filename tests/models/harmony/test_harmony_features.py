"""Harmony contract vectors, against hand-computed cases and properties."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmidi_lab.chords.chord import QUALITIES, Chord, Event, Key, Song, merge_repeats, plain_chord
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.contracts import HARMONY
from kmidi_lab.emotion_embedding import ANCHORS, encode_emotion, read_emotion
from kmidi_lab.models.harmony.encoding import encode_songs
from kmidi_lab.models.harmony.features import context_vector, joint_class, transposition_table
from kmidi_lab.models.harmony.memory import ChordMemory
from kmidi_lab.models.harmony.memory import memory_of as memory_for
from kmidi_lab.models.harmony.voice_leading import voice_leading

chords = st.builds(plain_chord, st.integers(0, 11), st.sampled_from(QUALITIES))


def memory_of(text: str) -> ChordMemory:
    memory = ChordMemory()
    for bar, symbol in enumerate(text.split()):
        memory.append(parse_jazz(symbol), float(bar))
    return memory


def test_vector_by_hand() -> None:
    x = context_vector(memory_of("Dm7 G7 C"), Key(0, 1), (0.8, 0.6), 3.0, 2.0)
    previous = x[64:100].reshape(3, 12)
    assert np.flatnonzero(previous[0]).tolist() == [0, 2, 5, 9]
    assert previous[0][2] == 1.0
    assert previous[0][5] == 0.5
    assert previous[2].tolist() == [1.0, 0, 0, 0, 0.5, 0, 0, 0.5, 0, 0, 0, 0]
    assert not x[100:112].any()
    assert np.flatnonzero(x[112:124]).tolist() == [0]
    assert x[124] == 1.0
    assert x[125:127] == pytest.approx([np.sin(2 * np.pi * 3 / 8), np.cos(2 * np.pi * 3 / 8)], abs=1e-6)
    assert x[127] == 0.5
    assert read_emotion(x[:64])["valence"] == pytest.approx(0.8, abs=1e-6)


def test_unknown_stays_zero() -> None:
    x = context_vector(ChordMemory(), Key(9, -1))
    assert np.flatnonzero(x).tolist() == [112 + 9, 124]


few_chords = st.builds(plain_chord, st.integers(0, 3), st.sampled_from(("major", "minor")))


@given(st.lists(few_chords, min_size=1, max_size=60), st.sampled_from(("1", "2")))
def test_recall_follows_the_longest_match(sequence: list[Chord], version: str) -> None:
    """Version 1: the chord that followed last, after up to four. Version 2: most often, after up to eight; the latest of equals."""
    memory = memory_for(HARMONY.at(version))
    for chord in sequence:
        memory.append(chord)
    labels = [c.label for c in sequence]
    expected = None
    for order in range(min(4 if version == "1" else 8, len(labels)), 0, -1):
        ends = [i for i in range(order, len(labels)) if labels[i - order : i] == labels[-order:]]
        if ends:
            followers = [labels[i] for i in ends]
            best = max(ends, key=lambda i: (followers.count(labels[i]), i))
            expected = labels[ends[-1]] if version == "1" else labels[best]
            break
    recalled, _ = memory.recall()
    assert (recalled.label if recalled else None) == expected


def test_the_chord_that_followed_more_often_is_recalled_not_the_last() -> None:
    sequence = [parse_jazz(s) for s in ["C", "F", "C", "F", "C", "G", "C"]]
    recalled = {}
    for version in ("1", "2"):
        memory = memory_for(HARMONY.at(version))
        for chord in sequence:
            memory.append(chord)
        recalled[version] = str(memory.recall()[0])
    assert recalled == {"1": "G", "2": "F"}


def test_a_phrase_begins_where_a_passage_returns() -> None:
    assert memory_of("C F G").phrase_start(3.0) == 0.0
    assert memory_of("C F G Am Dm E7 F Bb C").phrase_start(9.0) == 8.0
    returning = memory_of("C F G Am D7 C F G")
    assert returning.phrase_start(8.0) == 5.0


@given(st.lists(chords, min_size=2, max_size=12), st.integers(0, 11), st.sampled_from([1, -1]), st.integers(0, 11))
def test_transposing_the_vector_is_transposing_the_song(sequence: list[Chord], tonic: int, mode: int, by: int) -> None:
    def song(shift: int) -> Song:
        key = Key(tonic, mode).transposed(shift)
        events = merge_repeats(Event(c.transposed(shift), key, float(i), 1.0) for i, c in enumerate(sequence))
        return Song("s", "test", "s", events)

    here, there = encode_songs([song(0)]), encode_songs([song(by)])
    assert np.array_equal(here.x[:, transposition_table()[by]], there.x)
    assert np.array_equal((here.root + by) % 12, there.root)
    assert np.array_equal(here.joint, there.joint)
    assert np.array_equal(here.voices, there.voices)


def test_repeats_merge_by_class_and_add_up() -> None:
    key = Key(0, 1)
    events = [Event(parse_jazz(s), key, float(i), 1.0) for i, s in enumerate(["C7", "C9", "C7/E", "F"])]
    merged = merge_repeats(events)
    assert [(str(e.chord), e.bars, e.start) for e in merged] == [("C7", 3.0, 0.0), ("F", 1.0, 3.0)]


def test_joint_class_is_key_relative() -> None:
    assert joint_class(parse_jazz("G7"), Key(0, 1)) == 7 * 8 + 4
    assert joint_class(parse_jazz("A7"), Key(2, 1)) == 7 * 8 + 4


@given(chords, chords)
def test_voice_leading_is_the_smallest_over_all_assignments(a: Chord, b: Chord) -> None:
    def upper(c: Chord) -> list[int]:
        offsets = sorted((t - c.root) % 12 for t in c.tones)
        return [(c.root + o) % 12 for o in (offsets[1:] if len(offsets) == 4 else offsets)]

    def size(x: int, y: int) -> int:
        return min((y - x) % 12, (x - y) % 12)

    best = min(sum(size(x, y) for x, y in zip(upper(a), p, strict=True)) for p in itertools.permutations(upper(b)))
    s, alto, t, bass = voice_leading(a, b)
    assert abs(s) + abs(alto) + abs(t) == best
    assert (a.bass + bass) % 12 == b.bass
    assert -5 <= bass <= 6


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1), st.floats(0, 1))
def test_emotion_round_trip(valence: float, arousal: float, dominance: float, complexity: float) -> None:
    read = read_emotion(encode_emotion(valence, arousal, dominance, complexity))
    clip = lambda s: max(-0.99, min(0.99, s))
    assert read["valence"] == pytest.approx(clip(valence), abs=1e-5)
    assert read["arousal"] == pytest.approx(clip(arousal), abs=1e-5)
    assert read["dominance"] == pytest.approx(clip(dominance), abs=1e-5)
    assert read["complexity"] == pytest.approx(complexity, abs=1e-6)


def test_anchors_are_those_of_the_contract() -> None:
    assert ANCHORS["sad"] == (-0.6, -0.4)
    assert set(ANCHORS) == {"happy", "sad", "angry", "fear", "surprise", "disgust", "neutral", "calm"}


def test_contract_slices() -> None:
    assert HARMONY.input("recalled_chord").index == slice(100, 112)
    assert HARMONY.output("voice_leading").index == slice(32, 36)
    assert HARMONY.output("chord_embedding").index == slice(36, 64)
