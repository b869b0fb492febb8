"""What a sentence wants of one place is heard there: how loud it is, and who plays."""

from __future__ import annotations

import numpy as np
import pytest

from kmidi_lab.composition.entering import sounding
from kmidi_lab.composition.form import read_form
from kmidi_lab.composition.players import Players
from kmidi_lab.composition.request import SongRequest
from kmidi_lab.composition.said_places import Place
from kmidi_lab.composition.song import composed
from kmidi_lab.composition.spans import spans_of, told, turn_at, turn_of
from kmidi_lab.composition.staging import ByBar
from kmidi_lab.composition.swelling import levelled
from kmidi_lab.midi.reading import open_file
from kmidi_lab.song import Note, SongIntent, answer

FORM = read_form("intro 4, verse 8, chorus 8, verse 8, bridge 4, chorus 8, outro 4")


def heard(song) -> list[dict[str, tuple[int, float]]]:
    """Of each section the notes of each part and their mean velocity, as it is played."""
    piece, out = open_file(song.midi).piece, []
    for section in song.arrangement.sections:
        start, stop = (at * piece.ticks_per_quarter for at in song.arrangement.span(section))
        row = {}
        for track in piece.tracks:
            at = track.notes["start"] + piece.ticks_per_quarter // 8
            notes = track.notes[(at >= start) & (at < stop)]
            row[track.name] = len(notes), float(notes["velocity"].mean()) if len(notes) else 0.0
        out.append(row)
    return out


def who(song) -> list[set[str]]:
    return [{name for name, (count, _) in row.items() if count} for row in heard(song)]


@pytest.mark.parametrize(
    ("place", "bars"),
    [
        (Place("chorus"), "bars 13-20 and 33-40"), (Place("verse", 2), "bars 21-28"), (Place("chorus", -1, -1), "bars 29-32"),
        (Place("bridge", 0, 1), "bars 33-40"), (Place("middle"), "bars 21-28"), (Place("end"), "bars 41-44"),
        (Place("start"), "bars 1-4"), (Place("first half"), "bars 1-20"), (Place("late"), "bars 21-44"),
    ],
)  # fmt: skip
def test_a_place_is_bars_of_a_form(place: Place, bars: str) -> None:
    assert told(spans_of(place, FORM)) == bars


def test_what_a_form_has_not_is_nowhere_and_a_short_one_has_all_its_shares() -> None:
    short = read_form("verse 1")
    for kind in ("solo", "pre-chorus"):
        assert spans_of(Place(kind), FORM) == []
    assert spans_of(Place("intro", 0, -1), FORM) == spans_of(Place("outro", 0, 1), FORM) == []
    for kind in ("middle", "start", "end", "first half", "second half", "late"):
        assert all(0 <= a < b <= 1 for a, b in spans_of(Place(kind), short))
    uneven = read_form("intro 4, verse 8, chorus 4, verse 4, chorus 4")
    assert [turn_of(n, 3, uneven) for n in range(3)] == [(0, 8), (8, 16), (16, 24)], (
        "no part is half as long as another"
    )
    assert turn_at(read_form("verse 4"), 0.5) == 2 and turn_at(read_form("verse 16"), 0.5) == 8


def test_quiet_verses_and_loud_choruses_are_heard(sketch) -> None:
    song = sketch(
        text="a rock song, quiet verses and loud choruses",
        sections="verse 4, chorus 4, verse 4, chorus 4",
        models=False,
    )
    verse, chorus, second, last = ({name: loud for name, (_, loud) in row.items()} for row in heard(song))
    for soft, full in ((verse, chorus), (second, last)):
        assert soft["Lead"] < 0.6 * full["Lead"] and soft["Chords"] < 0.7 * full["Chords"]
    assert who(song)[0] == {"Lead", "Chords"} and who(song)[1] > {"Bass", "Drums", "Pad"}
    assert [s.energy for s in song.arrangement.sections] == [0.25, 0.95, 0.25, 0.95]
    assert "loudness soft in bars 1-4 and 9-12 from the text (quiet verses and loud choruses)" in song.remarks
    assert {"what": "loudness", "value": "loud in bars 5-8 and 13-16", "words": "quiet verses and loud choruses", "unused": ""} in song.trace["from_text"]  # fmt: skip


@pytest.mark.slow
def test_models_leave_what_is_asked_for(sketch) -> None:
    song = sketch(
        text="a sad song that calms down in the middle", sections="verse 4, chorus 4, bridge 4, chorus 4, outro 4"
    )
    first, second, middle, last, _ = (row["Lead"][1] for row in heard(song))
    assert middle < 0.75 * min(second, last) and middle < 0.9 * first


def test_a_section_that_grows_is_louder_from_bar_to_bar(sketch) -> None:
    song = sketch(text="a pop song that builds up in the bridge", sections="verse 4, bridge 4, chorus 4", models=False)
    piece = open_file(song.midi).piece
    notes = np.concatenate([t.notes for t in piece.tracks if t.name in ("Chords", "Bass")])
    bars = (notes["start"] + 60) // (4 * piece.ticks_per_quarter)
    loud = [float(notes["velocity"][bars == bar].mean()) for bar in range(4, 8)]
    assert loud == sorted(loud) and loud[0] < 0.7 * loud[-1]


@pytest.mark.parametrize(
    ("text", "part", "plays"),
    [
        ("a rock song, drums enter in the chorus", "Drums", [False, False, True, True, True]),
        ("a rock song, the bass drops out in the bridge", "Bass", [False, True, True, False, True]),
        ("a rock song without drums in the verses", "Drums", [False, False, True, True, True]),
        ("a rock song with drums only in the chorus", "Drums", [False, False, True, False, True]),
        ("a rock song, only drums in the intro", "Drums", [True] * 5),
        ("a rock song, only drums in the intro", "Chords", [False, True, True, True, True]),
        ("a pop song that starts with piano alone", "Chords", [True] * 5),
    ],
)
def test_a_part_plays_where_it_is_asked_for(sketch, text: str, part: str, plays: list[bool]) -> None:
    song = sketch(text=text, emotion="joyful", sections="intro 4, verse 4, chorus 4, bridge 4, chorus 4", models=False)
    assert [part in playing for playing in who(song)] == plays


def test_parts_that_come_one_after_another_do(sketch) -> None:
    song = sketch(
        text="a folk song, layer by layer",
        sections="verse 4, verse 4, verse 2, chorus 2, chorus 4, chorus 8",
        models=False,
    )
    counts = [len(playing) for playing in who(song)]
    assert counts == sorted(counts) and counts[0] == 1 and counts[-1] == 6, "and the last chorus has its second voice"
    short = sketch(text="a folk song, layer by layer", bars=4, models=False)
    assert [line for line in short.remarks if line.startswith("one part after another from bar 1 (chords)")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a pop song with a quiet bridge", "loudness soft from the text (quiet bridge) is not used: the song has no such place"),
        ("a pop song, the violin drops out in the chorus", "without violin from the text (the violin drops out in the chorus) is not used: no such part plays"),
    ],
)  # fmt: skip
def test_what_has_no_place_is_told(sketch, text: str, line: str) -> None:
    assert line in sketch(text=text, sections="verse 4, chorus 4", models=False).remarks


def test_a_form_that_nobody_names_has_the_sections_that_are_spoken_of(sketch) -> None:
    song = sketch(text="a folk song with a quiet bridge", bars=16, models=False)
    assert [s.name for s in song.arrangement.sections] == ["verse", "chorus", "bridge", "chorus"]
    assert song.trace["form"]["changed"] == "the verse of 4 bars became the bridge that is asked for"


@pytest.mark.parametrize(
    "settings",
    [
        {"sections": "verse 1"}, {"sections": "silence 2, chorus 3"}, {"bars": 4, "metre": "3/4"}, {"bars": 9, "metre": "6/8"},
        {"chords": "Am F C G", "bars": 8}, {"sections": ", ".join(["verse 1"] * 12)},
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "text",
    [
        "a song, quiet verses and loud choruses, drums enter in the last chorus, no bass in the second half",
        "a string quartet that starts with violin alone, calms down in the middle, then everything drops out",
        "loud, then quiet, then loud, then soft, layer by layer, only drums in the outro",
    ],
)  # fmt: skip
def test_odd_songs_are_made_all_the_same(sketch, text: str, settings: dict) -> None:
    song = sketch(text=text, models=False, **settings)
    assert any(part.notes for part in song.arrangement.parts)


def test_a_note_sounds_outside_of_rests_alone() -> None:
    """Bars of 4: of a note from bar 1 to the end of bar 3, the second half of bar 2 is left where 1 and 3 rest."""
    note = Note(4.0, 12.0, 60, 80)
    assert sounding(note, {1, 3}, 4.0) == Note(8.0, 4.0, 60, 80)
    assert sounding(note, {1, 2, 3}, 4.0) is None and sounding(note, {0}, 4.0) == note


def test_strokes_are_softer_where_their_bar_is_to_be(make) -> None:
    song = make(emotion="sad", sections="verse 4", models=False)
    before, after, shorter = (
        {t.name: t.notes["velocity"][t.notes["start"] < 1920] for t in open_file(midi).piece.tracks}
        for midi in (
            song.midi,
            levelled(song.midi, [0.0, 1.0, 1.0, 1.0], [0.0, 4.0, 8.0, 12.0]),
            levelled(song.midi, [0.0, 1.0, 1.0, 1.0], [0.0, 2.0, 6.0, 10.0]),
        )
    )
    assert after["Lead"].tolist()[:-1] == pytest.approx(0.45 * before["Lead"][:-1], abs=0.51), (
        "to the nearest whole one"
    )
    softer = [a != b for a, b in zip(before["Lead"], shorter["Lead"], strict=True)]
    assert any(softer) and softer == sorted(softer, reverse=True) and sum(softer) < len(softer) - 1, "a bar lost beats"


@pytest.mark.slow
def test_what_is_asked_of_bars_goes_along_where_a_rule_reorders_them(tmp_path) -> None:
    """Of sections that come once each the order is reversed: the loud, slow chorus comes before the quiet verse."""
    song = SongIntent()
    for name, value in (
        ("technical_rule_to_break", "ARRANGEMENT_StructuralMismatch"),
        ("rule_breaking_justification", "memory has no order"),
    ):
        song = answer(song, name, value)
    request = SongRequest(
        "a rock song with quiet verses and loud choruses, the chorus at half tempo",
        song=song,
        sections="verse 8, chorus 4",
    )
    made = composed(request, Players(None, tmp_path), 1)
    assert [s.name for s in made.arrangement.sections] == ["chorus", "verse"]
    chorus, verse = (row["Chords"][1] for row in heard(made))
    assert chorus > 1.2 * verse
    assert [t.tempo for t in made.arrangement.tempos] == sorted({t.tempo for t in made.arrangement.tempos})
    assert (
        "ARRANGEMENT_StructuralMismatch puts bars in another order; what was asked of bars goes with them"
        in made.remarks
    )


def test_bars_in_another_order_keep_what_they_have() -> None:
    assert ByBar((1.0, 0.5, 2.0), (0.1, 0.2, 0.3)).in_order([2, 0, 1]) == ByBar((2.0, 1.0, 0.5), (0.3, 0.1, 0.2))
