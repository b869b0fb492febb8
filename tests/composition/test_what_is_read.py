"""What is read of a text's letters: in time that grows with its length alone, whole words, and chords as they are written."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmidi_lab.composition.form import LONGEST
from kmidi_lab.composition.languages import language_of
from kmidi_lab.composition.said_arc import take_arc, take_joined_arc
from kmidi_lab.composition.said_chords import SaidChords, take_chords
from kmidi_lab.composition.said_feel import not_done, take_feel
from kmidi_lab.composition.said_form import take_form
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.telling import length_line
from kmidi_lab.composition.wishes import Wishes

_PIECES = ("C", "Am", "G7", "C-", "F/A", " ", "-", "|", ",", "→", ">", " - ", ". ", "chords ", "over ", "verse ", "louder ",
           "no ", "in the style of A ", "starts quiet ", "x")  # fmt: skip
_LONGEST_TEXT, _SECONDS = 4000, 3.0


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=4), st.sampled_from(("", "x", " C x", ", sad")))
def test_the_longest_text_is_read_at_once(pieces: list[str], end: str) -> None:
    """A pattern that can read one text in two ways at each place takes longer than the universe lasts."""
    text = ("".join(pieces) * _LONGEST_TEXT)[: _LONGEST_TEXT - len(end)] + end
    began = time.process_time()
    for read in (take_chords, language_of, not_done, take_form, take_arc, take_joined_arc, read_sentence):
        read(text)
    assert time.process_time() - began < _SECONDS


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["C" + " - " * 1300 + "x", "C" + "--C" * 1300 + "x", "chords C" + " | C-" * 700 + "x"])
def test_separators_between_chords_are_read_in_one_way(text: str) -> None:
    began = time.process_time()
    assert take_chords(text)[1]
    assert time.process_time() - began < _SECONDS


@pytest.mark.parametrize(
    ("text", "chords", "rest"),
    [
        ("chords C- F- G-", "C- F- G-", ""),
        ("Am-F-C-G, sad", "Am F C G", "sad"),
        ("Dm->G7->C-7, slow", "Dm G7 C-7", "slow"),
        ("My grades: A+, B, C", "", "My grades: A+, B, C"),
        ("grades A-, B+, C-", "", "grades A-, B+, C-"),
        ("a song with the chords A+, B, C", "A+ B C", "a song with the"),
    ],
)
def test_a_minus_is_minor_or_stands_between_chords(text: str, chords: str, rest: str) -> None:
    assert take_chords(text) == (SaidChords(chords), rest)


@pytest.mark.parametrize(
    ("text", "feel", "others"),
    [
        ("a pop song, straight eighths, with a shuffle", "Straight/Driving", ["with a shuffle"]),
        ("a pop song, swung, then straight eighths, laid back", "Swung", ["straight eighths", "laid back"]),
        ("a swung pop song with a shuffle beat", "Swung", []),
        ("jazz, not swung", "Straight/Driving", []),
    ],
)
def test_the_first_feel_counts_and_another_gets_a_line(text: str, feel: str, others: list[str]) -> None:
    wishes = read_sentence(text)
    assert wishes.feel == feel
    assert list(wishes.missing) == [f"no second feel ({other}): a song has one" for other in others]


@pytest.mark.parametrize("more", range(12))
def test_a_word_that_is_far_before_a_feel_is_not_cut(more: int) -> None:
    """Wherever the last words that are looked at begin: half a `saxophone` is no word of music."""
    players = "piano and saxophone and guitar and accordion and harmonica and trombone and violin and saxophone"
    text = f"a song with {players} and {'slow and ' * (more // 4)}{['', 'sad ', 'calm ', 'tender '][more % 4]}swung eighths"
    assert take_feel(text)[0].name == "Swung"


def test_a_word_that_is_far_behind_a_feel_is_not_cut() -> None:
    for wide in range(70, 90):
        text = f"make it sforzando{' ' * (wide - 9)}with"
        assert not_done(text) == ["no loudness (sforzando): how loud a song is follows its mood and its sections"], wide


@pytest.mark.parametrize(
    ("text", "language", "key"),
    [
        ("jazz in E, 120 bpm", "English", ("E", "")),  # in and e are Italian words, too
        ("swung 6/8 blues in E", "English", ("E", "")),
        ("me and you, in the sea", "English", ("", "")),
        ("eine fröhliche Polka in D-Dur, 120 bpm", "German", ("D", "major")),
        ("pop in D-Dur", "German", ("D", "major")),
        ("un valzer allegro in sol maggiore, 140 bpm", "Italian", ("G", "major")),
        ("a happy song, but not fast and not in 3/4, D-Dur", "English", ("D", "major")),
        ("please no drums, not minor", "English", ("", "major")),
        ("no piano, and please not in a minor key", "English", ("", "major")),
    ],
)
def test_a_key_is_read_in_its_language(text: str, language: str, key: tuple[str, str]) -> None:
    wishes = read_sentence(text)
    assert (wishes.language, wishes.key) == (language, key)


def test_a_song_that_its_form_keeps_short_says_so() -> None:
    wishes = Wishes(seconds=120.0, words={"seconds": "two minutes"})
    lines = [
        length_line(wishes, bars, seconds, {}, None) for bars, seconds in ((48, 101.0), (60, 126.0), (LONGEST, 100.0))
    ]
    assert [line.said for line in lines if line] == [
        "two minutes, as near as its form comes", "two minutes", "two minutes, but no song is longer"
    ]  # fmt: skip
