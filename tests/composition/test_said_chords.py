"""Chords of a sentence that are none are told, the others are played, and words that begin with a capital are no chords."""

from __future__ import annotations

import time

import pytest

from kmidi_lab.composition.said_chords import take_chords
from kmidi_lab.composition.sentence import read_sentence


@pytest.mark.parametrize(
    ("text", "chords", "odd"),
    [
        ("a sad song over Am Dm Q7", "Am Dm", ("Q7",)),
        ("a sad song over Am Dm Q7 that swings", "Am Dm", ("Q7",)),
        ("with the chords Am Dm Q7 G", "Am Dm G", ("Q7",)),
        ("chords Am F C99 G", "Am F G", ("C99",)),
        ("Am, F, H7 and G", "Am F G", ("H7",)),
        ("chords: Cmj7 Dm7 G7", "Dm7 G7", ("Cmj7",)),
        ("over Am / F / Xm / G", "Am F G", ("Xm",)),
        ("chords C | Q7 Q7 | Am H | G", "C | Am | G", ("Q7", "H")),
        ("the chords Q7 X9", "", ("Q7", "X9")),
        ("a song in A minor with Am F C G", "Am F C G", ()),
        ("a song over Am F C and G that grows louder", "Am F C G", ()),
    ],
)
def test_a_chord_that_is_none_is_told_and_the_others_are_played(text: str, chords: str, odd: tuple[str, ...]) -> None:
    said, _ = take_chords(text)
    assert said == (chords, odd, ())
    wishes = read_sentence(text)
    told = [line for line in wishes.missing if line.startswith("the chord ")]
    assert told == [
        f"the chord {name} is not understood and left out: chords are such as Am, F#m7, Bb/D" for name in odd
    ]


@pytest.mark.parametrize(
    "text",
    [
        "A Big Am Go", "Go Big or go home", "Am I lost? A friend told me", "chords of steel", "to B or not to B", "over A Big Hill",
        "Chords I hear at night", "I love the chords In my head", "I got A B C on my test", "with MI5 and MI6 over London",
        "on the M25 A1 and M6", "R2D2 and C3PO", "He lives in flat B2", "with U2 on the radio",
    ],
)  # fmt: skip
def test_words_with_capitals_are_no_chords(text: str) -> None:
    assert take_chords(text)[0] == ("", (), ())


@pytest.mark.parametrize(
    ("text", "chords"),
    [
        ("chords Am Dm E7 A minor walk", "Am Dm E7"), ("over Am F C G. A minor walk", "Am F C G"), ("over Dm G7 A that is sad", "Dm G7 A"),
        ("a song with the chords E B A played by a piano", "E B A"), ("chords D G A by piano", "D G A"),
        ("chords: E A B A repeated", "E A B A"), ("over Am F C A sad song", "Am F C A"), ("chords D G A minor", "D G Am"),
        ("chords C minor, F minor and A major", "Cm Fm A"), ("chords D G A minor that swings", "D G Am"), ("chords | C F | A minor |", "| C F | Am |"),
    ],
)  # fmt: skip
def test_an_a_in_a_list_of_chords_is_one_and_no_article(text: str, chords: str) -> None:
    assert take_chords(text)[0] == (chords, (), ())


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ein Lied mit den Akkorden Am F C G", "German"), ("ein Lied über die Akkorde: Am, F, C und G", "German"),
        ("una canción con los acordes Am F C G", "Spanish"), ("una canción con los acordes Am, F, C y G", "Spanish"),
        ("une chanson avec les accords Am F C G", "French"), ("une chanson sur les accords Am F C et G", "French"),
        ("una canzone con gli accordi Am F C G", "Italian"), ("una canzone con gli accordi Am F C e G", "Italian"),
        ("uma canção com os acordes Am F C G", "Portuguese"), ("een liedje met de akkoorden Am F C en G", "Dutch"),
        ("ein trauriges Lied mit Am F C G", "German"), ("une chanson triste sur Am F C G", "French"),
    ],
)  # fmt: skip
def test_chords_are_read_in_other_languages(text: str, language: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.language, wishes.chords, wishes.missing) == (language, "Am F C G", ())


def test_a_wrong_chord_is_told_in_other_languages() -> None:
    wishes = read_sentence("ein Lied mit den Akkorden Am F Q7 G")
    assert wishes.chords == "Am F G" and [line[:12] for line in wishes.missing] == ["the chord Q7"]
    assert read_sentence("ein Lied, das ohne Akkorde beginnt").chords == ""
    assert read_sentence("les accords de Paris et la mer").chords == ""


def test_chords_that_are_not_the_first_are_told() -> None:
    missing = read_sentence("chords Am F G and then over C G Am").missing
    assert missing == ("no second chords (C G Am): name the section that plays them, as in chorus: F G C",)


@pytest.mark.parametrize(
    ("text", "chords"),
    [
        ("verse Am F C G, chorus F G Am", "verse: Am F C G; chorus: F G Am"),
        ("a sad song, verse: Am F C G, chorus: F G Am", "verse: Am F C G; chorus: F G Am"),
        ("Am F C G in the verse, F G Am in the chorus", "verse: Am F C G; chorus: F G Am"),
        ("chords Am F in the verse and chords C G in the chorus", "verse: Am F; chorus: C G"),
        ("a song with Am F C G in the verse and F G C in the chorus", "verse: Am F C G; chorus: F G C"),
        ("the verse goes Am F C G and the chorus goes F G C", "verse: Am F C G; chorus: F G C"),
        ("a song with the chords Am F C G, chorus F G Am", "Am F C G; chorus: F G Am"),
        ("a song with F G Am in the chorus", "chorus: F G Am"),
        ("verse and chorus Am F C G, bridge Dm G C", "verse: Am F C G; chorus: Am F C G; bridge: Dm G C"),
        ("verse | Am | F G |, chorus | C | G |", "verse: | Am | F G |; chorus: | C | G |"),
        ("Strophe Am F C G, Refrain F G Am", "verse: Am F C G; chorus: F G Am"),
        ("verse i VI III VII, chorus iv v i", "verse: i VI III VII; chorus: iv v i"),
    ],
)  # fmt: skip
def test_each_section_has_its_row(text: str, chords: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.chords, wishes.missing) == (chords, ())


@pytest.mark.parametrize(
    "text",
    [
        "a song over Am Dm " * 2000, "over A B C, " * 2000, "chords Am F, " * 2000, "A minor " * 2000,
        "chords " + " ".join(f"{root}m{n}" for root in "ABCDEFG" for n in range(100)), "over " + "| Am " * 2000, "Am-" * 4000,
    ],
)  # fmt: skip
def test_chords_of_a_long_text_are_read_in_a_moment(text: str) -> None:
    began = time.process_time()
    take_chords(text)
    assert time.process_time() - began < 1


def test_a_long_row_that_ends_in_no_chord_is_read_at_once() -> None:
    """What is a chord and looks like none, too, as `F#` does, must not be tried in both ways: that would double the time each."""
    began = time.process_time()
    read_sentence("F# B " * 300 + "und x")
    assert time.process_time() - began < 3
