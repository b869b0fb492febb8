"""A file that is written again: what was not changed is as it was, in another reader's eyes, too."""

from __future__ import annotations

import io
from pathlib import Path

import mido
import numpy as np
import pytest
from support.smf import END, chunk, meta, midi, name, note, number, song, tempo, track

from kmidi_lab.inference.session import Session
from kmidi_lab.midi.file import FEWER_TRACKS
from kmidi_lab.midi.reading import open_file, read_piece
from kmidi_lab.midi.writing import Edit, name_event, note_events, play, rewrite
from kmidi_lab.models.dynamics.predict import PerformedScore
from kmidi_lab.models.groove.predict import HumanisedDrums

NOTES = ("note_on", "note_off")


def rich() -> bytes:
    """Names, lyrics, markers, controllers, bends, sysex, seven sharps, odd metres, ports, a foreign chunk, drums."""
    head = name("Song") + tempo(400_000) + meta(0x58, bytes([4, 2, 24, 8])) + meta(0x59, b"\7\0") + meta(6, b"Verse")
    head += tempo(410_000, 960) + meta(2, "© Größe".encode("cp1252")) + meta(0x7F, b"\0\0\x41\1")
    part = name("Lead") + b"\0\xb0\0\1" + b"\0\xc0\x51" + b"\0\xe0\0\x50" + b"\0\xf0\5\x7e\x7f\x09\1\xf7"
    part += b"".join(meta(5, b"la", 10) + note(60 + i % 12, 50 + i, 200, 30) for i in range(24))
    strings = (
        meta(0x21, b"\1") + name("Strings") + b"\0\xcf\x30" + b"".join(note(48 + i, 70, channel=15) for i in range(8))
    )
    drums = b"".join(note(p, 90, 60, 60, 9) for p in (36, 42, 38, 42) * 12)
    chunks = [track(events + END) for events in (head, part, strings, drums)]
    return midi(*chunks) + chunk(b"XFIH", b"abc")


def others(data: bytes, channels: range | tuple[int, ...]) -> list[list[tuple[int, mido.Message]]]:
    """Every event with its tick by track, but the notes of some channels and ends of track."""
    out = []
    for messages in mido.MidiFile(file=io.BytesIO(data)).tracks:
        now, kept = 0, []
        for message in messages:
            now += message.time
            if message.type == "end_of_track" or (message.type in NOTES and message.channel in channels):
                continue
            kept.append((now, message.copy(time=0)))
        out.append(kept)
    return out


def notes(data: bytes) -> list[list[tuple[int, int]]]:
    """(channel, pitch) of each stroke by track."""
    strikes = lambda t: [m for m in t if m.type == "note_on" and m.velocity > 0]
    return [sorted((m.channel, m.note) for m in strikes(t)) for t in mido.MidiFile(file=io.BytesIO(data)).tracks]


def session() -> Session:
    return Session("any", Path(), Path())


def performed(data: bytes) -> bytes:
    return PerformedScore(data).run(None, session()).midi


def humanised(data: bytes) -> bytes:
    return HumanisedDrums(data).run(None, session()).midi


PITCHED = tuple(c for c in range(16) if c != 9)


@pytest.mark.parametrize(("change", "channels"), [(performed, PITCHED), (humanised, (9,))])
def test_all_but_the_notes_that_are_played_is_as_it_was(change, channels: tuple[int, ...]) -> None:
    before, after = rich(), change(rich())
    assert others(after, channels) == others(before, channels)
    assert notes(after) == notes(before)
    assert after != before and chunk(b"XFIH", b"abc") in after


def test_what_needs_no_change_keeps_its_bytes() -> None:
    data = midi(track(b"\0\x90\x3c\x50\x60\x3c\0" + END), track(note(channel=9) + END))
    after = humanised(data)
    assert track(b"\0\x90\x3c\x50\x60\x3c\0" + END) in after
    assert rewrite(open_file(rich()).file, {}) == rich()


def test_sixteen_parts_keep_their_channels() -> None:
    parts = [
        track(name(f"part {c}") + bytes([0, 0xC0 | c, 60 + c]) + note(channel=c, velocity=60 + c) + END)
        for c in range(16)
    ]
    data = midi(*parts)
    kinds = lambda d: [(t.name, t.channel, t.program) for t in read_piece(d).tracks]
    assert kinds(performed(data)) == kinds(data) == [(f"part {c}", c, 60 + c) for c in range(16)]


def test_a_note_is_not_moved_before_its_program() -> None:
    part = b"\0\xc0\5" + note(60, 50) + b"\0\xc0\7" + note(62, 90) + b"".join(note(64 + i, 40) for i in range(9))
    file = open_file(midi(track(part + END)))
    programs = [t.program for t in file.piece.tracks]
    assert [p[:, 3].tolist() for p in file.places] == [[0], [480] * 10]
    assert [p[:, 4].tolist() for p in file.places] == [[479], [2**31 - 2] * 10]
    after = read_piece(performed(midi(track(part + END))))
    assert [t.program for t in after.tracks] == programs
    assert [len(t.notes) for t in after.tracks] == [1, 10]


def later(data: bytes, by: int) -> bytes:
    """Every note of the file begins and ends later by some ticks."""
    file = open_file(data)
    [notes] = [t.notes for t in file.piece.tracks][:1]
    count = len(notes)
    start = notes["start"].astype(int) + by
    columns = np.zeros(count, int), np.arange(count), start, start + notes["duration"], np.full(count, 64)
    return rewrite(file.file, play(file, *columns))


def test_a_note_that_another_track_ends_is_not_lost_where_it_moves_behind_its_end() -> None:
    begins = track(number(96) + bytes([0x90, 60, 80]) + END)
    ends = track(number(100) + bytes([0x80, 60, 0]) + END)
    [part] = read_piece(later(midi(begins, ends), 9)).tracks
    assert part.notes["start"].tolist() == [99] and part.notes["duration"].tolist() == [1]


def test_a_note_does_not_move_behind_the_next_program() -> None:
    part = note(60, 50, 8, wait=96) + number(4) + b"\xc0\x28" + note(62, 90, 8, wait=2)
    data = midi(track(part + END))
    after = read_piece(later(data, 30))
    assert [(t.program, len(t.notes)) for t in after.tracks] == [(0, 1), (40, 1)]
    assert after.tracks[0].notes["start"].tolist() == [107]


@pytest.mark.parametrize(
    "case", ["odd key", "unfinished", "garbage", "riff", "above 127", "few tracks", "many counted"]
)
def test_what_is_written_can_be_read_by_others(case: str) -> None:
    body = b"".join(note(p, 90, 60, 60, 9) for p in (36, 42, 38, 42) * 50)
    key = meta(0x59, b"\xf9\xff")
    whole = midi(track(body + END))
    data = {
        "odd key": midi(track(key + body + END)),
        "unfinished": midi(track(body)),
        "garbage": midi(track(body + END + b"\0\x90\x3c")),
        "riff": b"RIFF"
        + (len(whole) + 12).to_bytes(4, "little")
        + b"RMIDdata"
        + len(whole).to_bytes(4, "little")
        + whole,
        "above 127": midi(track(body.replace(b"\x5a", b"\xda", 1) + END)),
        "few tracks": midi(track(body + END), track(note() + END), declared=1),
        "many counted": midi(track(body + END), declared=7),
    }[case]
    after = humanised(data)
    assert sum(len(t) for t in notes(after)) == 200 + (case == "few tracks")
    assert not read_piece(after).flaws


def test_notes_and_tracks_can_be_added() -> None:
    file = open_file(song())
    end = int(file.file.tracks[0].tick[-1])
    more = Edit(added=[(0, name_event("Chords")), *note_events(3, 50, 60, 0, 96)])
    after = rewrite(file.file, {0: Edit(added=note_events(0, 72, 90, end + 480, end + 960))}, [more])
    tracks = read_piece(after).tracks
    assert tracks[0].notes.tolist()[-1] == (end + 480, 480, 72, 90)
    assert (tracks[-1].name, tracks[-1].channel, tracks[-1].notes.tolist()) == ("Chords", 3, [(0, 96, 50, 60)])
    assert mido.MidiFile(file=io.BytesIO(after)).type == 1


@pytest.mark.slow
def test_real_scores_keep_all_but_their_notes(shared: Path) -> None:
    for folder in ("asap", "pop909", "emopia"):
        for path in sorted((shared / folder).rglob("*.mid"))[::400]:
            data = path.read_bytes()
            after = performed(data)
            assert notes(after) == notes(data), path
            pedal = lambda rows: [[e for e in t if not getattr(e[1], "is_cc", lambda _: False)(64)] for t in rows]
            assert pedal(others(after, PITCHED)) == pedal(others(data, PITCHED)), path


def test_numbers_of_any_length() -> None:
    for value in (0, 127, 128, 16383, 16384, 2**21, 2**28 - 1):
        data = midi(track(note(wait=value, velocity=9) + END))
        if value < 2**27:
            assert read_piece(performed(data)).tracks[0].notes["start"][0] >= value - 60
        assert number(value) in data
    assert np.array_equal(read_piece(rewrite(open_file(song()).file, {0: Edit()})).tempos, read_piece(song()).tempos)


def test_a_rest_that_no_number_holds_is_split() -> None:
    """A key that can't be, between two notes, is not written again: its time and the next are one."""
    longest = 2**28 - 1
    data = midi(track(note() + meta(0x59, b"\x70\5", longest) + note(62, wait=longest) + END), division=30_000)
    after = rewrite(open_file(data).file, {0: Edit()})
    kept, moved = mido.MidiFile(file=io.BytesIO(after)), read_piece(after)
    assert moved.tracks[0].notes.tolist() == read_piece(data).tracks[0].notes.tolist()
    assert max(m.time for m in kept.tracks[0]) == longest and not moved.flaws
    end = 3 * longest
    later = rewrite(open_file(song()).file, {0: Edit(added=[(end, b"\xb0\1\0")])})
    assert sum(m.time for m in mido.MidiFile(file=io.BytesIO(later)).tracks[0]) == end


def test_tracks_that_a_header_counts_and_are_not_there_are_told() -> None:
    assert read_piece(midi(track(note() + END), declared=3)).flaws == {FEWER_TRACKS: 2}
