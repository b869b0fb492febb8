"""Where a sentence puts what it asks for, read in seven languages and heard in the song."""

from __future__ import annotations

import pytest

from kmidi_lab.composition.change import ALONE, ENTER, LEAVE, LEVEL, LOUD, SOFT, WITHIN
from kmidi_lab.composition.form import read_form
from kmidi_lab.composition.said_places import Place, place_of
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.spans import in_bars, spans_of, told
from kmidi_lab.composition.wanted_kinds import with_kinds
from kmidi_lab.midi.reading import open_file

FORM = "verse 4, chorus 4, verse 4, chorus 4"


def who(song) -> list[set[str]]:
    """The parts that play in each section."""
    piece, out = open_file(song.midi).piece, []
    for section in song.arrangement.sections:
        start, stop = (at * piece.ticks_per_quarter for at in song.arrangement.span(section))
        at = piece.ticks_per_quarter // 8
        struck = {t.name: t.notes["start"] + at for t in piece.tracks}
        out.append({name for name, ticks in struck.items() if ((ticks >= start) & (ticks < stop)).any()})
    return out


def loud(song, name: str) -> list[float]:
    """The mean velocity of a part in each section."""
    piece = open_file(song.midi).piece
    [notes] = [track.notes for track in piece.tracks if track.name == name]
    spans = [[at * piece.ticks_per_quarter for at in song.arrangement.span(s)] for s in song.arrangement.sections]
    at = notes["start"] + piece.ticks_per_quarter // 8
    return [float(notes["velocity"][(at >= a) & (at < b)].mean()) for a, b in spans]


@pytest.mark.parametrize(
    "text",
    [
        "a sad song, the second verse without drums", "ein trauriges Lied, zweite Strophe ohne Schlagzeug",
        "une chanson triste, deuxième couplet sans batterie", "una canción triste, segunda estrofa sin batería",
        "una canzone triste, seconda strofa senza batteria", "uma canção triste, segundo verso sem bateria",
        "een droevig lied, tweede couplet zonder drums",
    ],
)  # fmt: skip
def test_a_part_is_left_out_of_one_section_in_each_language(text: str) -> None:
    wishes = read_sentence(text)
    assert [(c.what, c.value, c.place) for c in wishes.changes] == [(LEAVE, "drums", Place("verse", 2))]
    assert not wishes.without


def test_drums_rest_in_the_second_verse_alone(make) -> None:
    song = make(text="ein Rocklied, zweite Strophe ohne Schlagzeug", emotion="joyful", sections=FORM, models=False)
    assert ["Drums" in playing for playing in who(song)] == [True, True, False, True]
    assert "without drums in bars 9-12 from the text (zweite strophe ohne schlagzeug)" in song.remarks
    assert not [line for line in song.remarks if line.startswith("without drums from")]


def test_a_form_gets_the_second_verse_that_is_spoken_of() -> None:
    plan, told_of = with_kinds(read_form("intro 4, verse 8, chorus 8, bridge 4, solo 4, chorus 4"), {"verse": 2})
    assert [s.kind for s in plan] == ["intro", "verse", "chorus", "bridge", "verse", "chorus"]
    assert told_of == "the solo of 4 bars became the verse that is asked for"
    plan, told_of = with_kinds(read_form("verse 8, chorus 8"), {"verse": 2})
    assert [s.kind for s in plan] == ["verse", "chorus"] and not told_of


@pytest.mark.parametrize(
    ("text", "what", "value", "place"),
    [
        ("ein Lied, bei dem das Schlagzeug erst im Refrain einsetzt", ENTER, "drums", Place("chorus")),
        ("ein Lied, nur Klavier im Intro", ALONE, "piano", Place("intro")),
        ("ein Lied, der Bass hört in der Bridge auf", LEAVE, "bass", Place("bridge")),
        ("ein Rocklied, Schlagzeug nur im Refrain", WITHIN, "drums", Place("chorus")),
        ("ein Lied, das Schlagzeug kommt spät", ENTER, "drums", Place("late")),
        ("kein Schlagzeug bis zum Refrain, Pop", ENTER, "drums", Place("chorus")),
        ("une chanson rock, la batterie entre au refrain", ENTER, "drums", Place("chorus")),
        ("una canción pop, la batería entra en el estribillo", ENTER, "drums", Place("chorus")),
        ("una canzone rock, la batteria entra dal compasso 17", ENTER, "drums", Place("bars", 17)),
        ("uma canção de rock, a bateria só entra no refrão", ENTER, "drums", Place("chorus")),
        ("een popsong, de drums beginnen in het refrein", ENTER, "drums", Place("chorus")),
        ("a rock song where the drums start at bar 17", ENTER, "drums", Place("bars", 17)),
        ("a pop song, no drums until bar 9", LEAVE, "drums", Place("bars", 9, -1)),
        ("a folk song, drums only in bars 9 to 16", WITHIN, "drums", Place("bars", 9, 0, 16)),
        ("lofi beats for studying where the drums come in late", ENTER, "drums", Place("late")),
        ("lofi, the bass comes in after 30 seconds", ENTER, "bass", Place("seconds", 30)),
        ("a song with strings in the chorus", WITHIN, "strings", Place("chorus")),
        ("a pop song, drums from the second verse on", ENTER, "drums", Place("verse", 2)),
        ("une chanson rock, le refrain est plus fort", LEVEL, LOUD, Place("chorus")),
        ("ein Lied, der Refrain ist leiser", LEVEL, SOFT, Place("chorus")),
        ("el estribillo es más fuerte, una canción de rock", LEVEL, LOUD, Place("chorus")),
        ("an epic track that gets loud at bar 17", LEVEL, LOUD, Place("bars", 17)),
    ],
)  # fmt: skip
def test_what_is_asked_of_a_place_is_read(text: str, what: str, value: str, place: Place) -> None:
    assert [(c.what, c.value, c.place) for c in read_sentence(text).changes] == [(what, value, place)]


@pytest.mark.parametrize(
    "text",
    ["Am Ende saß ich ohne Klavier da", "Ich spiele Schlagzeug am Anfang der Straße", "I started at bar 17 of it"],
)
def test_other_places_are_none_of_a_song(text: str) -> None:
    assert not read_sentence(text).changes


def test_bars_and_seconds_are_places_of_a_form() -> None:
    form = read_form("intro 4, verse 8, chorus 8")
    spans = {words: spans_of(place_of(words), form) for words in ("at bar 5", "in bars 5 to 8", "until bar 5", "after bar 8", "in bar 7", "at bar 21")}  # fmt: skip
    assert {words: told(span) for words, span in spans.items() if span} == {
        "at bar 5": "bars 5-20", "in bars 5 to 8": "bars 5-8", "until bar 5": "bars 1-4", "after bar 8": "bars 9-20", "in bar 7": "bar 7",
    }  # fmt: skip
    assert in_bars(place_of("at 0:30"), 120.0, 4.0) == Place("bars", 16)


def test_drums_enter_at_the_bar_that_is_named(make) -> None:
    song = make(text="a rock song where the drums start at bar 5", emotion="joyful", sections=FORM, models=False)
    assert ["Drums" in playing for playing in who(song)] == [False, True, True, True]
    assert "drums from bar 5 on from the text (the drums start at bar 5)" in song.remarks


def test_a_song_is_as_loud_as_it_is_said_from_start_to_end(make) -> None:
    text = "a pop song that starts quiet, gets loud in the chorus and ends quiet"
    song = make(text=text, sections="verse 4, chorus 4, bridge 4, chorus 4, outro 4", models=False)
    first, chorus, _, last, end = loud(song, "Lead")
    assert first < 0.7 * chorus and end < 0.7 * last
    lines = [line.split(" from the text")[0] for line in song.remarks if line.startswith("loudness")]
    assert lines == ["loudness soft in bars 1-4", "loudness loud in bars 5-8 and 13-16", "loudness soft in bars 17-20"]


def test_of_a_last_chorus_that_is_loud_the_end_is_soft(make) -> None:
    text = "a pop song that starts quiet, gets loud in the chorus and ends quiet"
    song = make(text=text, sections="verse 4, chorus 4, verse 4, chorus 4", models=False)
    lines = [line.split(" from the text")[0] for line in song.remarks if line.startswith("loudness")]
    assert lines == ["loudness soft in bars 1-4", "loudness loud in bars 5-8 and 13-14", "loudness soft in bars 15-16"]


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("quiet intro, then the band explodes in the chorus, then back to quiet",
         [(LEVEL, SOFT, Place("intro")), (LEVEL, LOUD, Place("chorus")), (LEVEL, SOFT, Place("end"))]),
        ("make the second verse quieter and the last chorus bigger",
         [(LEVEL, SOFT, Place("verse", 2)), (LEVEL, LOUD, Place("chorus", -1))]),
        ("bass and drums only, then everything comes in at bar 9", [(ALONE, "bass, drums", Place("bars", 9, -1))]),
        ("montage music, starts with solo piano, strings join in at 0:30",
         [(ALONE, "piano", Place("start")), (ENTER, "strings", Place("seconds", 30))]),
        ("balada lenta, el piano empieza solo y la batería entra en el segundo estribillo",
         [(ALONE, "piano", Place("start")), (ENTER, "drums", Place("chorus", 2))]),
        ("uma música sem bateria na primeira estrofe", [(LEAVE, "drums", Place("verse", 1))]),
        ("una canzone, nella prima strofa senza batteria", [(LEAVE, "drums", Place("verse", 1))]),
        ("louder at the end", [(LEVEL, LOUD, Place("end"))]),
        ("the drums get louder in the chorus", [(LEVEL, "growing", Place("chorus"))]),
        ("the bass comes in first, then the drums, then the piano", [("one by one", "bass, drums, piano", None)]),
        ("electronic dance, drop at bar 33", [(LEVEL, LOUD, Place("bars", 33))]),
        ("canzone allegra, cambio di tonalità alla fine", [("shift", "2", Place("end"))]),
        ("ein Lied, das leise anfängt und im Refrain explodiert",
         [(LEVEL, SOFT, Place("start")), (LEVEL, SOFT, Place("chorus", 1, -1)), (LEVEL, LOUD, Place("chorus"))]),
    ],
)  # fmt: skip
def test_several_places_of_one_text_are_read(text: str, changes: list[tuple[str, str, Place]]) -> None:
    assert [(c.what, c.value, c.place) for c in read_sentence(text).changes] == changes


def test_a_fade_behind_another_wish_is_the_end() -> None:
    wishes = read_sentence("rock song, but the last chorus without drums and then a fade out")
    assert wishes.ending.faded == "a fade out" and [c.place for c in wishes.changes] == [Place("chorus", -1)]


def test_players_come_in_as_they_are_named(make) -> None:
    text = "a pop song, the bass comes in first, then the drums, then the piano"
    song = make(text=text, sections="verse 4, chorus 4, verse 4, chorus 4, chorus 4", models=False)
    [line] = [line for line in song.remarks if line.startswith("one part after another")]
    assert line.startswith("one part after another from bar 1 (bass), 3 (drums), 5 (chords)")
    assert who(song)[0] == {"Bass", "Drums"} and len(who(song)[-1] - {"Harmony"}) == 5


@pytest.mark.parametrize(
    "text",
    [
        "Starts lonely and quiet with piano alone, then hopeful, ends loud with full band",
        "begins softly with solo piano",
    ],
)
def test_who_starts_alone_is_read_behind_how_the_song_starts(text: str) -> None:
    wishes = read_sentence(text)
    assert [(c.value, c.place.kind) for c in wishes.changes if c.what == "alone" and c.place] == [("piano", "start")]
    assert wishes.without == () and "lead" not in wishes.programs
