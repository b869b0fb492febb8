"""What is read of a text's letters: in time that grows with its length alone, whole words, and chords as they are written."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmidi_lab.composition.languages import language_of
from kmidi_lab.composition.said_chords import take_chords
from kmidi_lab.composition.said_feel import not_done
from kmidi_lab.composition.said_form import take_arc, take_form

_PIECES = ("C", "Am", "G7", "C-", "F/A", " ", "-", "|", ",", "→", ">", " - ", ". ", "chords ", "over ", "verse ", "louder ",
           "no ", "in the style of A ", "starts quiet ", "x")  # fmt: skip
_LONGEST_TEXT, _SECONDS = 4000, 3.0


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(_PIECES), min_size=1, max_size=4), st.sampled_from(("", "x", " C x", ", sad")))
def test_the_longest_text_is_read_at_once(pieces: list[str], end: str) -> None:
    """A pattern that can read one text in two ways at each place takes longer than the universe lasts."""
    text = ("".join(pieces) * _LONGEST_TEXT)[: _LONGEST_TEXT - len(end)] + end
    began = time.process_time()
    for read in (take_chords, language_of, not_done, take_form, take_arc):
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
    assert take_chords(text) == (chords, rest)
