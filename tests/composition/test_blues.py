"""A blues has rounds of its own with dominant sevenths, a form of whole rounds, a tune with blue notes, and an end on its tonic."""

from __future__ import annotations

import numpy as np
import pytest

from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.spelling import parse_spelling
from kmidi_lab.composition.bar_chords import names_in
from kmidi_lab.composition.blues import blues_form, blues_round, last_chord, played, rounds_known, with_blue_notes
from kmidi_lab.composition.metres import COMMON
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.tunes import Singer, section_tune


def degrees(bars: tuple[str, ...], tonic: int) -> list[list[tuple[int, str]]]:
    chords = [[parse_jazz(name) for name in names_in(bar)] for bar in bars]
    return [[(chord.degree(tonic), chord.quality) for chord in bar] for bar in chords]


@pytest.mark.parametrize("key", ["E", "Bb", "Am", "F#"])
@pytest.mark.parametrize("jazz", [False, True])
@pytest.mark.parametrize("bars", rounds_known())
def test_a_round_has_its_chords_in_any_key(key: str, jazz: bool, bars: int) -> None:
    spelling = parse_spelling(key)
    minor = spelling.key.mode < 0
    seen = set()
    for seed in range(12):
        found = blues_round(bars, spelling, jazz, 4, seed)
        assert found == blues_round(bars, spelling, jazz, 4, seed) and len(found) == bars
        seen.add(found)
        by_bar = degrees(found, spelling.key.tonic)
        assert by_bar[0] == [(0, "min7" if minor else "dom7")]
        assert by_bar[-1][-1][0] == 7, "the round's end leads to its beginning"
        if bars == 12:
            assert by_bar[4][0] == (5, "min7" if minor else "dom7") and by_bar[6][0][0] == 0
    assert len(seen) > 1 or bars != 12


def test_a_plain_blues_has_three_dominant_sevenths() -> None:
    for seed in range(6):
        found = degrees(blues_round(12, parse_spelling("C"), False, 4, seed), 0)
        assert {chord for bar in found for chord in bar} == {(0, "dom7"), (5, "dom7"), (7, "dom7")}
        assert [bar[0][0] for bar in found[4:10]] == [5, 5, 0, 0, 7, 5]
    assert any("/" in bar for seed in range(9) for bar in blues_round(12, parse_spelling("C"), False, 3, seed))


@pytest.mark.parametrize(
    ("bars", "asked", "sections"),
    [
        (32, False, "verse 12, solo 12, verse 12"),
        (36, True, "verse 12, solo 12, verse 12"),
        (64, True, "intro 4, verse 12, verse 12, solo 12, verse 12, verse 12"),
        (32, True, "intro 4, verse 12, verse 12, outro 4"),
        (25, True, "verse 12, verse 13"),
        (10, True, "verse 10"),
    ],
)
def test_the_form_is_of_whole_rounds(bars: int, asked: bool, sections: str) -> None:
    assert ", ".join(f"{s.kind} {s.bars}" for s in blues_form(bars, 12, asked)) == sections


def test_what_leads_in_or_is_left_over_is_the_end_of_a_round() -> None:
    whole = tuple(map(str, range(12)))
    assert played(whole, "intro", 4) == ["8", "9", "10", "11"] == played(whole, "verse", 16)[12:]
    assert played(whole, "verse", 24) == [*whole, *whole] and played(whole, "verse", 5) == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("text", "blues", "style"),
    [
        ("a blues in E", 12, "jazz"),
        ("a 12-bar blues", 12, "jazz"),
        ("a twelve bar minor blues", 12, "jazz"),
        ("a rock blues", 12, "rock"),
        ("a slow blues, rock", 12, "rock"),
        ("a stop-time blues in E", 12, "jazz"),
        ("an 8-bar blues in A", 8, "jazz"),
        ("a 12-bar rock blues", 12, "rock"),
        ("a slow blues in E about my dog", 12, "jazz"),
        ("a blues for my father", 12, "jazz"),
        ("ein langsamer Blues in E", 12, "jazz"),
        ("I heard a blues last night", 0, ""),
        ("a girl with a blues guitar", 0, ""),
        ("a bluesy song", 0, "jazz"),
        ("she sings the blues and cries", 0, ""),
        ("16 bars of jazz", 0, "jazz"),
    ],
)
def test_a_text_asks_for_a_blues(text: str, blues: int, style: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.blues, wishes.style) == (blues, style)
    assert not any("blues" in line for line in wishes.missing)


def test_own_chords_come_before_a_blues(make) -> None:
    assert SongRequest("a blues", chords="C F G").blues == 0
    song = make(models=False, text="a blues", chords="C F G", bars=6)
    assert "blues rounds of 12 bars from the text is not used: compose.chords was typed" in song.remarks


def test_the_blue_third_and_seventh_are_sung_over_tonic_and_subdominant() -> None:
    c7, f7, g7 = (with_blue_notes(parse_jazz(name), 0) for name in ("C7", "F7", "G7"))
    assert {3, 10} <= c7.tones and {3, 10} <= f7.tones and g7 == parse_jazz("G7")
    assert with_blue_notes(parse_jazz("Cm7"), 0) == parse_jazz("Cm7")


def test_the_second_line_of_a_blues_begins_as_the_first() -> None:
    def draw(chords: str, bars: int, seed: int) -> list[tuple[float, float, int]]:
        rng = np.random.default_rng(seed)
        return [(float(beat), 1.0, int(rng.choice([60, 63, 65, 67]))) for beat in range(4 * bars)]

    chords = ["C7", "F7", "C7", "C7", "F7", "F7", "C7", "C7", "G7", "F7", "C7", "G7"]
    key = parse_spelling("Cm").key
    lines = {}
    for heard in (None, lambda chord: with_blue_notes(chord, 0)):
        tune = section_tune(Singer(draw, key, np.random.default_rng(1), COMMON, heard=heard), chords, 0.5)
        lines[heard is None] = [
            [(n.start - first, n.pitch) for n in tune if first <= n.start < first + 8.0] for first in (0.0, 16.0)
        ]
    assert lines[False][0] == lines[False][1] and lines[True][0] != lines[True][1]


def test_a_blues_ends_on_its_tonic_and_is_told(make) -> None:
    song = make(models=False, text="a slow 12-bar blues in E", bars=29)
    chords = [placed.chord for placed in song.arrangement.chords]
    assert str(chords[-1]) == "E7" == last_chord(song.brief.spelling) and song.brief.late > 0
    assert [(s.name, s.bars) for s in song.arrangement.sections] == [("intro", 4), ("verse", 12), ("verse", 13)]
    told = [line for line in song.remarks if "blues" in line and not line.startswith("style")]
    assert told[0].startswith("blues rounds of 12 bars, E7 | ") and told[0].endswith("from the text (12-bar blues)")
    assert told[1] == (
        "the chords of a blues come round every 12 bars, so the verse of 13 cuts them off; 12 or 24 bars are whole rounds"
    )
    assert song.trace["form"]["by"] == "a rule, for a blues"


def test_a_blues_too_short_for_a_round_is_told(make) -> None:
    song = make(models=False, text="a blues in A", bars=8)
    assert "the verse of 8 bars has no room for a blues' round of 12" in song.remarks
    assert song.trace["form"]["sections"][0]["chords"][4:6] == ["D7", "D7"]


@pytest.mark.slow
def test_the_tune_of_a_blues_has_blue_notes(make) -> None:
    song = make(text="a blues in E", bars=24)
    above = [(n.pitch - 4) % 12 for n in song.arrangement.part("lead").notes]
    assert sum(p in (3, 10) for p in above) > 0.15 * len(above) > 3 * above.count(11)
