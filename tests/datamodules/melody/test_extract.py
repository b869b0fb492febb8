"""The melody of a MIDI file, found by name, by how its track plays and as the upper voice; metre and key."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.smf import END, meta, midi, name, note, number, track

from datamodules.melody import reading
from datamodules.melody.reading import MIN_NOTES
from kmidi_lab.chords.chord import Key
from kmidi_lab.midi.piece import NOTE, Piece
from kmidi_lab.midi.reading import MidiError, read_piece
from kmidi_lab.models.melody import finding
from kmidi_lab.models.melody.finding import single, uncovered

TUNE = [67, 69, 71, 72, 74, 72, 71, 69, 67, 64, 62, 64, 67, 69, 71, 72]
BASS = b"".join(note(40 + 2 * (i % 2), 80, 480, 0, channel=1) for i in range(16))


def chords(low: int = 48) -> bytes:
    """Triads of a quarter each."""
    out = b""
    for i in range(16):
        on = b"".join(number(0) + bytes([0x92, low + i % 3 + k, 70]) for k in (0, 4, 7))
        off = (
            number(480) + bytes([0x82, low + i % 3, 0]) + b"".join(bytes([0, 0x82, low + i % 3 + k, 0]) for k in (4, 7))
        )
        out += on + off
    return out


def program(channel: int, number_: int) -> bytes:
    return bytes([0, 0xC0 | channel, number_])


def tune(title: str = "") -> bytes:
    return track(name(title) + b"".join(note(p, 80, 460, 20) for p in TUNE) + END)


def song(title: str, conductor: bytes = b"") -> Piece:
    parts = (name("Bass") + program(1, 33) + BASS, name("Strings") + program(2, 48) + chords())
    return read_piece(midi(track(conductor + END), *(track(p + END) for p in parts), tune(title)))


@pytest.mark.parametrize(
    ("title", "how"),
    [("Melody", "named"), ("LEAD VOCAL", "named"), ("voice", "named"), ("Track 3", "role"), ("Backing vocals", "role")],
)
def test_the_melody_is_found_by_name_or_by_how_it_plays(title: str, how: str) -> None:
    found = finding.melody_of(song(title))
    assert found.how == how
    assert found.voice.pitch.tolist() == TUNE
    # Each note starts a 24th late and is a hair short: on the grid they follow each other.
    assert found.voice.duration.tolist() == [1.0] * 16
    assert not found.voice.rest.any() and np.flatnonzero(found.voice.phrase).tolist() == [0]


def test_a_single_track_gives_its_upper_voice() -> None:
    both = b"".join(
        number(0) + bytes([0x90, p, 80]) + bytes([0, 0x90, 48, 80]) + number(480) + bytes([0x80, p, 0, 0, 0x80, 48, 0])
        for p in TUNE
    )
    found = finding.melody_of(read_piece(midi(track(both + END))))
    assert (found.how, found.voice.pitch.tolist()) == ("skyline", TUNE)


def test_the_upper_voice_of_all_has_no_bass_part_unless_there_is_nothing_else() -> None:
    bass = track(program(1, 33) + BASS + END)
    found = finding.melody_of(read_piece(midi(bass, track(program(2, 48) + chords() + END))))
    assert (found.how, found.voice.pitch.min()) == ("skyline", 55)
    effects = track(program(0, 120) + b"".join(note(p) for p in TUNE) + END)
    assert finding.melody_of(read_piece(midi(effects))).voice.pitch.tolist() == TUNE


def test_where_the_tune_rests_the_bass_is_no_part_of_it() -> None:
    tune = [(960 * i, 240 if i % 4 == 3 else 480, p, 80) for i, p in enumerate(TUNE * 2)]
    bass = [(480 * i, 480, 36 + i % 3, 80) for i in range(64)]
    both = np.array(sorted(tune + bass), NOTE)
    assert finding.upper_voice(both, 480).pitch.tolist() == TUNE * 2
    leaps = np.array([(*row[:2], row[2] - 24 * (i % 5 == 4), 80) for i, row in enumerate(tune)], NOTE)
    assert len(finding.upper_voice(leaps, 480).pitch) == len(tune)  # one voice keeps all of its notes


def test_a_note_under_a_held_one_is_another_voice() -> None:
    starts, ends = np.array([0.0, 1.0, 2.0, 3.95]), np.array([4.0, 2.0, 3.0, 5.0])
    assert uncovered(starts, ends, np.array([72, 60, 64, 59]), 1 / 12).tolist() == [0, 3]
    assert uncovered(starts, ends, np.array([60, 72, 64, 59]), 1 / 12).tolist() == [0, 1, 2, 3]


def test_rests_and_phrases() -> None:
    voice = single(np.array([0, 1, 2.7, 5]), np.array([0.9, 2, 3, 6]), np.array([60, 62, 64, 65]), 4)
    assert voice.onset.tolist() == [0, 1, 2.75, 5]
    assert voice.duration.tolist() == [1, 1, 0.25, 1]
    assert voice.rest.tolist() == [False, False, True, True]
    assert voice.phrase.tolist() == [True, False, False, True]


def test_bars_follow_the_metre_of_the_file() -> None:
    waltz = meta(0x58, bytes([3, 2, 24, 8]))
    made = reading.melody(reading.arrays(song("Melody", waltz)), "a/b")
    assert made.bar.tolist() == [3.0] * 16
    assert made.position.tolist()[:7] == [0, 1, 2, 0, 1, 2, 0]
    assert (made.id, made.source, made.chord) == ("lakh/a/b", "lakh_named", None)
    assert reading.melody(reading.arrays(song("Melody")), "x").position.tolist()[:5] == [0, 1, 2, 3, 0]


def test_the_given_key_counts_unless_it_is_what_programs_write_unasked() -> None:
    def key(signature: bytes) -> Key:
        piece = song("Melody", meta(0x59, signature))
        return finding.key_of(piece)

    assert key(b"\xfe\1") == Key(7, -1)  # two flats, minor
    assert key(b"\3\0") == Key(9, 1)
    plain = song("Melody")
    assert key(b"\0\0") == finding.key_of(plain)


def test_what_has_no_melody_says_why() -> None:
    drums = b"".join(note(36, 80, 100, channel=9) for _ in range(40))
    with pytest.raises(MidiError) as caught:
        finding.melody_of(read_piece(midi(track(drums + END))))
    assert caught.value.reason == "no melody" and str(caught.value).endswith("; give a file with a melody")
    high = b"".join(note(120 + i % 3, 80, 480) for i in range(16))
    with pytest.raises(MidiError) as caught:
        finding.melody_of(read_piece(midi(track(name("Melody") + high + END))))
    assert caught.value.reason == "pitch outside octaves 1 to 8" and str(caught.value).endswith("; transpose it")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 3000), st.integers(30, 100)), min_size=12, max_size=80))
def test_any_notes_become_one_voice_on_the_grid(notes: list[tuple[int, int, int]]) -> None:
    rows = np.array([(s, d, p, 80) for s, d, p in sorted(notes)], NOTE)
    voice = finding.upper_voice(rows, 480)
    assert (np.diff(voice.onset) > 0).all() and (voice.duration >= 1 / finding.GRID - 1e-9).all()
    assert (voice.onset[1:] >= voice.onset[:-1] + voice.duration[:-1] - 1e-9).all()
    assert np.allclose(voice.onset * finding.GRID, np.round(voice.onset * finding.GRID))
    assert set(voice.pitch.tolist()) <= {p for _, _, p in notes}


def test_pop909_knows_its_melody(shared: Path) -> None:
    """Names hidden, the track that plays like a melody is mostly POP909's MELODY."""
    right = total = 0
    for path in sorted((shared / "pop909").glob("09?/09?.mid")):
        piece = read_piece(path)
        truth = next(t for t in piece.tracks if t.name == "MELODY")
        hidden = replace(piece, tracks=tuple(replace(t, name="") for t in piece.tracks))
        wanted = finding.upper_voice(truth.notes, float(piece.ticks_per_quarter))
        assert len(wanted.pitch) >= MIN_NOTES
        found = finding.melody_of(hidden).voice
        right += len({*zip(found.onset, found.pitch, strict=True)} & {*zip(wanted.onset, wanted.pitch, strict=True)})
        total += len(wanted.pitch)
    assert right / total > 0.75
