"""A MIDI file written again with some of its events changed; all that is not changed comes out as it went in."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kmidi_lab.midi.events import END_OF_TRACK, META, NOTE_OFF, NOTE_ON, TEXT, TRACK_NAME, Events
from kmidi_lab.midi.file import MidiFile
from kmidi_lab.midi.reading import OpenFile

_END = bytes([META, END_OF_TRACK, 0])
_LONGEST = 2**28 - 1
"""Ticks between two events that four bytes hold."""
NOTHING = bytes([META, TEXT, 0])
"""An empty text, which stands within a longer rest."""


@dataclass
class Edit:
    """Changes of one track. `moved` gives events (by number) a new tick, `changed` new bytes without their time.

    `added` holds (tick, bytes without their time) in the order in which they shall stand at one tick.
    """

    moved: dict[int, int] = field(default_factory=dict)
    changed: dict[int, bytes] = field(default_factory=dict)
    added: list[tuple[int, bytes]] = field(default_factory=list)


def rewrite(file: MidiFile, edits: Mapping[int, Edit], more: Sequence[Edit] = ()) -> bytes:
    """The file with its tracks edited, by their number, and `more` tracks of added events behind them.

    Chunks that are no tracks stay, a RIFF wrapper goes. Tracks of a file with flaws are written anew, so that every
    reader can read them.
    """
    out, number = [], 0
    for kind, content in file.chunks:
        if kind == b"MTrk":
            if number in edits or file.flaws:
                content = _track(file.tracks[number], edits.get(number, Edit()))
            number += 1
        out.append(kind + struct.pack(">I", len(content)) + content)
    for edit in more:
        content = joined([(tick, event) for tick, event in sorted(edit.added, key=lambda e: e[0])], 0)
        out.append(b"MTrk" + struct.pack(">I", len(content)) + content)
    count = number + len(more)
    header = struct.pack(">HHH", file.form if count == 1 else 1, count, file.division) + file.header[6:]
    return b"MThd" + struct.pack(">I", len(header)) + header + b"".join(out)


def name_event(name: str) -> bytes:
    """A track's name."""
    text = name.encode()
    return bytes([META, TRACK_NAME]) + number(len(text)) + text


def stroke(channel: int, pitch: int, velocity: int) -> bytes:
    """The event that begins a note, or takes the place of the one that did."""
    return bytes([NOTE_ON | channel, pitch, velocity])


def note_events(channel: int, pitch: int, velocity: int, start: int, end: int) -> list[tuple[int, bytes]]:
    """What is added for a note; its end stands before what begins at the same tick."""
    return [(start, stroke(channel, pitch, velocity)), (end, bytes([NOTE_OFF | channel, pitch, 64]))]


def _track(events: Events, edit: Edit) -> bytes:
    """Ends that were moved stand before what begins at the same tick; all else keeps its order."""
    closing = events.metas(END_OF_TRACK)
    last = int(events.tick[closing[0]]) if len(closing) else 0
    timed: list[tuple[int, int, int, bytes]] = []
    for i in range(len(events)):
        if i in closing or i in events.odd:
            continue
        event = edit.changed[i] if i in edit.changed else events.written(i)
        timed.append((edit.moved.get(i, int(events.tick[i])), 0 if i in edit.moved and is_end(event) else 1, i, event))
    timed += [(t, 0 if is_end(e) else 2, i, e) for i, (t, e) in enumerate(edit.added)]
    timed.sort(key=lambda row: row[:3])
    return joined([(tick, event) for tick, _, _, event in timed], last)


def is_end(event: bytes) -> bool:
    """Whether an event ends a note."""
    return event[0] & 0xF0 == NOTE_OFF or (event[0] & 0xF0 == NOTE_ON and event[2] == 0)


def joined(timed: Sequence[tuple[int, bytes]], last: int) -> bytes:
    """Events in order of time, each behind its delta, and the end of the track not before `last`."""
    out, now = [], 0
    for tick, event in [*timed, (max([last, *(t for t, _ in timed[-1:])]), _END)]:
        while tick - now > _LONGEST:
            out += [number(_LONGEST), NOTHING]
            now += _LONGEST
        out += [number(tick - now), event]
        now = tick
    return b"".join(out)


def number(value: int) -> bytes:
    """A variable-length quantity."""
    out = [value & 127]
    while value := value >> 7:
        out.append(value & 127 | 128)
    return bytes(reversed(out))


def play(
    file: OpenFile, part: np.ndarray, index: np.ndarray, start: np.ndarray, end: np.ndarray, velocity: np.ndarray
) -> dict[int, Edit]:
    """Edits that give notes a new start, end and velocity.

    Args:
        file: what is edited.
        part: of each note, its track in the piece, `[N]`.
        index: and its place there, `[N]`.
        start: where it shall begin, in ticks `[N]`; a note stays before the next choice of a program, and before its
            end where another track ends it.
        end: and end; where no event of the track ends a note, its end stays.
        velocity: 1..127 `[N]`.
    """
    edits: dict[int, Edit] = {}
    columns = (part.tolist(), index.tolist(), start.tolist(), end.tolist(), velocity.tolist())
    for p, i, begins, ends, loud in zip(*columns, strict=True):
        track, on, off, _, latest = file.places[p][i].tolist()
        note, edit = file.piece.tracks[p].notes[i], edits.setdefault(track, Edit())
        if off < 0 and not file.piece.tracks[p].is_drum:
            latest = min(latest, int(note["start"]) + int(note["duration"]) - 1)
        edit.moved[on] = min(begins, latest)
        edit.changed[on] = stroke(file.piece.tracks[p].channel, int(note["pitch"]), loud)
        if off >= 0:
            edit.moved[off] = max(ends, edit.moved[on] + 1)
    return edits
