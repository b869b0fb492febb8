"""A part that is to be louder, softer or played in its own way is, and a line says so."""

from __future__ import annotations

import io

import mido
import numpy as np
import pytest

from kmidi_lab.composition.sentence import read_sentence
from kmidi_lab.midi.reading import open_file

FORM = {"sections": "verse 4, chorus 4", "emotion": "joyful", "models": False}


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("a pop song with louder drums", [("louder", "louder drums")]), ("a rock song, quiet bass", [("louder", "softer bass")]),
        ("the drums should be louder, techno", [("louder", "louder drums")]), ("turn up the bass, techno", [("louder", "louder bass")]),
        ("less drums, pop", [("louder", "softer drums")]), ("a song with staccato strings", [("played", "staccato strings")]),
        ("a waltz with pizzicato strings", [("played", "pizzicato strings")]), ("a staccato melody", [("played", "staccato melody")]),
        ("a rock song with palm-muted guitar", [("played", "palm-muted guitar")]), ("a folk song, legato", [("played", "legato")]),
        ("the strings play pizzicato, a waltz", [("played", "pizzicato strings")]), ("a song with a violin, staccato", [("played", "staccato")]),
        ("a song with quieter piano and louder bass", [("louder", "softer piano"), ("louder", "louder bass")]),
        ("a soft piano ballad", []), ("less is more", []), ("she plays the piano louder than me", []), ("staccato gunfire in the street", []),

    ],
)  # fmt: skip
def test_a_part_of_its_own_is_read(text: str, changes: list[tuple[str, str]]) -> None:
    wishes = read_sentence(text)
    assert [(c.what, c.value) for c in wishes.changes] == changes and not wishes.missing


def notes(song, name: str) -> np.ndarray:
    return next(t.notes for t in open_file(song.midi).piece.tracks if t.name == name)


def programs(song) -> dict[str, int]:
    out, name = {}, ""
    for track in mido.MidiFile(file=io.BytesIO(song.midi)).tracks:
        for message in track:
            name = message.name if message.type == "track_name" else name
            if message.type == "program_change":
                out[name] = message.program
    return out


@pytest.mark.parametrize(
    ("words", "part", "factor"),
    [("louder drums", "Drums", 1.1), ("quiet bass", "Bass", 0.7), ("louder melody", "Lead", 1.15)],
)
def test_its_strokes_are(sketch, words: str, part: str, factor: float) -> None:
    plain, song = (sketch(text=text, **FORM) for text in ("a pop song", f"a pop song, {words}"))
    share = notes(song, part)["velocity"].mean() / notes(plain, part)["velocity"].mean()
    assert share > factor if factor > 1 else share < factor
    other = "Chords"
    assert notes(song, other)["velocity"].mean() == pytest.approx(notes(plain, other)["velocity"].mean(), rel=0.1)
    [line] = [line for line in song.remarks if words in line]
    assert line.startswith("softer bass" if "quiet" in words else words) and line.endswith(f"from the text ({words})")
    assert [row for row in song.trace["from_text"] if row["words"] == words]


@pytest.mark.parametrize(
    ("text", "part", "program", "share"),
    [
        ("a pop song with pizzicato strings", "Pad", 45, 1.0), ("a cinematic piece, tremolo strings", "Pad", 44, 1.0),
        ("a rock song with palm-muted guitar", "Chords", 28, 0.5), ("a pop song with a staccato piano", "Chords", 0, 0.45),
    ],
)  # fmt: skip
def test_it_has_the_program_and_the_lengths(sketch, text: str, part: str, program: int, share: float) -> None:
    song = sketch(text=text, **FORM)
    written = next(p for p in song.arrangement.parts if p.name == part)
    assert programs(song)[part] == program == written.program
    played = np.median(notes(song, part)["duration"]) / 480
    assert played <= share * np.median([n.duration for n in written.notes]) * 1.1 + 0.01


def test_legato_reaches_the_next_note(sketch) -> None:
    song = sketch(text="a folk song, legato melody", **FORM)
    lead = np.sort(notes(song, "Lead"), order="start")
    gaps = lead["start"][1:] - (lead["start"] + lead["duration"])[:-1]
    assert np.median(gaps) <= 30


def test_a_short_piano_has_no_pedal(sketch) -> None:
    midi = sketch(text="a ballad with a staccato piano", **FORM).midi
    pedals = [
        m.value
        for t in mido.MidiFile(file=io.BytesIO(midi)).tracks
        for m in t
        if m.type == "control_change" and m.control == 64
    ]
    assert not any(pedals)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a pop song with pizzicato trumpet", "pizzicato trumpet from the text (pizzicato trumpet) is not used: no such part plays"),
        ("a string quartet with louder drums, no drums", "louder drums from the text (louder drums) is not used: no such part plays"),
    ],
)  # fmt: skip
def test_what_cannot_be_played_so_is_told(sketch, text: str, line: str) -> None:
    assert line in sketch(text=text, **FORM).remarks


@pytest.mark.parametrize(
    "settings", [{"sections": "verse 1"}, {"bars": 5, "metre": "6/8"}, {"chords": "Am F", "bars": 4, "metre": "3/4"}]
)
def test_odd_songs_are_mixed_all_the_same(sketch, settings: dict) -> None:
    text = "a duet for two violins, louder drums, legato strings, staccato, quiet bass, pizzicato"
    assert sketch(text=text, models=False, **settings).midi
