"""Courses beside an arc: a tempo that rises or falls is heard, and what no song goes through is told in one line."""

from __future__ import annotations

import io
import time

import mido
import pytest

from kmidi_lab.chords.chord import Key
from kmidi_lab.composition.closing import moving
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.song import Arrangement, Metre, Tempo

ARC, MOOD = "no such course (", "no change of mood ("
STYLE, TEMPO = "no change of style (", "no change of tempo ("
NOT_DONE = [
    ("a song that ebbs and flows", ARC + "ebbs and flows)"),
    ("a song that gets louder, calms down, then gets louder again", ARC + "gets louder)"),
    ("a song that changes its mood", MOOD + "changes its mood)"),
    ("a ballad that becomes a rock song", STYLE + "becomes a rock)"),
    ("a waltz that gets faster in the last bars", TEMPO + "gets faster)"),
    ("ein Lied mit Tempowechsel", TEMPO + "tempowechsel"),
]
TELLS_OF_OTHER_THINGS = [
    "I was happy, then sad", "a quiet bridge over the river", "she goes crazy in the middle of the night", "my heart explodes",
    "the city erupts", "quiet, calm, soft", "he stopped in the middle of the road", "the volcano erupts at dawn",
    "my mood changes every day", "I never get faster at running", "he drives faster and faster", "time speeds up when we dance",
    "the storm was loud, then quiet", "the band joined the army", "she starts with the dishes", "my life goes from bad to worse",
    "a song that never explodes in the chorus", "Everything falls away when you leave me", "the rest falls away",
    "the band enters the stage", "the drums enter the stage", "Everyone comes in late",
]  # fmt: skip
TEMPOS = [
    ("faster and faster", "faster"), ("a song that gets faster and faster", "faster"), ("a jig that speeds up", "faster"),
    ("an accelerando", "faster"), ("it starts slow and ends fast", "faster"), ("a song, slow at first, then fast", "faster"),
    ("a polka from slow to fast", "faster"), ("a ballad that slows down", "slower"), ("a song that gets slower and slower", "slower"),
    ("ein Lied, das immer schneller wird", "faster"), ("une chanson de plus en plus rapide", "faster"),
    ("una canción cada vez más lenta", "slower"), ("un pezzo sempre più veloce", "faster"), ("uma canção que acelera", "faster"),
    ("een liedje dat steeds langzamer wordt", "slower"),
    ("una canción que empieza despacio y termina rápido", "faster"), ("una canción que empieza rápida y termina lenta", "slower"),
    ("una canción de lento a rápido", "faster"), ("ein Lied, das langsam beginnt und schnell endet", "faster"),
    ("ein Walzer, erst schnell, dann langsam", "slower"), ("une chanson qui commence lentement et finit vite", "faster"),
    ("une chanson, rapide puis lente", "slower"), ("un pezzo che inizia lento e finisce veloce", "faster"),
    ("uma canção que começa devagar e termina rápido", "faster"), ("een lied dat langzaam begint en snel eindigt", "faster"),
    ("el tren empieza despacio y termina rápido", ""), ("una canción que nunca empieza despacio y termina rápido", ""),
    ("a song that slows down at the end", ""), ("a song that slows down in the bridge", ""), ("ein Lied, das im Refrain schneller wird", ""),
    ("a song about a train that speeds up", ""), ("a song that never gets faster", ""),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line"), NOT_DONE)
def test_a_course_that_no_song_takes_is_one_line(text: str, line: str) -> None:
    wishes = read_sentence(text)
    assert [told for told in wishes.missing if told.startswith(line)], wishes.missing
    assert len(wishes.missing) == len({told.partition(" (")[2] for told in wishes.missing}), "nothing is told twice"


@pytest.mark.parametrize("text", TELLS_OF_OTHER_THINGS)
def test_what_changes_and_is_no_song_gets_no_line(text: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.missing, wishes.arc, wishes.course, wishes.courses, wishes.changes) == ((), "", "", (), ())


@pytest.mark.parametrize(("text", "course"), TEMPOS)
def test_a_course_of_the_tempo_is_read(text: str, course: str) -> None:
    assert read_sentence(text).course == course


@pytest.mark.parametrize(
    ("text", "course", "others"),
    [
        ("a song that gets faster then slower", "faster", ["slower"]), ("slow, then fast, then slow", "faster", ["slow"]),
        ("slow, then fast, then slow, then fast again", "faster", ["slow", "fast again"]), ("a song from slow to fast to slow", "faster", ["slow"]),
        ("speed up, then slow down", "faster", ["slow down"]), ("a song that slows down before speeding up again", "slower", ["speeding up again"]),
        ("ein Lied, das immer schneller wird, dann wieder langsamer", "faster", ["wieder langsamer"]),
        ("it starts slow and ends fast at the end", "faster", []),
        ("a song that gets faster, then slow piano", "faster", []), ("a song that speeds up to the end", "faster", []),
    ],
)  # fmt: skip
def test_a_second_course_of_the_tempo_is_told(text: str, course: str, others: list[str]) -> None:
    wishes = read_sentence(text)
    assert wishes.course == course
    assert [line for line in wishes.missing if line.startswith(TEMPO)] == [
        f"{TEMPO}{words}): a song keeps one tempo, or gets faster or slower from its start to its end"
        for words in others
    ]


@pytest.mark.parametrize(
    ("text", "arc"),
    [
        ("quiet then loud", "Climb-to-Climax"), ("loud, then quiet", "Descent"), ("it is soft, then loud, then soft", "Rise and Fall"),
        ("a song that stays calm throughout", "Static Reflection"), ("a lofi beat that never changes", "Static Reflection"),
    ],
)  # fmt: skip
def test_levels_one_behind_the_other_are_an_arc(text: str, arc: str) -> None:
    wishes = read_sentence(text)
    assert (wishes.arc, wishes.missing) == (arc, ())


def test_a_song_gets_faster_by_the_same_factor_in_each_bar() -> None:
    """From 100 / 1.2 to 100 · 1.2 over 5 bars, with 100 in the third; a song that gets slower goes the other way."""
    song = Arrangement("", Key(0, 1), (Metre(),) * 5, (Tempo(0.0, 100.0),))
    faster = [tempo.tempo for tempo in moving(song, "faster").tempos]
    assert faster == [83.33, 91.29, 100.0, 109.54, 120.0]
    assert [tempo.tempo for tempo in moving(song, "slower").tempos] == faster[::-1]
    assert moving(song, "") is song


@pytest.mark.parametrize(("tempo", "first", "last"), [(21.0, 20.0, 25.2), (390.0, 325.0, 400.0)])
def test_a_tempo_that_moves_stays_one_that_a_song_may_have(tempo: float, first: float, last: float) -> None:
    """21 / 1.2 is 17.5, 390 · 1.2 is 468; a song has 20 to 400."""
    song = Arrangement("", Key(0, 1), (Metre(),) * 5, (Tempo(0.0, tempo),))
    tempos = [moved.tempo for moved in moving(song, "faster").tempos]
    assert (tempos[0], tempos[-1]) == (first, last)


def test_faster_and_faster_is_a_tempo_and_no_spiral(make) -> None:
    song = make(text="a folk song, faster and faster", bars=8, tempo=100, models=False)
    assert "tempo faster and faster from the text" in song.remarks and not song.brief.arc_asked
    track = mido.MidiFile(file=io.BytesIO(song.midi)).tracks[0]
    tempos = [mido.tempo2bpm(message.tempo) for message in track if message.type == "set_tempo"]
    assert len(tempos) == 8 and tempos == sorted(tempos)
    assert (tempos[0], tempos[-1]) == pytest.approx((100 / 1.2, 120), abs=0.02)


def test_a_course_of_one_place_is_no_arc_of_the_whole_song(make) -> None:
    song = make(text="a song that builds up in the chorus", bars=8, models=False)
    assert not song.brief.arc_asked
    assert "loudness growing in bars 5-8 from the text (builds up in the chorus)" in song.remarks


@pytest.mark.parametrize(
    "piece",
    [
        "gets faster then slower, ",
        "the band comes in, a song ",
        "grows louder and ",
        "a slow jazz ",
        "with the piano ",
        "the chorus is loud ",
        "loud then quiet then ",
        "sad, then happy, ",
        "a song with a sad bridge and a happy end ",
        "a happy day with a sad ending ",
        "H E Fis und ",
        "Do Sol Lam Fa y la canción ",
        "weder traurig noch fröhlich und ",
        "a beach song with tambourine ",
        "verse: sad, chorus (loud), ",
        "a rock verse, chorus in 3/4, ",
        "[verse] oh ",
    ],
)
def test_a_long_text_takes_as_long_as_it_is(piece: str) -> None:
    """Four times the text must not take sixteen times as long, where one try of three is undisturbed by others."""
    read_sentence(piece)

    def seconds(count: int) -> float:
        began = time.process_time()
        read_sentence(piece * count)
        return time.process_time() - began

    assert any(seconds(200) < 8 * seconds(50) for _ in range(3))
