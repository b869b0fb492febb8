"""What belongs to a channel is found wherever it stands in the file, and every note is there or counted."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.smf import END, meta, midi, name, note, number, track

from kmidi_lab.midi.notes import UNENDED
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import NEVER_END, MidiError, open_file, read_piece


def program(value: int, channel: int = 0, wait: int = 0) -> bytes:
    return number(wait) + bytes([0xC0 | channel, value])


def control(kind: int, value: int, wait: int = 0, channel: int = 0) -> bytes:
    return number(wait) + bytes([0xB0 | channel, kind, value])


def programs(piece: Piece) -> list[tuple[int, int]]:
    return [(t.channel, t.program) for t in piece.tracks]


def test_a_program_in_a_setup_track_is_the_channels() -> None:
    setup = track(program(56) + program(33, 1) + END)
    parts = [track(name(f"{c}") + note(channel=c) + END) for c in (0, 1, 2)]
    assert programs(read_piece(midi(setup, *parts))) == [(0, 56), (1, 33), (2, 0)]
    assert programs(read_piece(midi(*parts, setup))) == [(0, 56), (1, 33), (2, 0)]  # behind the notes, at the same tick


def test_a_tracks_own_program_goes_first() -> None:
    tracks = [track(program(p) + note(wait=w) + END) for p, w in ((5, 0), (40, 0), (73, 480))]
    assert programs(read_piece(midi(*tracks))) == [(0, 5), (0, 40), (0, 73)]


def test_a_program_changes_in_time_and_one_of_another_port_is_another_channels() -> None:
    setup = track(program(56) + program(60, wait=480) + END)
    part = track(note() + note() + END)
    assert programs(read_piece(midi(setup, part))) == [(0, 56), (0, 60)]
    other = track(meta(0x21, b"\1") + program(99) + note() + END)
    assert programs(read_piece(midi(track(note() + END), other))) == [(0, 0), (0, 99)]


def test_a_pedal_in_a_track_of_its_own_is_heard_by_every_part_of_its_channel() -> None:
    pedal = track(control(64, 100) + control(64, 0, 400) + END)
    piece = read_piece(midi(pedal, track(note() + END), track(note(48) + END), track(note(channel=3) + END)))
    assert [t.pedals.tolist() for t in piece.tracks] == [[[0, 400]], [[0, 400]], []]
    own = track(control(64, 127, 10) + control(64, 0, 20) + note() + END)
    assert [t.pedals.tolist() for t in read_piece(midi(pedal, own)).tracks] == [[[10, 30]]]


def test_an_end_in_another_track_or_of_all_notes_is_an_end() -> None:
    begins = track(b"\0\x90\x3c\x50" + END)
    ends = track(b"\x60\x80\x3c\0" + END)
    assert read_piece(midi(begins, ends)).tracks[0].notes.tolist() == [(0, 96, 60, 80)]
    silence = track(control(123, 0, 200) + END)
    piece = read_piece(midi(begins, silence))
    assert piece.tracks[0].notes.tolist() == [(0, 200, 60, 80)] and not piece.flaws
    file = open_file(midi(begins, ends))
    assert file.places[0][:, 2].tolist() == [UNENDED]  # no event of its own track ends it


def test_a_note_that_never_ends_is_counted() -> None:
    piece = read_piece(midi(track(b"\0\x90\x40\x40" + b"\0\x90\x41\x40" + note() + END)))
    assert piece.flaws == {NEVER_END: 2}
    with pytest.raises(MidiError, match="1 that never end"):
        read_piece(midi(track(b"\0\x90\x40\x40" + END)))


def test_drums_without_ends_are_strokes_to_the_next_of_the_same_drum() -> None:
    strokes = b"\0\x99\x24\x50" + b"\x3c\x99\x24\x50" + b"\0\x99\x26\x50"
    [drums] = read_piece(midi(track(strokes + END))).tracks
    assert drums.is_drum and drums.notes.tolist() == [(0, 60, 36, 80), (60, 120, 36, 80), (60, 120, 38, 80)]


KIT = (36, 42, 38, 42)


@pytest.mark.parametrize(
    ("title", "pitches", "channel", "drums"),
    [
        ("Drums", KIT, 10, True),
        ("Schlagzeug", KIT, 3, True),
        ("ドラム", KIT, 4, True),
        ("", KIT, 10, True),
        ("", KIT, 3, False),
        ("", (36, 40, 43, 48), 10, False),  # a bass has no snare where its root is
        ("Steel Drums", KIT, 10, False),
        ("Drums", (36, 100), 3, False),
        ("Bass", KIT, 3, False),
        ("The Little Drummer Boy", KIT, 3, False),
    ],
)
def test_drums_are_known_by_channel_name_or_kit(
    title: str, pitches: tuple[int, ...], channel: int, drums: bool
) -> None:
    notes = b"".join(note(p, channel=channel) for p in pitches)
    program_ = program(114, channel) if "Steel" in title else b""
    [part] = read_piece(midi(track(name(title) + program_ + notes + END))).tracks
    assert part.is_drum == drums


@pytest.mark.parametrize(
    ("title", "program_", "pitches"),
    [
        ("Percussive Organ", 17, (48, 52)),
        ("Perc. Bass", 36, (40, 43)),
        ("Taiko Drum", 116, (60,)),
        ("Perc organ 2", 0, (60,)),
    ],
)
def test_a_pitched_instrument_is_no_drum_whatever_it_is_called(
    title: str, program_: int, pitches: tuple[int, ...]
) -> None:
    notes = b"".join(note(pitch) for pitch in pitches)
    assert not read_piece(midi(track(name(title) + program(program_) + notes + END))).tracks[0].is_drum


@pytest.mark.parametrize(
    ("bank", "program_", "pitches", "is_drum"),
    [
        (120, 0, (36, 38, 42), True), (120, 40, (36, 38, 42), True), (127, 16, (36, 38, 42), True), (127, 64, (36, 38, 42), False),
        (127, 0, (36, 40, 43), False), (121, 0, (36, 38, 42), False), (0, 0, (36, 38, 42), False),
    ],
)  # fmt: skip
def test_a_bank_of_kits_makes_a_channel_one_of_drums(
    bank: int, program_: int, pitches: tuple[int, ...], is_drum: bool
) -> None:
    setup = track(control(0, bank, channel=3) + program(program_, 3) + END)
    notes = track(b"".join(note(pitch, channel=3) for pitch in pitches) + END)
    assert read_piece(midi(setup, notes)).tracks[0].is_drum is is_drum


def test_a_second_kit_channel_is_none_beside_drums_on_channel_10() -> None:
    parts = [track(b"".join(note(p, channel=c) for p in KIT) + END) for c in (9, 10)]
    assert [t.is_drum for t in read_piece(midi(*parts)).tracks] == [True, False]


def test_the_name_of_a_whole_song_makes_no_part_one_of_drums() -> None:
    parts = b"".join(note(p, channel=c) for c in (0, 9) for p in KIT)
    assert [t.is_drum for t in read_piece(midi(track(name("Drum Song") + parts + END), form=0)).tracks] == [False, True]


def test_flaws_are_counted() -> None:
    odd = meta(0x59, b"\xf9\xff") + meta(0x51, b"\1") + meta(0x58, b"\0\2\x18\x08")
    data = midi(track(odd + note(velocity=100) + END + b"\0\x90\x3c"), track(note()), declared=1)
    assert read_piece(data).flaws == {
        "bytes after the end of a track": 3,
        "tempos, metres or keys that can't be": 3,
        "tracks that the header does not count": 1,
        "tracks without an end": 1,
    }
    loud = b"".join(note(velocity=100) for _ in range(200)).replace(b"\x64", b"\xe4", 1)
    piece = read_piece(midi(track(loud + END)))
    assert piece.flaws == {"data above 127, read as 127": 1}
    assert len(piece.tracks[0].notes) == 200 and piece.tracks[0].notes["velocity"][0] == 127


EXPECTED = {
    "drums_key_7flats_mode255.mid": 40, "drums_no_note_offs.mid": 64, "drums_on_ch11.mid": 40, "drums_rmi.rmi": 40,
    "eot_then_garbage.mid": 32, "ntrks_too_few.mid": 52, "program_in_setup_track.mid": 64, "rmi_info_first.rmi": 40,
    "sixteen_pitched_tracks.mid": 256, "sysex_running_silent.mid": 87, "utf8_name.mid": 64,
}  # fmt: skip


@pytest.mark.parametrize("file", EXPECTED)
def test_files_that_strangers_could_not_read(file: str, shared: Path) -> None:
    path = shared / "faults" / file
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    piece = read_piece(path)
    assert sum(len(t.notes) for t in piece.tracks) == EXPECTED[file]
    if file.startswith("drums"):
        assert all(t.is_drum for t in piece.tracks)
    if file == "program_in_setup_track.mid":
        assert programs(piece) == [(0, 56), (1, 33)]


def test_the_first_of_many_silences_behind_a_note_ends_it() -> None:
    struck = bytes([0, 0x90, 60, 80])
    silences = b"".join(control(123, 0, wait=10) for _ in range(5))
    [part] = read_piece(midi(track(number(25) + struck[1:] + END), track(silences + END))).tracks
    assert (part.notes["start"].tolist(), part.notes["duration"].tolist()) == ([25], [5])
