"""The song form: its places, its limits, and what a MIDI file of it says."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import mido
import pytest
from support.songs import small_song

from kmidi_lab.chords.chord import Key
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.song import (
    Arrangement,
    ArrangementError,
    Bend,
    Marker,
    Metre,
    Note,
    Part,
    PlacedKey,
    Section,
    Tempo,
    midi_bytes,
)
from kmidi_lab.song.to_midi import key_fifths


def test_places_are_counted_in_quarters_also_where_the_metre_changes() -> None:
    song = Arrangement(
        "", Key(9, -1), (Metre(4, 4), Metre(7, 8), Metre(3, 4)), (Tempo(0, 60), Tempo(4, 120)), mode="dorian"
    )
    assert song.bar_starts == (0.0, 4.0, 7.5, 10.5)
    assert song.length == 10.5
    assert [song.bar_at(place) for place in (0, 3.9, 4, 7.4, 7.5, 99)] == [0, 0, 1, 1, 2, 2]
    assert song.seconds(4) == 4
    assert song.seconds(6) == 5
    assert song.tempo_at(3.99) == 60
    assert song.tempo_at(4) == 120


def test_sections_and_chords_are_met_by_place() -> None:
    song = small_song()
    assert [song.section_at(place).name for place in (0, 15.9, 16, 31)] == ["verse", "verse", "chorus", "chorus"]
    assert song.span(song.sections[1]) == (16, 32)
    assert str(song.chord_at(12).chord) == "G7"
    assert replace(song, chords=song.chords[:1]).chord_at(4) is None
    assert song.part("bass").name == "Bass"
    assert song.part("pad") is None


def test_the_file_holds_names_programs_markers_key_metre_and_tempo(tmp_path) -> None:
    song = replace(
        small_song(key=Key(3, 1)),
        metres=(Metre(),) * 6 + (Metre(3, 4), Metre(5, 4)),
        tempos=(Tempo(0, 100), Tempo(16, 90)),
        markers=(Marker(8, "reveal"),),
    )
    path = tmp_path / "song.mid"
    path.write_bytes(midi_bytes(song))
    file = mido.MidiFile(path)
    head = [(message, tick) for message, tick in _timed(file.tracks[0])]
    assert [(m.text, t) for m, t in head if m.type == "marker"] == [
        ("verse", 0), ("reveal", 8 * 480), ("chorus", 16 * 480),
    ]  # fmt: skip
    assert [m.key for m, _ in head if m.type == "key_signature"] == ["Eb"]
    assert [(m.numerator, m.denominator, t / 480) for m, t in head if m.type == "time_signature"] == [
        (4, 4, 0), (3, 4, 24), (5, 4, 27),
    ]  # fmt: skip
    assert [track.name for track in file.tracks] == ["Small song", "Lead", "Keys", "Bass", "Drums"]
    assert [m.value for m in file.tracks[2] if m.type == "control_change"] == [100, 40]

    piece = read_piece(path)
    assert [(t.name, t.program, t.channel, t.is_drum) for t in piece.tracks] == [
        (part.name, part.program, part.channel, part.is_drums) for part in song.parts
    ]
    assert piece.tempos.round(2).tolist() == [[0, 100], [16 * 480, 90]]
    for track, part in zip(piece.tracks, song.parts, strict=True):
        rows = [(start / 480, duration / 480, pitch, velocity) for start, duration, pitch, velocity in track.notes]
        assert rows == [tuple(note) for note in part.notes]
    assert not piece.flaws


def test_bends_and_struck_again_notes_are_written_so_that_readers_agree(tmp_path) -> None:
    notes = (Note(0, 2, 60, 50), Note(0, 3, 60, 70), Note(1, 2, 60, 80), Note(1.5, 0.0001, 62, 1))
    part = Part("Voice", "lead", 53, 4, notes, bends=(Bend(0, -2), Bend(1, 0.5), Bend(2, 2)))
    path = tmp_path / "bent.mid"
    path.write_bytes(midi_bytes(Arrangement("", Key(0, 1), (Metre(),), (Tempo(0, 120),), parts=(part,))))
    messages = mido.MidiFile(path).tracks[1]
    assert [m.pitch for m in messages if m.type == "pitchwheel"] == [-8192, 2048, 8191]
    rows = read_piece(path).tracks[0].notes.tolist()
    assert rows == [(0, 480, 60, 70), (480, 960, 60, 80), (720, 1, 62, 1)]


@pytest.mark.parametrize(
    ("tonic", "mode", "fifths"), [(0, 1, 0), (6, 1, -6), (11, 1, 5), (9, -1, 0), (3, -1, -6), (6, -1, 3)]
)
def test_key_signatures(tonic: int, mode: int, fifths: int) -> None:
    song = replace(small_song(), key=Key(tonic, mode), mode="major" if mode > 0 else "minor")
    assert key_fifths(song.key) == fifths


def test_a_key_signature_has_the_name_of_its_tonic(tmp_path: Path) -> None:
    six = replace(small_song(), key=Key(6, 1), tonic="F#", keys=(PlacedKey(16.0, Key(6, 1), "Gb"),))
    (path := tmp_path / "six.mid").write_bytes(midi_bytes(six))
    assert [m.key for m in mido.MidiFile(path).tracks[0] if m.type == "key_signature"] == ["F#", "Gb"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"metres": ()}, "0 bars"),
        ({"metres": (Metre(),) * 2001}, "2001 bars; give it 1 to 2000"),
        ({"metres": (Metre(4, 3),) * 8}, "4/3"),
        ({"tempos": ()}, "the first must stand at 0"),
        ({"tempos": (Tempo(0, 0),)}, "use 20 to 400"),
        ({"tempos": (Tempo(0, math.nan),)}, "use 20 to 400"),
        ({"tempos": (Tempo(0, 90), Tempo(0, 91))}, "each other after"),
        ({"mode": "minor"}, "does not fit the key C major"),
        ({"sections": (Section("verse", 1, 7),)}, "must follow at bar 0"),
        ({"sections": (Section("verse", 0, 7),)}, "the sections have 7 bars and the song 8"),
        ({"sections": (Section("verse", 0, 8, energy=2),)}, "must be 0 to 1"),
        ({"title": "x" * 201}, "201 characters"),
        ({"chords": small_song().chords[::-1]}, "must begin at"),
        ({"metres": (Metre(),) * 7, "sections": ()}, "the chords end at 32"),
        ({"parts": (Part("A", "singer", 0, 0),)}, "'singer' is not allowed"),
        ({"parts": (Part("A", "drums", 0, 0),)}, "channel 0"),
        ({"parts": (Part("A", "lead", 0, 9),)}, "channel 9"),
        ({"parts": (Part("A", "lead", 0, 1), Part("B", "pad", 0, 1))}, "give each its own"),
        ({"parts": (Part("A", "lead", 128, 1),)}, "0 to 127"),
        ({"parts": (Part("A", "lead", 0, 1, (Note(0, 1, 128, 1),)),)}, "pitch 128"),
        ({"parts": (Part("A", "lead", 0, 1, (Note(0, 1, 60, 0),)),)}, "velocity 0"),
        ({"parts": (Part("A", "lead", 0, 1, (Note(0, 0, 60, 1),)),)}, "let it last"),
        ({"parts": (Part("A", "lead", 0, 1, (Note(32, 1, 60, 1),)),)}, "begin it at 0 to 32"),
        ({"parts": (Part("A", "lead", 0, 1, (Note(2, 1, 60, 1), Note(1, 1, 60, 1))),)}, "must be sorted"),
        ({"parts": (Part("A", "lead", 0, 1, bends=(Bend(0, 3),)),)}, "bends must be -2 to 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(change: dict, says: str) -> None:
    with pytest.raises(ArrangementError) as refusal:
        replace(small_song(), **change)
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def _timed(track: mido.MidiTrack) -> list[tuple[mido.Message, int]]:
    out, tick = [], 0
    for message in track:
        tick += message.time
        out.append((message, tick))
    return out
