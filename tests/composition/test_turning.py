"""A song whose mood or key changes does so at its place, is led there, and its file says so."""

from __future__ import annotations

import io

import mido
import numpy as np
import pytest

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.spelling import Spelling, parse_spelling
from kmidi_lab.composition.brief import Mood
from kmidi_lab.composition.form import read_form
from kmidi_lab.composition.material import Material
from kmidi_lab.composition.page import song_page
from kmidi_lab.composition.picture import drawn
from kmidi_lab.composition.said_places import Place
from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.composition.spans import whole_rounds
from kmidi_lab.composition.stages import Stage, moved, of_mode, transposed
from kmidi_lab.midi.reading import open_file
from kmidi_lab.song import Note

FORM = "verse 4, chorus 4, verse 4, chorus 4"


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("a song that starts sad and ends happy", [("mood", "sad", None), ("mood", "happy", None)]),
        ("first angry, then exhausted, then grateful", [("mood", "angry", None), ("mood", "tired", None), ("mood", "grateful", None)]),
        ("a song that starts out lonely and sad, then slowly finds hope", [("mood", "lonely", None), ("mood", "hopeful", None)]),
        ("a song that starts gently and ends angrily", [("mood", "gentle", None), ("mood", "angry", None)]),
        ("sad at first but ends up hopeful", [("mood", "sad", None), ("mood", "hopeful", None)]),
        ("sad in the verses, hopeful in the chorus", [("mood", "sad", Place("verse")), ("mood", "hopeful", Place("chorus"))]),
        ("a song about a girl who finds hope", []),
        ("a song from despair to hope", [("mood", "despairing", None), ("mood", "hopeful", None)]),
        ("a happy song that turns sad", [("mood", "happy", None), ("mood", "sad", None)]), ("a song that gets happier", [("mood", "happy", None)]),
        ("sad verses and happy choruses", [("mood", "sad", Place("verse")), ("mood", "happy", Place("chorus"))]),
        ("a happy song with a sad ending", [("mood", "sad", Place("end"))]),
        ("ein Lied, das traurig beginnt und fröhlich endet", [("mood", "sad", None), ("mood", "happy", None)]),
        ("a pop song with a key change", [("shift", "2", None)]),
        ("a pop song with a key change before the last chorus", [("shift", "2", Place("chorus", -1, -1))]),
        ("a song that modulates up a tone at the end", [("shift", "2", Place("end"))]),
        ("a song that goes up a semitone in the last chorus", [("shift", "1", Place("chorus", -1))]),
        ("a ballad, last chorus a half step higher", [("shift", "1", Place("chorus", -1))]),
        ("a song that starts in C minor and ends in C major", [("key", "c major", None)]),
        ("a song that modulates to E major in the bridge", [("key", "e major", Place("bridge"))]),
        ("a song in D minor that goes to major", [("mode", "major", None)]),
    ],
)  # fmt: skip
def test_what_turns_is_read(text: str, changes: list[tuple[str, str, Place | None]]) -> None:
    wishes = read_sentence(text)
    assert [(c.what, c.value, c.place) for c in wishes.changes] == changes and not wishes.missing
    assert "despair" not in text or wishes.mood == "despairing", "a word that a feeling is known of"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("a song that starts in C minor and ends in C major", ("C", "minor")), ("a song in D minor that goes to major", ("D", "minor")),
        ("a song that goes from minor to major", ("", "minor")), ("a pop song in G with a key change", ("G", "")),
    ],
)  # fmt: skip
def test_the_key_that_it_begins_in_is_the_songs(text: str, key: tuple[str, str]) -> None:
    assert read_sentence(text).key == key


def keys(midi: bytes) -> list[tuple[float, str]]:
    """Where each key signature stands, in quarters, and its key."""
    at, out = 0, []
    for message in mido.MidiFile(file=io.BytesIO(midi)).tracks[0]:
        at += message.time
        if message.type == "key_signature":
            out.append((at / 480, message.key))
    return out


def test_a_song_that_starts_sad_and_ends_happy_goes_from_minor_to_major(sketch) -> None:
    song = sketch(text="a song that starts sad and ends happy", key=None, sections=FORM, models=False)
    first, last = song.trace["form"]["sections"][0], song.trace["form"]["sections"][-1]
    tonic = song.brief.spelling.tonic
    assert keys(song.midi) == [(0.0, f"{tonic}m"), (32.0, tonic)]
    assert (first["key"], last["key"]) == (f"{tonic} minor", f"{tonic} major")
    assert first["mood"]["valence"] < 0 < last["mood"]["valence"] and last["mood"]["arousal"] > first["mood"]["arousal"]
    assert f"mood happy from bar 9 on, in {tonic} major from the text (starts sad and ends happy)" in song.remarks
    before, after = (song.arrangement.chord_at(place).chord for place in (28.0, 60.0))
    assert before.degree(song.brief.key.tonic) == 7 and before.quality in ("major", "dom7"), "it is led there"
    assert song.arrangement.chord_at(32.0).chord.root == song.brief.key.tonic
    assert after.root == song.brief.key.tonic and after.quality == "major", "and ends there"
    lead = song.arrangement.part("lead").notes
    third = song.brief.key.tonic + 3
    assert not [n for n in lead if n.start >= 32 and (n.pitch - third) % 12 == 0]
    assert [marker.text for marker in song.arrangement.markers] == [f"happy, {tonic} major"]
    energies = [s.energy for s in song.arrangement.sections]
    assert energies[2] > energies[0] and energies[3] > energies[1]


def test_the_picture_and_the_page_show_where_it_turns(sketch) -> None:
    from matplotlib import pyplot as plt

    song = sketch(text="a song that starts sad and ends happy", key=None, sections=FORM, models=False)
    figure = drawn(song.arrangement, "A song", song.brief.spelling)
    assert song.arrangement.markers[0].text in {text.get_text() for text in figure.axes[0].texts}
    plt.close(figure)
    page = song_page("A song", song.trace, None, b"", "song.wav").decode()
    assert f"{song.brief.spelling.tonic} major" in page and f"{song.brief.spelling.tonic} minor" in page


def test_the_picture_names_chords_in_the_key_that_is_gone_to(sketch) -> None:
    from matplotlib import pyplot as plt

    song = sketch(text="a song in E with a key change, with the chords E A B E", sections=FORM, key=None, models=False)
    figure = drawn(song.arrangement, "A song", song.brief.spelling)
    names = {text.get_text() for axes in figure.axes for text in axes.texts}
    assert {"F#", "E"} <= names and not names & {"Gb", "Cb"}
    plt.close(figure)


def test_a_sad_bridge_comes_back_to_the_songs_key(sketch) -> None:
    song = sketch(text="a happy song in C with a sad bridge", sections="verse 4, bridge 4, verse 4", models=False)
    tonic = song.brief.spelling.tonic
    assert keys(song.midi) == [(0.0, tonic), (16.0, f"{tonic}m"), (32.0, tonic)]
    first, _, last = (s["chords"] for s in song.trace["form"]["sections"])
    assert first[0] == last[0]
    assert f"mood sad in bars 5-8, in {tonic} minor from the text (sad bridge)" in song.remarks


@pytest.mark.parametrize(
    ("text", "steps"),
    [("a pop song with a key change", 2), ("a pop song that goes up a half step in the last chorus", 1)],
)
def test_the_last_chorus_is_the_chorus_before_it_higher(sketch, text: str, steps: int) -> None:
    song = sketch(text=text, key="C", sections="verse 4, chorus 8, verse 4, chorus 8", models=False)
    assert "compose.key=C was typed" in " ".join(song.remarks), "a typed key holds in the whole song"
    song = sketch(text=f"{text} in C", sections="verse 4, chorus 8, verse 4, chorus 8", models=False)
    assert keys(song.midi) == [(0.0, "C"), (64.0, {1: "Db", 2: "D"}[steps])]
    lead = song.arrangement.part("lead").notes
    first, last = ([(n.start - at, n.pitch) for n in lead if at <= n.start < at + 20] for at in (16.0, 64.0))
    higher, heard = {(start, pitch + steps) for start, pitch in first}, {*last}
    assert first and len(higher & heard) > 0.6 * len(higher | heard), "the same chorus, with a singer's liberties"
    assert {note for note in higher if note[0] < 2} <= heard
    led = song.arrangement.chord_at(60.0).chord
    assert (led.root, led.quality) in (((7 + steps) % 12, "major"), ((7 + steps) % 12, "dom7"))
    assert song.arrangement.chord_at(92.0).chord.root == steps


@pytest.mark.parametrize(
    ("bars", "sections", "turn"),
    [(20, None, 4), (None, "verse 12, solo 24, verse 12", 24), (None, "intro 4, verse 24", 16)],
)
def test_a_blues_turns_where_a_round_begins(sketch, bars: int | None, sections: str | None, turn: int) -> None:
    song = sketch(text="a blues in E that starts sad and ends happy", bars=bars, sections=sections, models=False)
    moods = [(len(s["chords"]), s["mood"]["words"]) for s in song.trace["form"]["sections"]]
    first = next(n for n, (_, mood) in enumerate(moods) if mood == "happy")
    assert sum(own for own, _ in moods[:first]) == turn, moods


def test_the_signature_of_a_song_is_named_as_its_key_is(sketch) -> None:
    assert keys(sketch(text="a pop song", key="F# major", bars=4, models=False).midi) == [(0.0, "F#")]
    song = sketch(text="a pop song with a key change in E", sections="verse 2, chorus 2, chorus 2", models=False)
    assert keys(song.midi) == [(0.0, "E"), (8.0, "F#")]


def test_the_middle_of_a_blues_is_a_round() -> None:
    form = read_form("verse 12, verse 12, solo 12")
    assert whole_rounds([(13, 22)], form, 12) == [(12, 24)] and whole_rounds([(14, 17)], form, 12) == [(12, 24)]
    assert whole_rounds([(3, 9)], read_form("verse 12"), 12) == [(3, 9)], "of one round nothing else can be"


def test_a_blues_goes_up_where_a_round_begins(sketch) -> None:
    song = sketch(text="a blues in E with a key change", key=None, bars=24, models=False)
    assert [at for at, _ in keys(song.midi)] == [0.0, 48.0]


def test_a_key_that_is_named_is_gone_to(sketch) -> None:
    song = sketch(text="a ballad that starts in C minor and ends in E major", bars=16, models=False)
    assert keys(song.midi) == [(0.0, "Cm"), (32.0, "E")] and "key E major from bar 9 on" in " ".join(song.remarks)


def test_a_typed_mood_or_chords_hold_all_through(sketch) -> None:
    song = sketch(text="a song that starts sad and ends happy", emotion="calm", sections=FORM, models=False)
    assert len(keys(song.midi)) == 1 and not song.arrangement.keys
    assert (
        "mood happy from the text (starts sad and ends happy) is not used: compose.emotion says the mood"
        in song.remarks
    )
    own = sketch(text="a song that starts sad and ends happy", chords="C G Am F", sections=FORM, models=False)
    assert len(keys(own.midi)) == 1 and [
        line for line in own.remarks if line.startswith("mood happy from bar 9 on, in C major")
    ]


def test_chords_that_a_text_gives_are_moved_but_keep_their_mode(sketch) -> None:
    given = "a folk song with the chords C G Am F"
    song = sketch(
        text=f"{given}, starts happy and ends sad, goes from major to minor", sections=FORM, key=None, models=False
    )
    assert keys(song.midi) == [(0.0, "C")] and any(line.startswith("mood sad from bar 9") for line in song.remarks)
    assert "is not used: your chords are of one key" in " ".join(song.remarks)
    song = sketch(text=f"{given}, with a key change", sections=FORM, key=None, models=False)
    assert keys(song.midi) == [(0.0, "C"), (48.0, "D")] and song.arrangement.chord_at(52.0).chord.root == 9


@pytest.mark.slow
def test_the_models_play_the_end_louder_in_a_livelier_mood(sketch) -> None:
    song = sketch(text="a song that starts sad and ends happy", sections=FORM)
    piece = open_file(song.midi).piece
    notes = np.concatenate([t.notes for t in piece.tracks if t.name in ("Lead", "Chords")])
    late = notes["start"] >= 32 * piece.ticks_per_quarter
    assert notes["velocity"][late].mean() > 1.2 * notes["velocity"][~late].mean()


@pytest.mark.parametrize(
    "settings",
    [{"sections": "verse 1"}, {"bars": 4, "metre": "3/4"}, {"sections": "intro 2, silence 2, verse 3"}, {"chords": "Am F | C G", "bars": 7},
     {"bars": 9, "metre": "6/8", "seed": 3}],
)  # fmt: skip
@pytest.mark.parametrize(
    "text",
    [
        "a duet for two violins that starts sad and ends happy, with a key change at the end", "sad verses and happy choruses, modulates up a tone in the last chorus",
        "first angry, then exhausted, then grateful, then calm, quiet verses", "a jazz song that goes from minor to major, layer by layer",
    ],
)  # fmt: skip
def test_odd_songs_turn_or_say_why_not(sketch, text: str, settings: dict) -> None:
    song = sketch(text=text, models=False, **settings)
    assert any(part.notes for part in song.arrangement.parts)
    assert len(song.trace["form"]["sections"]) == len(song.arrangement.sections)


def test_a_parallel_key_with_many_signs_is_the_relative_one() -> None:
    """Eb minor has six flats: from Eb major a song goes to C minor; from B minor to D major, since B major has five sharps."""
    assert str(of_mode(parse_spelling("Eb"), -1)) == "C minor" and str(of_mode(parse_spelling("Bm"), 1)) == "D major"
    assert str(of_mode(parse_spelling("Am"), 1)) == "A major" and of_mode(parse_spelling("G"), 1) == parse_spelling("G")


def test_chords_are_moved_and_spelt_in_their_new_key() -> None:
    stage = Stage(Mood(0.0, 0.0), Spelling.of(Key(0, 1)), 1)
    higher = transposed(Material(("C", "F / G7 C/E"), (Note(0.0, 1.0, 60, 80),)), stage)
    assert higher == Material(("Db", "Gb / Ab7 Db/F"), (Note(0.0, 1.0, 61, 80),)) and str(stage.heard) == "Db major"
    sharp, flat = (Stage(Mood(0.0, 0.0), parse_spelling(key), 2 if key == "E" else 1) for key in ("E", "F"))
    assert (str(sharp.heard), str(flat.heard)) == ("F# major", "Gb major")
    assert moved("Bm7b5", 0, stage.spelling) == "Bm7b5" and moved("N", 2, stage.spelling) == "N"
