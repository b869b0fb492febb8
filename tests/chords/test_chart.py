"""What is typed as predict.chords: every notation, repeats, the key, spelling; and what is refused, with its place."""

from __future__ import annotations

import time

import numpy as np
import pytest

from kmidi_lab.chords.chart import read_chart
from kmidi_lab.chords.chord import Key, parse_key
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.key_finding import key_probabilities
from kmidi_lab.chords.spelling import Spelling, parse_spelling
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "key", "names"),
    [
        ("C:maj | A:min", "C", "C | Am"), ("C:maj7/3 F:min(9) N G:7", "C", "Cmaj7/E Fmadd9 N.C. G7"), ("A:hdim7", "C", "Am7b5"),
        ("ii7 V7 I", "C", "Dm7 G7 C"), ("i iv V", "Am", "Am Dm E"), ("i iv V", "A", "Am Dm E"), ("i VI III VII", "Am", "Am F C G"),
        ("V65 I ii6 V42 I6", "C", "G7/B C Dm/F G7/F C/E"), ("N6 V7 i", "Am", "Bb/D E7 Am"), ("vii%7 I", "C", "Bm7b5 C"),
        ("I V7/vi vi V/vii", "C", "C E7 Am F#"), ("I–V–vi–IV", "G", "G D Em C"), ("I bVII IV", "Gb", "Gb Fb Cb"),
        ("Am | % | F | G", "Am", "Am | Am | F | G"), ("C % G", "C", "C C G"), ("Dm7 G7 | x | C", "C", "Dm7 G7 | Dm7 G7 | C"),
        ("C N.C. G7 NC n.c.", "C", "C N.C. G7 N.C. N.C."), ("am dm7 g7 c", "C", "Am Dm7 G7 C"), ("bb7 ebm abmaj7/c", "Ab", "Bb7 Ebm Abmaj7/C"),
        ("C^7 A-7 Dh7 G7alt Co7 C-", "C", "Cmaj7 Am7 Dm7b5 G7alt Cdim7 Cm"), ("C-^7 F^9 Bb7sus B7#9", "C", "Cm(maj7) Fmaj9 Bb7sus4 B7#9"),
        ("CΔ, F♯ø7, B♭7(♭9)", "C", "Cmaj7 F#m7b5 Bb7b9"), ("Cmaj9 Am11 G13b9 Dm7b5", "C", "Cmaj9 Am11 G13b9 Dm7b5"),
        ("F#m7 B7 E", "E", "F#m7 B7 E"), ("Gb Cb Db7", "Gb", "Gb Cb Db7"), ("C7(b9, #11) F", "C", "C7b9#11 F"),
        ("Am-F-C-G", "C", "Am F C G"), ("Dm7 -> G7 - C", "C", "Dm7 G7 C"), ("| C || F |", "C", "C | F"), ("C | | G", "C", "C | C | G"),
        ("C#dim7 A7/C#", "C", "C#dim7 A7/C#"), ("c g am f", "C", "C G Am F"),
        ("A minor | D min 7 | G 7 sus4", "C", "Am | Dm7 | G7sus4"), ("Dm7 G7 b9 C", "C", "Dm7 G7b9 C"), ("c7 b9", "C", "C7 B9"),
        ("C7 (9,13) F# diminished", "C", "C9add13 F#dim"), ("C:m7 F:maj7/A G:-", "C", "Cm7 Fmaj7/A Gm"),
        ("C/7 C/b7 C7/3 Cm7/b3", "C", "C/B C/Bb C7/E Cm7/Eb"), ("I6/4 V4/3 ii6/5 V4/2", "C", "C/G G7/D Dm7/F G7/F"),
        ("I64 V7(b9) I", "C", "C/G G7b9 C"), ("ⅱ Ⅴ⁷ Ⅰ", "C", "Dm G7 C"), ("\ufeffＣ　Ａｍ\u200b", "C", "C Am"), ("Cno5(b5)", "C", "C(b5)"),
        ("C N.c. Nc NC. G", "C", "C N.C. N.C. N.C. G"),
    ],
)  # fmt: skip
def test_every_notation_is_read(text: str, key: str, names: str) -> None:
    assert str(read_chart(text, key)) == names


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("C /// | F", [(0, 1), (1, 1)]), ("C - - G | F -", [(0, 0.75), (0.75, 0.25), (1, 1)]), ("C - F -", [(0, 0.5), (0.5, 0.5)]),
        ("C - F", [(0, 0.5), (0.5, 0.5)]),
    ],
)  # fmt: skip
def test_signs_that_hold_a_chord(text: str, places: list[tuple[float, float]]) -> None:
    assert [(p.start, p.bars) for p in read_chart(text + " |", "C").placed] == places


def test_places_and_holds() -> None:
    chart = read_chart("| C / / G | Am . F . | % |", "C")
    assert [(p.name, p.start, p.bars) for p in chart.placed] == [
        ("C", 0, 0.75), ("G", 0.75, 0.25), ("Am", 1, 0.5), ("F", 1.5, 0.5), ("Am", 2, 0.5), ("F", 2.5, 0.5),
    ]  # fmt: skip
    assert [p.start for p in read_chart("C G", "C").placed] == [None, None]
    assert [p.start for p in read_chart("C G", "C", bar_each=True).placed] == [0, 1]
    # The model knows songs with neighbours of one class joined; no chord is left out and keeps its time.
    events = read_chart("C | C9 | C7/E | N.C. | F", "F").events
    assert [(str(e.chord), e.start, e.bars) for e in events] == [("C", 0, 1), ("C9", 1, 2), ("F", 4, 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("C V7", "mixes chord names ('C') with Roman numerals ('V7')"), ("C Q7", "chord 2: chord symbol 'Q7' has no root"),
        ("C | Dm7 | G7?!x", "bar 3, chord 1: chord symbol 'G7?!x': '?' at character 3"), ("% C", "begins with '%'"),
        ("H7", "chord symbol 'H7' has no root"), ("V7?!x I", "chord 1: chord symbol 'V7?!x': '?' at character 3"),
        ("|: C | G :|", "repeat signs"), ("C:majj", "no shorthand"), ("/ C", "begins with '/'"), ("C | F G17", "bar 2, chord 2"),
        ("A: Dm7 | G7", "':' at character 2 has nothing after it"), ("Hm Fis", "H is B"),
        ("Do Sol Lam", "solfège is not read: Do Re Mi"), ("1 4 5", "as Roman numerals"),
        ("Cm07", "at character 3"), ("C:maj/05", "degree '05'"), ("V65/ I", "'V65/'"), ("iiø65+ I", "'65+' at character 4"), ("I C V64", "mixes"),
        ("V[add09]", "is not understood"), ("|", "predict.chords='|' holds no chord"), (" , || ", "holds no chord"), ("C | %" + " | %" * 20_000, "more than 10000 chords"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_chart(text)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_key_that_is_not_given_is_estimated_and_told() -> None:
    sure = read_chart("Am Dm E7 Am")
    assert (str(sure.spelling), sure.key_from, sure.sure) == ("A minor", "estimated", True)
    assert "estimated: A minor" in sure.key_told
    loop = read_chart("Am F C G")
    assert not loop.sure
    assert {str(s) for s, _ in loop.likely} >= {"C major", "A minor"}
    assert "unsure: " in loop.key_told and "predict.key" in loop.key_told
    record = loop.key_record
    assert (record["key_from"], record["key_sure"]) == ("estimated", False)
    assert record["likely_keys"][0]["probability"] < 0.6
    assert str(read_chart("Dm7 G7").spelling) == "C major"
    assert str(read_chart("F# C#7 F#").spelling) == "F# major"
    assert str(read_chart("Gb Db7 Gb").spelling) == "Gb major"
    for text, key in {"C♭♭": "Bb", "G## A##7": "A", "B# F##7": "C", "Fbm Cb7": "E"}.items():  # keys have a signature
        assert read_chart(text).spelling.tonic == key, text
    for text in ("", "ii7 V7"):
        assumed = read_chart(text)
        assert (str(assumed.spelling), assumed.key_from, assumed.sure) == ("C major", "assumed", False)
    assert read_chart("Am", "Em").key_told == "E minor"
    with pytest.raises(ConfigError, match=r"predict\.key"):
        read_chart("C", "Q")


def test_keys_of_excerpts() -> None:
    songs = {
        "F#m7 B7 E": (4, 1), "Em C G D": (7, 1), "Cm7 F7 Bbmaj7": (10, 1), "Bm7b5 E7 Am": (9, -1), "E A B7 E": (4, 1),
        "C7 F7 C7 G7 F7 C7": (0, 1), "Am G F E": (9, -1),
    }  # fmt: skip
    for text, (tonic, mode) in songs.items():
        chords = [parse_jazz(s) for s in text.split()]
        ranked = key_probabilities(chords, [1.0] * len(chords))
        assert ranked[0][0] == Key(tonic, mode), text
        assert sum(p for _, p in ranked) == pytest.approx(1)
        shifted = key_probabilities([c.transposed(5) for c in chords], [2.0] * len(chords))
        assert shifted[0][0] == ranked[0][0].transposed(5)
        assert np.allclose([p for _, p in shifted], [p for _, p in ranked])


@pytest.mark.parametrize(
    ("key", "symbols", "spelled"),
    [
        ("E", "Gbm7 Dbm Abdim7 C", "F#m7 C#m G#dim7 C"), ("Gb", "B Ebm Db7/F", "Cb Ebm Db7/F"),
        ("Am", "Abdim7 E7/Ab Bb Ebdim7", "G#dim7 E7/G# Bb D#dim7"), ("C", "Dbdim7 A7/Db Gb7 Gbm7b5 Abdim7 D/Gb", "C#dim7 A7/C# Gb7 F#m7b5 G#dim7 D/F#"),
        ("F#", "B Bbm Db7", "B A#m C#7"), ("Ebm", "B Abm Bb7", "Cb Abm Bb7"), ("F#m", "Fdim7 Abm7b5", "E#dim7 G#m7b5"),
    ],
)  # fmt: skip
def test_chords_are_spelled_by_the_key(key: str, symbols: str, spelled: str) -> None:
    spelling = parse_spelling(key)
    assert " ".join(spelling.chord(parse_jazz(s)) for s in symbols.split()) == spelled


def test_notes_are_spelled_by_the_key_and_the_chord() -> None:
    minor = parse_spelling("a minor")
    assert [minor.note(p) for p in range(12)] == ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "Bb", "B"]
    major = parse_spelling("C")
    assert [major.note(p) for p in range(12)] == ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]
    assert major.note(1, parse_jazz("A7"), "A") == "C#"
    assert major.note(8, parse_jazz("E7")) == "G#"
    assert major.note(4, parse_jazz("Gb7"), "Gb") == "E"  # a note of the key keeps its name
    assert [parse_spelling("Gb").note(p) for p in (11, 6, 4)] == ["Cb", "Gb", "E"]
    assert str(Spelling.of(parse_key("c#"))) == "C# minor"


@pytest.mark.parametrize(
    "piece", ["(", "[", "|", "%", "C-", "I-", "-", "V/", "C ", "a", "%|", "b", "/", "N ", "()", "C(b9) ", "ii7 | "]
)
def test_a_hundred_thousand_characters_take_no_time(piece: str) -> None:
    began = time.process_time()
    for text in (piece * (10**5 // len(piece)), "C " + piece * (10**5 // len(piece))):
        try:
            read_chart(text)
        except ConfigError as error:
            assert len(str(error)) < 500
    assert time.process_time() - began < 8


@pytest.mark.parametrize("mode", ["dorian", "Phrygian", "mixolydian", "lydian", "locrian"])
def test_a_key_in_another_mode_is_refused_and_the_nearest_is_named(mode: str) -> None:
    nearest = "major" if mode in ("mixolydian", "lydian") else "minor"
    told = f"is in {mode.lower()}; keys are major or minor: write C {nearest}, the nearest to it, or another"
    with pytest.raises(ConfigError, match=f"predict.key: key 'C {mode}' {told}"):
        read_chart("Dm7 G7", f"C {mode}")
    with pytest.raises(ConfigError, match=f"compose.key: key 'C {mode}' {told}"):
        SongRequest("happy", key=f"C {mode}")
    assert str(read_chart("Dm7 G7", "A aeolian").spelling) == "A minor"


def test_a_mode_that_a_sentence_names_is_told_and_its_chords_are_read() -> None:
    chart = SongRequest("a song in C dorian with the chords Cm F Gm").chart
    assert chart is not None and str(chart.spelling) == "C minor"
