"""Whatever is done to a good file, reading it ends in notes or in a reason; and no note is lost in silence."""

from __future__ import annotations

import io

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.smf import END, meta, midi, name, note, song, tempo, track

from kmidi_lab.midi.events import NOTE_ON
from kmidi_lab.midi.reading import NEVER_END, MidiError, open_file, read_piece
from kmidi_lab.midi.writing import Edit, rewrite


def varied() -> bytes:
    part = (
        name("Mélodie")
        + b"\0\xc0\5\0\xb0\x40\x7f"
        + note(60)
        + b"\0\x90\x3e\x50\x60\x3e\0\0\xf0\3\x7e\1\xf7\0\x40\x50\x60\x40\0"
    )
    part += meta(1, b"words") + note(64) + b"\0\xd0\x10\x20\x11" + note(65) + b"\0\xe0\0\x40" + b"\0\xb0\x40\0"
    drums = b"".join(note(p, channel=9, duration=30) for p in (36, 42, 38, 42)) + b"\0\x99\x24\x50"
    return midi(
        *(track(events + END) for events in (tempo(300_000) + meta(0x59, b"\2\0"), part, drums)), track(note(channel=3))
    )


GOOD = [song(), varied()]
CHANGE = st.tuples(
    st.sampled_from(["set", "insert", "delete", "swap", "cut"]),
    st.integers(0, 10_000),
    st.binary(min_size=1, max_size=4),
)


def mutated(data: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for kind, where, some in changes:
        at = where % max(1, len(data))
        if kind == "set":
            data = data[:at] + some[:1] + data[at + 1 :]
        elif kind == "insert":
            data = data[:at] + some + data[at:]
        elif kind == "delete":
            data = data[:at] + data[at + len(some) :]
        elif kind == "swap":
            data = data[:at] + data[at : at + 8][::-1] + data[at + 8 :]
        elif where % 7 == 0:
            data = data[:at]
    return data


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(st.sampled_from(GOOD), st.lists(CHANGE, min_size=1, max_size=6))
def test_a_damaged_file_is_read_or_refused_and_no_note_is_lost_in_silence(
    good: bytes, changes: list[tuple[str, int, bytes]]
) -> None:
    data = mutated(good, changes)
    try:
        file = open_file(data)
    except MidiError as error:
        assert error.reason and "\n" not in str(error)
        return
    piece = file.piece
    read = sum(len(t.notes) for t in piece.tracks)
    strikes = sum(int((events.second[events.of(NOTE_ON)] > 0).sum()) for events in file.file.tracks)
    assert read + piece.flaws.get(NEVER_END, 0) == strikes
    for events in file.file.tracks:  # between two events lies nothing but the time of the second
        begins = events.body - 1
        assert ((begins[1:] - events.end[:-1] >= -1) & (begins[1:] - events.end[:-1] <= 4)).all()
    again = read_piece(rewrite(file.file, {n: Edit() for n in range(len(file.file.tracks))}))
    assert [t.notes.tolist() for t in again.tracks] == [t.notes.tolist() for t in piece.tracks]
    try:
        reference = mido.MidiFile(file=io.BytesIO(data), clip=True)
    except Exception:  # mido refuses more, in whatever way
        return
    if not set(piece.flaws) & {"bytes after the end of a track", "tracks that the header does not count"}:
        counted = sum(m.type == "note_on" and m.velocity > 0 for t in reference.tracks for m in t)
        assert counted == strikes


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.integers(0, 3))
def test_random_events_are_read_or_refused(events: bytes, more: int) -> None:
    try:
        read_piece(midi(track(events + note() + END), *[track(note() + END)] * more))
    except MidiError as error:
        assert error.reason
