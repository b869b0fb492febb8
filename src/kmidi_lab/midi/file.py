"""A Standard MIDI File as its chunks and tracks, so that it can be written again."""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass

from kmidi_lab.midi.events import Events, MidiError
from kmidi_lab.midi.scanning import CLIPPED, scan_all
from kmidi_lab.wording import many

MAX_BYTES = 32 * 2**20
MAX_TRACKS = 256
_CLIPPED_SHARE = 0.01
"""With a larger share of events whose data are above 127 a file is no MIDI that was damaged in a place or two."""
_OTHERS = (
    (b"\x1f\x8b", "packed by gzip: unpack it first"),
    (b"PK\x03\x04", "packed, such as MXL, MSCZ or ZIP: export MIDI from its program"),
    (b"<", "XML, such as MusicXML: export MIDI from its program"),
    (b"X:", "ABC notation: abc2midi makes MIDI of it"),
    *((mark, "a recording: MIDI holds notes") for mark in (b"RIFF", b"fLaC", b"OggS", b"ID3", b"\xff\xfb")),
)
"""What is taken for a MIDI file, by how it begins."""
MORE_TRACKS = "tracks that the header does not count"
FEWER_TRACKS = "tracks that the header counts and that are not there"
ODD = "tempos, metres or keys that can't be"


@dataclass(frozen=True)
class MidiFile:
    """A file's `chunks` in order, (kind, content) with the events of tracks in `tracks`; `flaws` counts what was repaired."""

    form: int
    division: int
    header: bytes
    chunks: tuple[tuple[bytes, bytes], ...]
    tracks: tuple[Events, ...]
    flaws: Counter[str]


def parse(data: bytes) -> MidiFile:
    """The chunks and events of a file of format 0 or 1, also inside RIFF.

    Tracks are read whether the header counts them or not; where it counts more than there are, those that are whole are
    read if the file ends with one. A system event between two notes doesn't end running status, as the files in the
    wild have it. A data byte above 127 is read as 127 where no more than one event in a hundred has one.

    Raises:
        MidiError: not MIDI, truncated, SMPTE time, or events that can't be.
    """
    flaws: Counter[str] = Counter()
    header, chunks = _chunks(_unwrapped(data), flaws)
    form, _, division = struct.unpack_from(">HHH", header)
    tracks = scan_all([content for kind, content in chunks if kind == b"MTrk"], flaws)
    flaws[ODD] += sum(len(events.odd) for events in tracks)
    clipped, total = flaws[CLIPPED], sum(map(len, tracks))
    if clipped > max(1, _CLIPPED_SHARE * total):
        raise MidiError("broken events", f"{clipped} of {total} have data above 127")
    return MidiFile(form, division, header, tuple(chunks), tracks, +flaws)


def _unwrapped(data: bytes) -> bytes:
    """The file inside RIFF, which stands in its chunk `data`, whatever comes before."""
    if len(data) == 0:
        raise MidiError("empty file")
    if len(data) > MAX_BYTES:
        raise MidiError("too large", f"{len(data) >> 20} MiB, at most {MAX_BYTES >> 20}")
    if data[:4] != b"RIFF" or data[8:12] != b"RMID":
        return data
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"data":
            if at + 8 + size > len(data):
                raise MidiError("truncated", "in its RIFF chunk")
            return data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
    raise MidiError("not a MIDI file", "RIFF without data")


def _chunks(data: bytes, flaws: Counter[str]) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """(content of the header, the chunks behind it); what follows the last track and is no chunk is left out."""
    if data[:4] != b"MThd":
        raise MidiError("not a MIDI file", next((is_ for mark, is_ in _OTHERS if data.startswith(mark)), ""))
    if len(data) < 14:
        raise MidiError("truncated", "in the header")
    length, form, declared, division = struct.unpack_from(">IHHH", data, 4)
    if length < 6:
        raise MidiError("not a MIDI file", f"a header of {many(length, 'byte')}")
    if form == 2:
        raise MidiError("format 2", "its tracks are pieces of their own", remedy="save it as format 0 or 1")
    if form > 2:
        raise MidiError("not a MIDI file", f"format {form}")
    if division & 0x8000:
        raise MidiError("SMPTE time", "it counts frames, not beats", remedy="export it with ticks per quarter note")
    if division == 0:
        raise MidiError("zero ticks per quarter")
    if declared > MAX_TRACKS:
        raise MidiError("too many tracks", f"{declared}, at most {MAX_TRACKS}")
    chunks: list[tuple[bytes, bytes]] = []
    count, at = 0, 8 + length
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        is_track = kind == b"MTrk"
        if count >= declared and not is_track and (at + 8 + size > len(data) or not kind.isalnum()):
            break
        if at + 8 + size > len(data):
            raise MidiError("truncated", f"track {count + 1} of {declared}")
        chunks.append((kind, data[at + 8 : at + 8 + size]))
        count += is_track
        at += 8 + size
        if count > MAX_TRACKS:
            raise MidiError("too many tracks", f"more than {MAX_TRACKS}")
    if count < declared and (at < len(data) or not count):
        raise MidiError("truncated", f"{count} of {declared} tracks")
    if not count:
        raise MidiError("no tracks")
    flaws[MORE_TRACKS] += max(0, count - declared)
    flaws[FEWER_TRACKS] += max(0, declared - count)
    return data[8 : 8 + length], chunks
