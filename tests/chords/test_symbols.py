"""What chord symbols mean, that every mark is read or refused, and that a chord's written form is read back as it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmidi_lab.chords.chord import QUALITIES, Chord, ChordError, Key
from kmidi_lab.chords.harte import parse_harte
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.naming import TEMPLATES
from kmidi_lab.chords.roman import parse_roman

# Pitch classes as pychord 1.4.1 gives them for all of its qualities (`pychord.constants.qualities`, and the slash chords of
# its tests), but 7b9b13, where it alone has an 11th.
PYCHORD = {
    "5": "0 7", "no5": "0 4", "omit5": "0 4", "m(no5)": "0 3", "m(omit5)": "0 3", "": "0 4 7", "maj": "0 4 7", "m": "0 3 7",
    "min": "0 3 7", "-": "0 3 7", "dim": "0 3 6", "(b5)": "0 4 6", "aug": "0 4 8", "sus2": "0 2 7", "sus4": "0 5 7",
    "sus": "0 5 7", "6": "0 4 7 9", "6b5": "0 4 6 9", "6-5": "0 4 6 9", "7": "0 4 7 10", "7-5": "0 4 6 10", "7b5": "0 4 6 10",
    "7+5": "0 4 8 10", "7#5": "0 4 8 10", "7sus4": "0 5 7 10", "m6": "0 3 7 9", "m7": "0 3 7 10", "m7-5": "0 3 6 10",
    "m7b5": "0 3 6 10", "m7+5": "0 3 8 10", "m7#5": "0 3 8 10", "dim7": "0 3 6 9", "M7": "0 4 7 11", "maj7": "0 4 7 11",
    "maj7+5": "0 4 8 11", "M7+5": "0 4 8 11", "mmaj7": "0 3 7 11", "mM7": "0 3 7 11", "add4": "0 4 5 7", "majadd4": "0 4 5 7",
    "Madd4": "0 4 5 7", "madd4": "0 3 5 7", "add9": "0 2 4 7", "majadd9": "0 2 4 7", "Madd9": "0 2 4 7", "madd9": "0 2 3 7",
    "sus4add9": "0 2 5 7", "sus4add2": "0 2 5 7", "2": "0 2 4 7", "add11": "0 4 5 7", "4": "0 4 5 7", "m69": "0 2 3 7 9",
    "69": "0 2 4 7 9", "9": "0 2 4 7 10", "m9": "0 2 3 7 10", "M9": "0 2 4 7 11", "maj9": "0 2 4 7 11", "9sus4": "0 2 5 7 10",
    "7-9": "0 1 4 7 10", "7b9": "0 1 4 7 10", "7(b9)": "0 1 4 7 10", "7+9": "0 3 4 7 10", "7#9": "0 3 4 7 10",
    "9-5": "0 2 4 6 10", "9b5": "0 2 4 6 10", "9+5": "0 2 4 8 10", "9#5": "0 2 4 8 10", "7#9b5": "0 3 4 6 10",
    "7#9#5": "0 3 4 8 10", "m7b9b5": "0 1 3 6 10", "7b9b5": "0 1 4 6 10", "7b9#5": "0 1 4 8 10", "7+11": "0 4 6 7 10",
    "7#11": "0 4 6 7 10", "maj7+11": "0 4 6 7 11", "M7#11": "0 4 6 7 11", "7-13": "0 4 7 8 10", "7b13": "0 4 7 8 10",
    "m7add11": "0 3 5 7 10", "maj7add11": "0 4 5 7 11", "mmaj7add11": "0 3 5 7 11", "maj7add13": "0 4 7 9 11",
    "7b9#9": "0 1 3 4 7 10", "7b9#11": "0 1 4 6 7 10", "7#9#11": "0 3 4 6 7 10", "9+11": "0 2 4 6 7 10",
    "9#11": "0 2 4 6 7 10", "11": "0 2 4 5 7 10", "m11": "0 2 3 5 7 10", "13": "0 2 4 5 7 9 10", "13-9": "0 1 4 5 7 9 10",
    "13b9": "0 1 4 5 7 9 10", "13+9": "0 3 4 5 7 9 10", "13#9": "0 3 4 5 7 9 10", "13+11": "0 2 4 6 7 9 10",
    "13#11": "0 2 4 6 7 9 10", "maj13": "0 2 4 5 7 9 11", "M13": "0 2 4 5 7 9 11", "/E": "0 4 7", "m7/Bb": "0 3 7 10",
}  # fmt: skip
# As music21 10.5.1 gives them for its abbreviations (`harmony.CHORD_TYPES`, and the figures of its tests), where they are
# not in pychord's list.
MUSIC21 = {
    "augmented": "0 4 8", "+": "0 4 8", "o": "0 3 6", "dom7": "0 4 7 10", "+maj7": "0 4 8 11", "aug7": "0 4 8 10",
    "+7": "0 4 8 10", "ø7": "0 3 6 10", "o7": "0 3 6 9", "mM9": "0 2 3 7 11", "+9": "0 2 4 8 10", "m#7": "0 3 7 11",
    "ø9": "0 2 3 6 10", "o9": "0 2 3 6 9", "øb9": "0 1 3 6 10", "mM11": "0 2 3 5 7 11", "m13": "0 2 3 5 7 9 10",
    "+M11": "0 2 4 5 8 11", "Maj7": "0 4 7 11", "7omit3": "0 7 10", "susaddb7": "0 5 7 10", "7 b9": "0 1 4 7 10",
    "dim omit5": "0 3", "maj7(b9)": "0 1 4 7 11",
}  # fmt: skip
# What the two don't know; read as in the Real Book, iReal Pro and Brandt & Roemer.
OURS = {
    "+5": "0 4 8", "-5": "0 4 6", "aug5": "0 4 8", "omit3": "0 7", "∆": "0 4 7 11", "△7": "0 4 7 11", "∆9": "0 2 4 7 11",
    "º7": "0 3 6 9", "°": "0 3 6", "Ø7": "0 3 6 10", "Ø": "0 3 6 10", "ma7": "0 4 7 11", "mi7": "0 3 7 10", "MI7": "0 3 7 10",
    "MA7": "0 4 7 11", "7(b9,#11)": "0 1 4 6 7 10", "7 ( b9 / #11 )": "0 1 4 6 7 10", "^7": "0 4 7 11", "^": "0 4 7 11",
    "h7": "0 3 6 10", "h": "0 3 6 10", "-7": "0 3 7 10", "-^7": "0 3 7 11", "-": "0 3 7", "7alt": "0 1 3 4 6 8 10",
    "alt": "0 1 3 4 6 8 10", "6/9": "0 2 4 7 9", "m6/9": "0 2 3 7 9", "7/13": "0 4 7 9 10", "m(maj9)": "0 2 3 7 11",
    "m9(maj7)": "0 2 3 7 11", "madd9": "0 2 3 7", "7susb9": "0 1 5 7 10", "sus24": "0 2 5 7", "7♭9♯11": "0 1 4 6 7 10",
    "m7♭5": "0 3 6 10", "maj⁷": "0 4 7 11", "7susadd3": "0 4 5 7 10", "o^7": "0 3 6 11", "o7M7": "0 3 6 9 11", "/D": "0 2 4 7",
    "m7b5/Gb": "0 3 6 10", "halfdim7": "0 3 6 10", "minor7": "0 3 7 10", "major7": "0 4 7 11", "7no5": "0 4 10",
}  # fmt: skip


@pytest.mark.parametrize(("suffix", "tones"), [*PYCHORD.items(), *MUSIC21.items(), *OURS.items()])
def test_symbols_sound_as_other_libraries_and_books_say(suffix: str, tones: str) -> None:
    chord = parse_jazz("C" + suffix)
    assert (chord.root, sorted(chord.tones)) == (0, [int(t) for t in tones.split()])
    high = parse_jazz("F#" + suffix.partition("/")[0].rstrip("/")) if "/" not in suffix else None
    assert high is None or sorted((t - 6) % 12 for t in high.tones) == sorted(chord.tones)
    assert chord.bass == {"/E": 4, "/D": 2, "m7/Bb": 10, "m7b5/Gb": 6}.get(suffix, 0)


@pytest.mark.parametrize(
    ("symbol", "mark", "place"),
    [
        ("C7?!x", "?", 3), ("C7b17", "b17", 3), ("Cxyz", "xyz", 2), ("C7b9)", ")", 5), ("C7(b9", "(", 3), ("C((b9))", "(", 3),
        ("C()", "(", 2), ("C7,9", ",", 3), ("C79", "79", 2), ("Cmaj7b", "b", 6), ("Csus3", "3", 5), ("C7maj7", "maj7", 3),
        ("C7/", "/", 3), ("Cadd8", "add8", 2), ("C/H", "H", 3), ("Cmalt", "alt", 3), ("C7(b9,)", ")", 7), ("Cm7!", "!", 4),
    ],
)  # fmt: skip
def test_marks_that_are_not_understood_are_named_with_their_place(symbol: str, mark: str, place: int) -> None:
    with pytest.raises(ChordError) as error:
        parse_jazz(symbol)
    assert f"{mark!r} at character {place} " in str(error.value)
    assert repr(symbol) in str(error.value)


@pytest.mark.slow
def test_every_chord_has_a_written_form_that_is_read_back_as_it() -> None:
    for mask in range(2**11):
        tones = {0} | {i + 1 for i in range(11) if mask >> i & 1}
        for quality in QUALITIES:
            for root, below in ((0, 0), (1, 0), (10, 5)):
                bass = (root + below) % 12
                chord = Chord(root, quality, bass, frozenset((root + t) % 12 for t in tones) | {bass})
                assert parse_jazz(str(chord)) == chord, str(chord)


@pytest.mark.parametrize(
    "symbol",
    [
        "C",
        "Cm",
        "Cdim",
        "C+",
        "C7",
        "Cmaj7",
        "Cm7",
        "Cdim7",
        "Cm7b5",
        "Cmaj9",
        "Cm9",
        "C9",
        "C13",
        "Cmaj13",
        "Cm11",
        "Cm13",
        "C7alt",
        "C7b9",
        "C7#9",
        "C7b5",
        "C7#5",
        "C7b9#11",
        "C6",
        "Cm6",
        "C69",
        "Cm69",
        "Csus4",
        "Csus2",
        "C7sus4",
        "C9sus4",
        "C13sus4",
        "Cadd9",
        "Cmadd9",
        "Cm(maj7)",
        "Cm(maj9)",
        "Cmaj7#11",
        "C9#11",
        "C7b13",
        "C5",
        "C(b5)",
        "Cm7add11",
        "C/D",
        "C9/D",
        "C/Bb",
        "Cm9b5",
        "C7sus4b9",
        "Cmaj7#5",
        "C13b9",
        "C13#11",
        "C7#5#9",
        "Cm7#5",
        "Bbmaj9/F",
        "C7no3",
        "Dbm7b5",
    ],
)
def test_the_written_form_is_what_musicians_write(symbol: str) -> None:
    assert str(parse_jazz(symbol)) == symbol


ALPHABET = "ABCDEFG#b♯♭mMajdinsuoøØº°∆^h+-0123456789()/, :%ivIVNx?!l[]*td"
PARSERS: dict[str, Callable[[str], Chord | None]] = {
    "jazz": parse_jazz,
    "harte": parse_harte,
    "functional": lambda t: parse_roman(t, Key(0, 1)),
    "chart": lambda t: parse_roman(t, Key(9, -1), "chart"),
    "classical": lambda t: parse_roman(t, Key(9, -1), "classical"),
}


@given(st.sampled_from(sorted(PARSERS)), st.one_of(st.text(ALPHABET, max_size=10), st.text(max_size=8)), st.booleans())
def test_any_text_is_a_chord_with_a_written_form_or_an_error(parser: str, text: str, rooted: bool) -> None:
    symbol = {"jazz": "C", "harte": "C:"}.get(parser, "V") + text if rooted else text
    with contextlib.suppress(ChordError):
        chord = PARSERS[parser](symbol)
        assert chord is None or (chord.quality in TEMPLATES and parse_jazz(str(chord)) == chord)


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(
    "piece",
    [
        "(",
        "[",
        ")",
        "[no3]",
        "(b9)",
        "b",
        "#",
        "7",
        "9",
        ",",
        "/",
        "V/",
        "/o",
        "%7",
        "maj",
        "C-",
        ":maj(9",
        ",9",
        "*",
        "?",
        "i",
        "I",
    ],
)
def test_a_hundred_thousand_characters_are_read_or_refused_at_once(parser: str, piece: str) -> None:
    head = {"jazz": "C", "harte": "C:maj("}.get(parser, "V")
    began = time.process_time()
    for text in (head + piece * (10**5 // len(piece)), piece * (10**5 // len(piece))):
        with pytest.raises(ChordError) as error:
            PARSERS[parser](text)
        assert len(str(error.value)) < 400
    assert time.process_time() - began < 1
