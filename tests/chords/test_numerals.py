"""Roman numerals mark by mark; pitch classes of figured ones as music21 10.5.1 gives them (`roman.RomanNumeral`)."""

from __future__ import annotations

import pytest

from kmidi_lab.chords.chord import Chord, ChordError, parse_key
from kmidi_lab.chords.roman import parse_roman


def heard(chord: Chord) -> tuple[int, list[int]]:
    return chord.bass, sorted(chord.tones)


# (numeral, key, bass, pitch classes), from music21.
FIGURED = [
    ("It6", "C", 8, "0 6 8"), ("It53", "C", 6, "0 6 8"), ("It64", "C", 0, "0 6 8"), ("Ger65", "C", 8, "0 3 6 8"),
    ("Ger7", "C", 6, "0 3 6 8"), ("Ger43", "C", 0, "0 3 6 8"), ("Ger42", "C", 3, "0 3 6 8"), ("Fr43", "C", 8, "0 2 6 8"),
    ("Fr7", "C", 2, "0 2 6 8"), ("Fr65", "C", 6, "0 2 6 8"), ("Fr42", "C", 0, "0 2 6 8"), ("Sw43", "C", 8, "0 3 6 8"),
    ("Ger65/V", "C", 3, "1 3 7 10"), ("It6", "a", 5, "3 5 9"), ("N6", "C", 5, "1 5 8"), ("N53", "C", 1, "1 5 8"),
    ("Cad64", "a", 4, "0 4 9"), ("IVd7", "C", 5, "0 3 5 9"), ("IVd65", "C", 9, "0 3 5 9"), ("V9", "C", 7, "2 5 7 9 11"),
    ("V9", "a", 4, "2 4 5 8 11"), ("V7[no5]", "C", 7, "5 7 11"), ("V7[no3]", "C", 7, "2 5 7"), ("I[add9]", "C", 0, "0 2 4 7"),
    ("V[add4]", "C", 7, "0 2 7 11"), ("V[#5]", "C", 7, "3 7 11"), ("V7[b5]", "C", 7, "1 5 7 11"), ("III+6", "a", 4, "0 4 8"),
    ("vii/o7", "C", 11, "2 5 9 11"), ("viio43", "a", 2, "2 5 8 11"), ("IV11", "C", 5, "0 4 5 7 9 11"), ("IV54", "C", 5, "0 5 11"),
    ("ii#7/ii", "C", 4, "3 4 7 11"), ("II+#7", "C", 2, "1 2 6 10"), ("III#7/V", "C", 11, "3 6 10 11"),
    ("V/V", "C", 2, "2 6 9"), ("V65/ii", "C", 1, "1 4 7 9"), ("ii[no1]", "C", 2, "2 5 9"), ("V13", "C", 7, "0 2 4 5 7 9 11"),
]  # fmt: skip


@pytest.mark.parametrize(("numeral", "key", "bass", "tones"), FIGURED)
def test_figures_sound_as_in_music21(numeral: str, key: str, bass: int, tones: str) -> None:
    # One difference is meant: a chord keeps the root that names it, though `[no1]` takes it out.
    assert heard(parse_roman(numeral, parse_key(key), "classical")) == (bass, [int(t) for t in tones.split()])


@pytest.mark.parametrize(
    ("numeral", "key", "name"),
    [
        ("vii%7", "C", "Bm7b5"), ("viiø7", "C", "Bm7b5"), ("vii°7", "C", "Bdim7"), ("viiº", "C", "Bdim"), ("IVd7", "C", ""),
        ("iim7b5", "C", "Dm7b5"), ("Im9", "C", "Cm9"), ("imaj7", "C", "Cm(maj7)"), ("i∆", "C", "Cm(maj7)"), ("I5", "C", "C5"),
        ("#IVdim", "C", "Gbdim"), ("idim", "C", "Cdim"), ("V7(b9,#11)", "C", "G7b9#11"), ("I6/9", "C", "C69"),
        ("V7alt", "C", "G7alt"), ("Vsus4/V", "C", "Dsus4"), ("i/b3", "C", "Cm/Eb"), ("VI", "Am", "Gb"),
    ],
)  # fmt: skip
def test_numerals_of_jazz_and_pop(numeral: str, key: str, name: str) -> None:
    if not name:
        with pytest.raises(ChordError, match="'d7' at character 3"):
            parse_roman(numeral, parse_key(key))
        return
    assert str(parse_roman(numeral, parse_key(key))) == name


def test_in_a_chart_minor_has_its_natural_degrees() -> None:
    names = [str(parse_roman(n, parse_key("Am"), "chart")) for n in ["i", "VI", "III", "VII", "bVI", "#VI", "V7", "vi"]]
    assert names == ["Am", "F", "C", "G", "F", "Gb", "E7", "Gbm"]


@pytest.mark.parametrize(
    ("numeral", "mark"),
    [
        ("V7?!x", "?!x"), ("VIII", "I"), ("viiio43", "io43"), ("V[", "character 2"), ("V[x]", "x"), ("V[no2]", "no2"),
        ("V8", "8"), ("Vd", "d"), ("V7x", "x"), ("foo", "foo"), ("I6/4/V[no6]", "no6"), ("Ger9", "Ger9"), ("iiod7", "d"), ("II+d7", "d"), ("iiød65", "d"),
    ],
)  # fmt: skip
def test_figures_that_are_not_understood_are_named(numeral: str, mark: str) -> None:
    with pytest.raises(ChordError) as error:
        parse_roman(numeral, parse_key("C"), "classical")
    assert mark in str(error.value).replace(repr(numeral), "", 1)
