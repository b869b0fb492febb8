"""Players, styles and loudness as people ask for them, read and heard: funk, brass stabs, `piano and cello for a film`."""

from __future__ import annotations

import numpy as np
import pytest

from kmidi_lab.composition.chord_rows import Rows
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.said_chords import take_chords
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.midi.reading import open_file

_FORM = "verse 4, chorus 4"


def part(song, name: str):
    [track] = [track for track in open_file(song.midi).piece.tracks if track.name == name]
    return track


def test_brass_stabs_are_short(make) -> None:
    song = make(text="a pop song with brass stabs", sections=_FORM, models=False)
    plain = make(text="a pop song with brass", sections=_FORM, models=False)
    assert part(song, "Pad").program == part(plain, "Pad").program == 61
    assert part(song, "Pad").notes["duration"].max() < 0.3 * part(plain, "Pad").notes["duration"].max()
    assert "stabs for pad from the text (brass stabs)" in song.remarks


def test_players_for_something_play_alone_and_a_film_is_a_style(make) -> None:
    song = make(text="piano and cello for a film", sections=_FORM, models=False)
    assert {t.name for t in open_file(song.midi).piece.tracks if len(t.notes)} == {"Lead", "Chords"}
    assert (song.brief.band.programs["lead"], song.brief.band.programs["chords"]) == (42, 0)
    assert song.brief.band.name == "cinematic"
    assert read_sentence("a pop song for a trailer").style == "pop"


def test_of_two_ways_to_play_one_part_the_first_is_played_and_the_other_told(make) -> None:
    song = make(text="a song with pizzicato strings and tremolo strings", sections=_FORM, models=False)
    assert part(song, "Pad").program == 45
    unused = (
        "tremolo strings from the text (tremolo strings) is not used: pizzicato is played: a part is played in one way"
    )
    assert "pizzicato for pad from the text (pizzicato strings)" in song.remarks and unused in song.remarks


@pytest.mark.parametrize("text", ["a quiet grunge song", "quiet, slow grunge", "make it quiet"])
def test_a_quiet_song_is_asked_for(text: str) -> None:
    assert [(c.what, c.value) for c in read_sentence(text).changes] == [("louder", "softer")]


def test_a_quiet_song_is_softer_in_all_parts(make) -> None:
    plain = make(text="a grunge song", emotion="angry", sections=_FORM, models=False)
    soft = make(text="a quiet grunge song", emotion="angry", sections=_FORM, models=False)
    for name in ("Lead", "Chords", "Bass", "Drums"):
        assert part(soft, name).notes["velocity"].mean() < 0.75 * part(plain, name).notes["velocity"].mean()
    assert "softer all parts from the text (quiet)" in soft.remarks


def test_what_a_song_is_like_is_its_style() -> None:
    assert read_sentence("quiet verses and loud choruses like grunge").style == "rock"
    assert read_sentence("I feel like rock").style == ""


def test_jazz_is_as_fast_as_its_mood() -> None:
    from kmidi_lab.composition.bands import bands

    jazz = bands()["jazz"]
    assert jazz.at(-0.6) < 95 and 115 < jazz.at(0.0) < 130 and jazz.at(0.7) > 150
    assert read_sentence("a calm late night jazz trio").words["program lead"] == "jazz trio"


def test_funk_is_played_in_sixteenths(make) -> None:
    song = make(text="a funk song", emotion="joyful", sections=_FORM, models=False)
    assert (song.brief.band.name, song.brief.band.programs["bass"], song.brief.band.groove) == ("funk", 36, "funk")
    assert song.brief.tempo < 120
    for name in ("Bass", "Drums", "Chords"):
        notes = [n for p in song.arrangement.parts if p.name == name for n in p.notes]
        sixteenths = np.mean([(n.start * 4) % 2 == 1 for n in notes])
        assert sixteenths > 0.15, name
    assert read_sentence("funky jazz").style == "jazz" and read_sentence("a funky song").style == "funk"


@pytest.mark.parametrize(
    ("chords", "key"),
    [
        ("verse: Am F C G; chorus: F G Am", "A minor"), ("chorus: F G Am; verse: Am F C G", "A minor"),
        ("verse: F#m D A E; chorus: D E F#m", "F# minor"), ("verse: C G Am F; chorus: F G C", "C major"),
    ],
)  # fmt: skip
def test_a_song_that_begins_and_ends_on_a_chord_is_in_its_key(chords: str, key: str) -> None:
    assert str(Rows(chords, None).chart.spelling) == key


def test_an_end_on_the_tonic_is_not_called_open(make) -> None:
    song = make(text="a sad song with verse Am F C G, chorus F G Am", models=False)
    assert str(song.brief.spelling) == "A minor" and not [line for line in song.remarks if "leaves it open" in line]


def test_a_slash_between_chords_is_a_bar_line() -> None:
    assert take_chords("a song with C / G Am / F")[0].chords == "C | G Am | F"
    assert take_chords("Am / F / C")[0].chords == "Am F C"
    assert SongRequest(chords="C / G Am / F").rows.by_kind(4).usual == ("C", "G Am", "F")
    assert SongRequest(chords="C / / / | G / / /").rows.by_kind(4).usual == ("C", "G")


@pytest.mark.parametrize(
    ("text", "wish", "value"),
    [
        ("verse chorus verse chorus, 3:30", "seconds", 210.0), ("I can't sit still, deep house, 124", "tempo", (124.0, 124.0)),
        ("make it funky, around 100", "tempo", (100.0, 100.0)), ("a happy song, 100 bmp", "tempo", (100.0, 100.0)),
        ("jazz trio, medium swing, Bb", "key", ("Bb", "")), ("Am F C G but in 6/8", "chords", "Am F C G"),
        ("ein trauriges Klavierstück, etwa zwei Minuten", "seconds", 120.0), ("una canción de cuna con arpa", "without", ("drums",)),
        ("Filmmusik, düster, wird immer lauter", "arc", "Climb-to-Climax"), ("une berceuse douce à trois temps, harpe et flûte", "metres", (("3/4", "3/4"),)),
        ("I want violins and flutes", "programs", {"pad": 48, "lead": 73}), ("dreamy shoegaze with reverb", "style", "pop"),
        ("tension underscore, low strings", "programs", {"pad": 48}), ("trumpet solo over a walking bass", "programs", {"lead": 56}),
        ("sad piano solo like Chopin", "without", ("pad", "drums")), ("a twelve-tone row for flute", "programs", {"lead": 73}),
        ("walking bass, brushes, muted trumpet, a smoky night", "programs", {"lead": 59}), ("ancient temple, pentatonic, bamboo flute, slow", "programs", {"lead": 77}),
        ("war scene, drums only, growing, 1 minute", "seconds", 60), ("war scene, drums only, growing, 1 minute", "arc", "Climb-to-Climax"),
        ("90 seconds, morning, storm, sunset", "seconds", 90), ("trap beat 140", "tempo", (140, 140)), ("never slow down, keep it fast", "tempo", (126, 150)),
        ("make music slow with the flute and the piano", "programs", {"lead": 73, "chords": 0}), ("a song with guitar electric", "programs", {"chords": 27}),
        ("the tempo is 65, tonality is re minor", "key", ("D", "minor")), ("I don't want drums and bass", "without", ("bass", "drums")),
        ("a song, end with a fade-out over the chorus", "missing", ()), ("un morceau de 24 mesures", "bars", 24),
    ],
)  # fmt: skip
def test_what_people_type_is_read(text: str, wish: str, value: object) -> None:
    assert getattr(read_sentence(text), wish) == value


def test_a_form_has_the_bars_that_are_said() -> None:
    for text in ("intro 8 bars, verse 16 bars, chorus 8 bars", "an 8 bar intro, a 16 bar verse and an 8 bar chorus"):
        form = SongRequest(text).form
        assert form is not None and [(s.kind, s.bars) for s in form] == [("intro", 8), ("verse", 16), ("chorus", 8)]
    said = read_sentence("ein Lied: Intro 4 Takte, Strophe 8 Takte, Refrain 8 Takte").form
    assert said is not None and said.bars == (4, 8, 8)
    assert read_sentence("intro 8 bars, verse 99 bars").form is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a slow song and then a fast one", "not understood as a wish (fast)"),
        ("repeat the chorus three times", "nothing is done there (repeat the chorus three times)"),
        ("a song in H minor", "no such key (in h minor)"),
        ("a happy song ending on a major chord", "no such harmony (ending on a major chord)"),
        ("Beethoven meets dubstep", "not understood as a wish (dubstep)"),
        ("a rock song with a drum solo", "no such solo (with a drum solo)"),
        ("a song without drums in 16 bars, 8 bars piano", "no second length (8 bars)"),
        ("une chanson triste avec un dernier refrain bizarre", "nothing is done there (triste avec un dernier refrain bizarre)"),
    ],
)  # fmt: skip
def test_what_is_taken_as_no_wish_is_told(text: str, told: str) -> None:
    assert [line for line in read_sentence(text).missing if line.startswith(told)]


@pytest.mark.parametrize(
    "text",
    [
        "a sad song about my grandmother's piano",
        "a song about a house in the country",
        "she left before the chorus",
        "the chorus of birds at dawn",
    ],
)
def test_what_a_text_tells_of_is_not_told_again(text: str) -> None:
    assert not read_sentence(text).missing


def test_a_feeling_that_is_misspelt_is_felt_and_a_song_may_stop_after_a_time() -> None:
    assert SongRequest("a hapy song for my friend").unread == "a happy song for my friend"
    assert read_sentence("a pop song that stops after 30 seconds").seconds == 30.0
