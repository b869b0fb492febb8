"""`read_piece`: the same notes as mido's, the same seconds as pretty_midi's, and a reason for whatever is broken."""

from __future__ import annotations

import io
import os
import pickle
from collections import defaultdict
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.bad_midi import CASES
from support.smf import END, meta, midi, name, note, song, tempo, track
from symusic import Score

from kmidi_lab.midi import scanning
from kmidi_lab.midi.piece import NOTE, Piece
from kmidi_lab.midi.reading import MidiError, read_piece


def mido_notes(data: bytes) -> list[tuple[int, int, int, int, bool]]:
    """(start, duration, pitch, velocity, drum) of every note, by an independent reader; first in, first out."""
    notes = []
    for events in mido.MidiFile(file=io.BytesIO(data), clip=False).tracks:
        now, sounding = 0, defaultdict(list)
        for event in events:
            now += event.time
            if event.type == "note_on" and event.velocity > 0:
                sounding[event.channel, event.note].append((now, event.velocity))
            elif event.type in ("note_on", "note_off") and sounding[event.channel, event.note]:
                start, velocity = sounding[event.channel, event.note].pop(0)
                notes.append((start, now - start, event.note, velocity, event.channel == 9))
    return sorted(notes)


def our_notes(piece: Piece) -> list[tuple[int, int, int, int, bool]]:
    return sorted((*map(int, row), t.is_drum) for t in piece.tracks for row in t.notes.tolist())


def performance(seed: int) -> bytes:
    """A pretty_midi file with tempo changes, several programs, drums and pedals."""
    rng = np.random.default_rng(seed)
    score = pretty_midi.PrettyMIDI(
        resolution=int(rng.choice([96, 220, 480])), initial_tempo=float(rng.uniform(50, 200))
    )
    ticks = np.cumsum(rng.integers(200, 4000, 6))
    score._tick_scales += [(int(t), 60.0 / (rng.uniform(40, 240) * score.resolution)) for t in ticks]
    score._update_tick_to_time(200_000)
    for drum in (False, False, True):
        part = pretty_midi.Instrument(int(rng.integers(128)) if not drum else 0, is_drum=drum, name=f"part {drum}")
        for start in np.sort(rng.uniform(0, 60, 200)):
            pitch, velocity = int(rng.integers(128)), int(rng.integers(1, 128))
            part.notes.append(pretty_midi.Note(velocity, pitch, start, start + rng.uniform(0.05, 2)))
        score.instruments.append(part)
    out = io.BytesIO()
    score.write(out)
    return out.getvalue()


@pytest.mark.parametrize("data", [song(), *map(performance, range(4))], ids=["song", *"0123"])
def test_notes_are_midos_and_seconds_are_pretty_midis(data: bytes) -> None:
    piece, reference = read_piece(data), pretty_midi.PrettyMIDI(io.BytesIO(data))
    assert our_notes(piece) == mido_notes(data)
    assert piece.ticks_per_quarter == reference.resolution
    ticks = np.arange(0, 20_000, 37)
    expected = np.array([reference.tick_to_time(int(t)) for t in ticks])
    np.testing.assert_allclose(piece.seconds(ticks), expected, rtol=0, atol=2e-6)
    np.testing.assert_allclose(piece.ticks(piece.seconds(ticks)), ticks, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_notes_are_symusics(seed: int) -> None:
    reference = Score.from_midi(performance(seed))
    theirs = [(n.time, n.duration, n.pitch, n.velocity, t.is_drum) for t in reference.tracks for n in t.notes]
    assert our_notes(read_piece(performance(seed))) == sorted(theirs)


@pytest.mark.slow
def test_real_files_hold_midos_notes(shared: Path) -> None:
    files = sorted(shared.rglob("*.mid"))[::190]
    assert files
    for path in files:
        assert our_notes(read_piece(path)) == mido_notes(path.read_bytes()), path


def test_a_piece_is_sorted_and_its_maps_are_clean() -> None:
    late = tempo(500_000, wait=960) + tempo(300_000) + meta(0x58, b"\4\2\x18\x08") + meta(0x58, b"\6\3\x18\x08")
    notes = (
        note(70, duration=10, wait=0)
        + b"".join(bytes([0, 0x90, p, 9]) for p in (64, 60))
        + bytes([5, 0x80, 64, 0, 0, 0x80, 60, 0])
    )
    keys = meta(0x59, b"\xfd\1") + meta(0x59, b"\2\0", wait=7)
    piece = read_piece(midi(track(late + END), track(name(" a\tb\0 ") + keys + notes + END), division=96))
    assert piece.tempos.tolist() == [[0, 120], [960, 200]]
    assert piece.metres.tolist() == [[960, 6, 8]]
    assert piece.keys.tolist() == [[0, 0, 1], [7, 2, 0]]  # three flats in minor is C minor, two sharps in major is D
    [part] = piece.tracks
    assert part.notes.dtype == NOTE
    assert part.name == "ab"
    assert part.notes.tolist() == [(7, 10, 70, 80), (17, 5, 60, 9), (17, 5, 64, 9)]


def test_pedals_and_programs() -> None:
    events = b"\0\xc0\x05" + b"\0\xb0\x40\x7f" + note() + b"\0\xb0\x40\0" + END
    [part] = read_piece(midi(track(events))).tracks
    assert (part.program, part.is_drum, part.pedals.tolist()) == (5, False, [[0, 480]])


@pytest.mark.parametrize("case", CASES)
def test_every_odd_file_is_read_or_refused_with_its_reason(case: str) -> None:
    make, expected = CASES[case]
    if isinstance(expected, int):
        assert len(our_notes(read_piece(make()))) == expected
        return
    with pytest.raises(MidiError) as caught:
        read_piece(make())
    assert caught.value.reason == expected
    assert "\n" not in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).reason == expected


def test_what_is_no_file_is_refused_by_reason(tmp_path: Path) -> None:
    (tmp_path / "folder.mid").mkdir()
    (tmp_path / "dangling.mid").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.mid").symlink_to(tmp_path / "loop.mid")
    os.mkfifo(tmp_path / "pipe.mid")
    expected = {"folder": "not a file", "dangling": "cannot be read", "loop": "cannot be read", "pipe": "not a file"}
    for stem, reason in {**expected, "missing": "cannot be read"}.items():
        with pytest.raises(MidiError) as caught:
            read_piece(tmp_path / f"{stem}.mid")
        assert caught.value.reason == reason
        assert f"{stem}.mid" in str(caught.value)


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "secret.mid").write_bytes(song())
    monkeypatch.setattr(Path, "read_bytes", refuse)  # root, who runs many test machines, may read everything
    with pytest.raises(MidiError, match=r"cannot be read \(Permission denied\)"):
        read_piece(tmp_path / "secret.mid")


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(song())
    (tmp_path / "link.mid").symlink_to(tmp_path / "real")
    assert len(our_notes(read_piece(tmp_path / "link.mid"))) == 16


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 127), st.integers(1, 127), st.integers(0, 3000), st.integers(0, 3000)), min_size=1
    )
)
def test_any_notes_come_back_as_written(notes: list[tuple[int, int, int, int]]) -> None:
    data = midi(track(b"".join(note(p, v, d, w) for p, v, d, w in notes) + END))
    assert our_notes(read_piece(data)) == mido_notes(data)


@pytest.mark.parametrize(("limit", "event"), [("MAX_SYSTEM", meta(1, b"")), ("MAX_EVENTS", b"\0\xb0\7\x64")])
def test_events_are_bounded_in_a_file_not_in_a_track(monkeypatch: pytest.MonkeyPatch, limit: str, event: bytes) -> None:
    """Each meta event costs microseconds of Python: a file of 32 MiB may hold eight million."""
    monkeypatch.setattr(scanning, limit, 100)
    few, many = track(event * 40 + note() + END), track(event * 90 + note() + END)
    assert read_piece(midi(few, few)).tracks
    for tracks in ((few, few, few), (many, few), (track(event * 101 + note() + END),)):
        with pytest.raises(MidiError, match="too many events"):
            read_piece(midi(*tracks))


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"\x1f\x8b\x08", "gzip"),
        (b"PK\x03\x04", "MSCZ"),
        (b"<?xml", "MusicXML"),
        (b"X:1", "abc2midi"),
        (b"RIFF\0\0\0\0WAVE", "recording"),
    ],
)
def test_what_another_file_is_is_told(head: bytes, said: str) -> None:
    with pytest.raises(MidiError, match=rf"not a MIDI file \(.*{said}"):
        read_piece(head + bytes(20))


@pytest.mark.parametrize(
    ("data", "remedy"),
    [
        (midi(track(note() + END), division=0xE728), "export it with ticks per quarter note"),
        (midi(track(note() + END), form=2), "save it as format 0 or 1"),
        (b"nothing", "check the file or export it again"),
    ],
)
def test_a_file_of_another_kind_says_what_to_make_of_it(data: bytes, remedy: str) -> None:
    with pytest.raises(MidiError) as caught:
        read_piece(data)
    assert str(caught.value).endswith(f"; {remedy}")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
