"""The three chord parsers against hand-written cases and independent libraries."""

from __future__ import annotations

import contextlib

import mir_eval.chord
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmidi_lab.chords.chord import (
    QUALITIES,
    Chord,
    ChordError,
    Key,
    parse_key,
    parse_mode,
    parse_pitch_class,
    plain_chord,
    reduce_quality,
)
from kmidi_lab.chords.harte import parse_harte
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.roman import parse_roman


def intervals(chord: Chord) -> list[int]:
    return sorted((t - chord.root) % 12 for t in chord.tones)


@pytest.mark.parametrize(
    ("symbol", "root", "quality", "tones"),
    [
        ("C", 0, "major", [0, 4, 7]),
        ("Dm7b5", 2, "dim7", [0, 3, 6, 10]),
        ("Gbmaj7", 6, "maj7", [0, 4, 7, 11]),
        ("C7alt", 0, "dom7", [0, 1, 3, 4, 6, 8, 10]),
        ("F#m/maj7", 6, "minor", [0, 3, 7, 11]),
        ("Eb69", 3, "major", [0, 2, 4, 7, 9]),
        ("C6/9", 0, "major", [0, 2, 4, 7, 9]),
        ("B07", 11, "dim7", [0, 3, 6, 9]),
        ("Bdim7", 11, "dim7", [0, 3, 6, 9]),
        ("Bdim", 11, "dim", [0, 3, 6]),
        ("Caug", 0, "aug", [0, 4, 8]),
        ("C+7", 0, "dom7", [0, 4, 8, 10]),
        ("Ab7sus", 8, "dom7", [0, 5, 7, 10]),
        ("Gsus2", 7, "major", [0, 2, 7]),
        ("Gadd9", 7, "major", [0, 2, 4, 7]),
        ("A5", 9, "major", [0, 7]),
        ("C13b9", 0, "dom7", [0, 1, 4, 5, 7, 9, 10]),
        ("CΔ", 0, "maj7", [0, 4, 7, 11]),
        ("C-7", 0, "min7", [0, 3, 7, 10]),
        ("Cø", 0, "dim7", [0, 3, 6, 10]),
        ("Bb7#11", 10, "dom7", [0, 4, 6, 7, 10]),
        ("Em9", 4, "min7", [0, 2, 3, 7, 10]),
    ],
)
def test_jazz_symbols(symbol: str, root: int, quality: str, tones: list[int]) -> None:
    chord = parse_jazz(symbol)
    assert (chord.root, chord.quality, intervals(chord)) == (root, quality, tones)


def test_slash_bass_sounds_and_is_the_bass() -> None:
    chord = parse_jazz("C7/Bb")
    assert (chord.bass, chord.root) == (10, 0)
    assert parse_jazz("C/D").tones == frozenset({0, 2, 4, 7})


@pytest.mark.parametrize("symbol", ["", "H7", "Cxyz", "7", "C7b17", "Cmaj7/H", "Dm7 G7"])
def test_unreadable_symbols_name_themselves(symbol: str) -> None:
    with pytest.raises(ChordError, match="chord symbol"):
        parse_jazz(symbol)


@given(st.text(max_size=12))
def test_parsers_only_ever_raise_chord_errors(text: str) -> None:
    for parse in (parse_jazz, parse_harte, parse_key, parse_pitch_class, lambda t: parse_roman(t, Key(0, 1))):
        with contextlib.suppress(ChordError):
            parse(text)
    with contextlib.suppress(ChordError):
        parse_roman(text, Key(9, -1), "classical")


HARTE = [
    f"{root}:{kind}{bass}"
    for root in ("C", "F#", "Bb", "Ebb")
    for kind in ("maj", "min", "dim", "aug", "maj7", "min7", "7", "dim7", "hdim7", "minmaj7", "maj6", "min6", "sus2", "sus4", "sus4(b7)", "7(*5)")
    for bass in ("", "/3", "/5", "/b7")
]  # fmt: skip


@pytest.mark.parametrize("symbol", HARTE)
def test_harte_agrees_with_mir_eval(symbol: str) -> None:
    root, bitmap, bass = mir_eval.chord.encode(symbol, strict_bass_intervals=False)
    chord = parse_harte(symbol)
    assert chord is not None
    sounding = {(root + i) % 12 for i in np.flatnonzero(bitmap)} | {(root + bass) % 12}
    assert (chord.root, chord.bass, set(chord.tones)) == (root, (root + bass) % 12, sounding)


def test_harte_ninths_sound() -> None:
    # mir_eval leaves extensions out of its bitmap, so these stand by hand.
    assert intervals(parse_harte("C:9")) == [0, 2, 4, 7, 10]
    assert intervals(parse_harte("C:maj(9)")) == [0, 2, 4, 7]
    assert intervals(parse_harte("C:min9")) == [0, 2, 3, 7, 10]


@pytest.mark.parametrize("symbol", ["C:maj(*b6)", "Bb:dim7(*6)", "F#:min(*3)", "C:(*b7)", "C:5(*3)", "C:7(*5,*5)"])
def test_a_degree_that_is_left_out_and_not_there_is_an_error(symbol: str) -> None:
    with pytest.raises(ChordError, match="leaves out a degree that is not in the chord"):
        parse_harte(symbol)


def test_harte_no_chord() -> None:
    assert parse_harte("N") is None
    assert parse_harte("X") is None


@pytest.mark.parametrize(
    ("numeral", "name"),
    [
        ("I", "C"), ("V7/ii", "A7"), ("bVII", "Bb"), ("iiø7", "Dm7b5"), ("viio7", "Bdim7"), ("I/3", "C/E"),
        ("Vsus4", "Gsus4"), ("IVmaj7", "Fmaj7"), ("ii7", "Dm7"), ("i(maj7)", "Cm(maj7)"), ("V7/7", "G7/B"), ("bVI+", "Ab+"),
        ("#ivo7", "Gbdim7"), ("Iadd6", "C6"), ("V13", "G13"), ("viio7/V", "Gbdim7"),
    ],
)  # fmt: skip
def test_functional_numerals(numeral: str, name: str) -> None:
    assert str(parse_roman(numeral, Key(0, 1))) == name


@pytest.mark.parametrize(
    ("numeral", "key", "name"),
    [
        ("V65/V", "a", "B7/Eb"), ("viio7", "a", "Abdim7"), ("VI", "a", "F"), ("VII", "a", "G"), ("III", "a", "C"),
        ("vi", "C", "Am"), ("viio6", "a", "Abdim/B"), ("N6", "a", "Bb/D"), ("Ger65", "a", "F7"),
        ("iiø65", "a", "Bm7b5/D"), ("Cad64", "a", "Am/E"), ("V42", "a", "E7/D"), ("I7", "C", "Cmaj7"),
        ("IV7", "C", "Fmaj7"), ("ii7", "C", "Dm7"), ("V6/5/vi", "C", "E7/Ab"), ("bVI", "a", "F"), ("I6", "C", "C/E"),
    ],
)  # fmt: skip
def test_classical_numerals(numeral: str, key: str, name: str) -> None:
    assert str(parse_roman(numeral, parse_key(key), "classical")) == name


@pytest.mark.slow
def test_classical_numerals_agree_with_music21() -> None:
    from music21 import key, roman

    wrong = []
    numerals = [
        "I",
        "ii",
        "iii",
        "IV",
        "V",
        "vi",
        "viio",
        "V7",
        "ii65",
        "V43",
        "V42",
        "I6",
        "I64",
        "viio7",
        "IV6",
        "V7/V",
        "V65/ii",
        "iiø7",
    ]
    minor = [
        "i",
        "iio",
        "III",
        "iv",
        "V",
        "VI",
        "VII",
        "viio",
        "V7",
        "iiø65",
        "V43",
        "V42",
        "i6",
        "i64",
        "viio7",
        "V7/iv",
        "V65/V",
    ]
    for tonic, mode, list_ in (("C", 1, numerals), ("E-", 1, numerals), ("a", -1, minor), ("f#", -1, minor)):
        for numeral in list_:
            theirs = roman.RomanNumeral(numeral, key.Key(tonic))
            ours = parse_roman(numeral, parse_key(tonic.replace("-", "b")), "classical")
            same = (theirs.root().pitchClass, theirs.bass().pitchClass, {p.pitchClass for p in theirs.pitches})
            if same != (ours.root, ours.bass, set(ours.tones)):
                wrong.append((tonic, mode, numeral, same, ours))
    assert not wrong


def test_keys_and_modes() -> None:
    assert parse_key("Gb:maj") == Key(6, 1)
    assert parse_key("F#min") == Key(6, -1)
    assert parse_key("a") == Key(9, -1)
    assert parse_key("C") == Key(0, 1)
    assert parse_key("Bb major") == Key(10, 1)
    assert parse_mode("dorian") == -1
    assert parse_mode("lydian") == 1
    with pytest.raises(ChordError, match="mode"):
        parse_mode("hyperphrygian")


@given(st.integers(0, 11), st.sampled_from(QUALITIES), st.integers(0, 11))
def test_transposition_is_a_group_action_and_keeps_the_quality(root: int, quality: str, by: int) -> None:
    chord = plain_chord(root, quality)
    assert chord.transposed(by).transposed(12 - by) == chord
    assert np.allclose(np.roll(chord.chroma(), by), chord.transposed(by).chroma())
    assert chord.reduced() == chord


def test_reduction_covers_the_contract() -> None:
    assert reduce_quality(None, 7, None) == "major"
    assert reduce_quality(3, 6, 10) == "dim7"
    assert reduce_quality(3, 7, 11) == "minor"
    assert reduce_quality(4, 8, 11) == "maj7"
