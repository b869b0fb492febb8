"""A tempo of one place is played there, and told."""

from __future__ import annotations

import io

import mido
import numpy as np
import pytest

from kmidi_lab.composition.brief import Mood, chosen
from kmidi_lab.composition.change import Change
from kmidi_lab.composition.form import read_form
from kmidi_lab.composition.pacing import paced
from kmidi_lab.composition.said_places import Place
from kmidi_lab.composition.sentence import read_sentence

CHORUS, BRIDGE, END = Place("chorus"), Place("bridge"), Place("end")


@pytest.mark.parametrize(
    ("text", "paces"),
    [
        ("half the tempo in the bridge, a rock song", [("half", BRIDGE)]), ("drops to half tempo for the bridge", [("half", BRIDGE)]),
        ("a song that doubles the tempo at the end", [("double", END)]), ("the tempo doubles in the chorus", [("double", CHORUS)]),
        ("a rock song that is twice as fast in the bridge", [("double", BRIDGE)]), ("a song that doubles its tempo", [("double", None)]),
        ("slow verses and fast choruses", [("slow", Place("verse")), ("fast", CHORUS)]), ("a song where the chorus is faster", [("fast", CHORUS)]),
        ("a folk song with a slow intro then fast", [("slow", Place("intro"))]),
        ("a song with an accelerando into the chorus", [("faster", Place("chorus", 0, -1))]),
        ("a song that speeds up before the chorus", [("faster", Place("chorus", 0, -1))]),
        ("un tema que acelera al final", [("faster", END)]), ("ein Stück, das am Ende schneller wird", [("faster", END)]), ("ein Lied, das im Refrain schneller wird", [("faster", CHORUS)]),
        ("een lied waarin het tempo in het refrein verdubbelt", [("double", CHORUS)]), ("plus rapide dans le pont", [("fast", BRIDGE)]),
        ("das Tempo verdoppelt sich im Refrain", [("double", CHORUS)]), ("le tempo double au refrain de la chanson", [("double", CHORUS)]),
        ("una canzone, il tempo raddoppia nel ritornello", [("double", CHORUS)]),
        ("in three parts: slow, fast, slow", [("slow", None), ("fast", None), ("slow", None)]),
        ("a song that speeds up at the end", [("faster", END)]), ("I want it to slow down in the bridge", [("slower", BRIDGE)]),
    ],
)  # fmt: skip
def test_a_tempo_of_a_place_is_read(text: str, paces: list[tuple[str, Place | None]]) -> None:
    wishes = read_sentence(text)
    assert [(c.value, c.place) for c in wishes.changes] == paces
    assert (wishes.missing, wishes.course, wishes.ending.slower) == ((), "", "")


@pytest.mark.parametrize(
    ("text", "first", "value", "place"),
    [
        ("from 80 to 140 bpm", 80, "to 140", Place("bars", 1)), ("starts at 80 bpm and ends at 140 bpm", 80, "to 140", Place("bars", 1)),
        ("accelerando from 60 to 120", 60, "to 120", Place("bars", 1)), ("a song that starts at 70 bpm and speeds up to 160", 70, "to 160", Place("bars", 1)), ("tempo 120 then 90", 120, "90", Place("second half")),
        ("von 80 auf 140 bpm", 80, "to 140", Place("bars", 1)), ("de 140 à 80 bpm", 140, "to 80", Place("bars", 1)), ("da 80 a 140 bpm", 80, "to 140", Place("bars", 1)),
        ("ein Lied, das mit 80 bpm beginnt und mit 140 endet", 80, "to 140", Place("bars", 1)),
    ],
)  # fmt: skip
def test_two_tempos_in_figures_are_where_a_song_comes_from_and_to(
    text: str, first: int, value: str, place: Place
) -> None:
    wishes = read_sentence(text)
    assert (wishes.tempo, wishes.course, wishes.missing) == ((first, first), "", ())
    assert [(c.value, c.place) for c in wishes.changes] == [(value, place)]


@pytest.mark.parametrize(
    "text", ["a song between 80 and 100 bpm", "80-90 bpm", "anywhere from 80 to 100 bpm", "my heart went from 80 to 140 bpm", "from 19 to 90"]
)  # fmt: skip
def test_other_figures_are_no_course(text: str) -> None:
    assert not read_sentence(text).changes


def test_a_song_comes_to_its_last_tempo_bar_by_bar(sketch) -> None:
    song = sketch(text="from 60 to 120 bpm", sections="verse 4, chorus 1", models=False)
    assert [t.tempo for t in song.arrangement.tempos] == [60, 71.35, 84.85, 100.91, 120]
    assert "tempo faster to 120 in bars 1-5 from the text (from 60 to 120 bpm)" in song.remarks


def test_the_rest_of_the_song_has_its_own_tempo() -> None:
    assert read_sentence("a folk song with a slow intro then fast").tempo == (126, 150)
    assert read_sentence("a slow song with a fast chorus").tempo == (66, 84)
    assert not read_sentence("a slow train over a fast river before the chorus of frogs").changes


@pytest.mark.parametrize(
    ("text", "tempos", "line"),
    [
        ("a rock song, half the tempo in the bridge", [(0, 100), (32, 50), (48, 100)], "tempo 50 in bars 9-12 from the text (half the tempo in the bridge)"),
        ("a song that doubles the tempo at the end", [(0, 100), (48, 200)], "tempo 200 in bars 13-16 from the text (doubles the tempo at the end)"),
        ("slow verses and fast choruses", [(0, 80), (16, 138), (32, 100), (48, 138)], "tempo 138 in bars 5-8 and 13-16 from the text (slow verses and fast choruses)"),
        ("a song with an accelerando into the chorus", [(0, 104.66), (4, 109.54), (8, 114.65), (12, 120), (32, 104.66), (36, 109.54), (40, 114.65), (44, 120)],
         "tempo faster to 120 in bars 1-4 and 9-12 from the text (an accelerando into the chorus)"),
        ("a song with a slow breakdown", [(0, 100)], "tempo slow from the text (slow breakdown) is not used: the song has no such place"),
    ],
)  # fmt: skip
def test_its_bars_have_it(sketch, text: str, tempos: list[tuple[float, float]], line: str) -> None:
    song = sketch(text=text, tempo=100, sections="verse 4, chorus 4, bridge 4, chorus 4", models=False)
    at, found = 0, []
    for message in mido.MidiFile(file=io.BytesIO(song.midi)).tracks[0]:
        at += message.time
        if message.type == "set_tempo":
            found.append((at / 480, round(mido.tempo2bpm(message.tempo), 2)))
    assert found == [pytest.approx(pair, abs=0.01) for pair in tempos]
    assert line in song.remarks


def test_a_tempo_leads_on_from_the_one_that_a_bar_has() -> None:
    brief = chosen("", Mood(-0.6, -0.2), 8, 1, tempo=100)
    lively = Mood(0.6, 0.4, words="happy")
    led = Change("pace", "faster", Place("chorus", 0, -1), "an accelerando into the chorus")
    form = read_form("verse 4, chorus 4")
    (usual, _), (factors, _) = (paced(form, changes, brief, [lively] * 8) for changes in ([], [led]))
    assert usual[0] > 1.1 and [f / u for f, u in zip(factors, usual, strict=True)] == pytest.approx(
        [1.2 ** (n / 4) for n in (1, 2, 3, 4)] + [1.2] * 4
    )


def test_a_mood_of_a_section_that_has_a_tempo_of_its_own_tells_none() -> None:
    brief, verse, sad = chosen("", Mood(0.6, 0.4), 8, 1, tempo=100), Place("verse"), Mood(-0.6, -0.4, words="sad")
    changes = [Change("mood", "sad", verse, "sad verse"), Change("pace", "slow", verse, "slow verse")]
    moods = [sad] * 4 + [brief.mood] * 4
    told = [list(paced(read_form("verse 4, chorus 4"), found, brief, moods)[1]) for found in (changes, changes[:1])]
    assert told == [changes[1:], changes[:1]]


def test_an_accelerando_out_of_a_half_time_bridge_does_not_jump() -> None:
    brief = chosen("", Mood(0.0, 0.0), 12, 1, tempo=100)
    half = Change("pace", "half", BRIDGE, "half-time bridge")
    led = Change("pace", "faster", Place("chorus", 0, -1), "an accelerando into the chorus")
    form = read_form("bridge 6, chorus 4")
    for changes in ((half, led), (led, half)):
        factors, _ = paced(form, changes, brief, [])
        rising = 0.5 * (1.2 / 0.5) ** (np.arange(5) / 4)
        assert factors[1:6] == pytest.approx(tuple(rising)) and factors[6:] == (1.2,) * 4


def test_a_section_has_its_tempo_at_the_end_too() -> None:
    brief = chosen("", Mood(0.0, 0.0), 16, 1, tempo=100)
    half, double = (
        Change("pace", "half", BRIDGE, "half-time bridge"),
        Change("pace", "double", END, "doubles at the end"),
    )
    form = read_form("verse 8, chorus 4, bridge 2, chorus 2")
    for changes in ((half, double), (double, half)):
        factors, lines = paced(form, changes, brief, [])
        assert factors[12:] == (0.5, 0.5, 2.0, 2.0) and (lines[half].value, lines[double].value) == (
            "50 in bars 13-14",
            "200 in bars 15-16",
        )


def test_a_livelier_mood_is_as_fast_as_its_style_is_and_a_tempo_that_is_said_stays(sketch) -> None:
    settings = {"sections": "verse 4, chorus 4", "style": "rock", "models": False}
    text = "a song that starts tired and ends furious"
    free, said = sketch(text=text, **settings), sketch(text=f"{text}, 90 bpm", **settings)
    assert free.arrangement.tempos[-1].tempo > 1.1 * free.arrangement.tempos[0].tempo
    assert [t.tempo for t in said.arrangement.tempos] == [90]
    end = f"tempo {free.arrangement.tempos[-1].tempo:.0f} in bars 5-8 from the text (starts tired and ends furious)"
    assert end in free.remarks and not any(line.startswith("tempo") and "tired" in line for line in said.remarks)


@pytest.mark.parametrize(
    "settings",
    [{"sections": "verse 1"}, {"bars": 4, "metre": "6/8"}, {"bars": 10, "tempo": 300}, {"bars": 5, "tempo": 30}],
)
def test_odd_songs_keep_tempos_that_songs_may_have(sketch, settings: dict) -> None:
    text = "a song that doubles its tempo, half the tempo in the intro, slow verses, an accelerando into the chorus, faster and faster"
    song = sketch(text=text, models=False, **settings)
    assert all(20 <= t.tempo <= 400 for t in song.arrangement.tempos)
