"""A new MIDI file from events: the bytes of each event, and tracks of them put together."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from kmidi_lab.midi.events import CONTROL, KEY, META, METRE, PROGRAM, TEMPO
from kmidi_lab.midi.writing import is_end, joined, number

TICKS = 480
"""A quarter note."""
VOLUME, PAN, EXPRESSION = 7, 10, 11
BEND_RANGE = 2.0
"""Semitones that a full pitch bend moves a note, unless a file says otherwise."""
_MARKER, _PITCH_BEND, _CENTRE = 0x06, 0xE0, 8192
_SLOWEST, _FASTEST = 2**24 - 1, 1
_WHOLE = 96
"""MIDI clocks of a whole note, 24 a quarter."""
Timed = tuple[int, bytes]
"""A tick and an event's bytes without its time."""


def new_file(tracks: Sequence[Sequence[Timed]]) -> bytes:
    """A file of format 1 with `TICKS` a quarter.

    Args:
        tracks: the events of each; at one tick ends of notes come first, all else keeps its order.
    """
    chunks = []
    for events in tracks:
        content = joined(sorted(events, key=lambda timed: (timed[0], not is_end(timed[1]))), 0)
        chunks.append(b"MTrk" + struct.pack(">I", len(content)) + content)
    return b"MThd" + struct.pack(">IHHH", 6, 1, len(chunks), TICKS) + b"".join(chunks)


def tempo_event(tempo: float) -> bytes:
    """A tempo in quarter notes a minute."""
    micros = min(_SLOWEST, max(_FASTEST, round(60e6 / tempo)))
    return bytes([META, TEMPO, 3]) + micros.to_bytes(3, "big")


def metre_event(numerator: int, denominator: int) -> bytes:
    """A time signature; `denominator` is a power of two. A metronome clicks once a beat, which has three eighths in 6/8."""
    compound = denominator > 4 and numerator > 3 and numerator % 3 == 0
    clocks = max(1, (3 if compound else 1) * _WHOLE // denominator)
    return bytes([META, METRE, 4, numerator, denominator.bit_length() - 1, clocks, 8])


def key_event(fifths: int, minor: bool) -> bytes:
    """A key signature of -7 flats to 7 sharps."""
    return bytes([META, KEY, 2, fifths % 256, minor])


def marker_event(text: str) -> bytes:
    """A marker, such as the name of a section that begins."""
    content = text.encode()
    return bytes([META, _MARKER]) + number(len(content)) + content


def program_event(channel: int, program: int) -> bytes:
    """The choice of a General MIDI sound, 0..127."""
    return bytes([PROGRAM | channel, program])


def control_event(channel: int, control: int, value: int) -> bytes:
    """A controller's value, 0..127."""
    return bytes([CONTROL | channel, control, value])


def bend_event(channel: int, semitones: float) -> bytes:
    """A pitch bend, -`BEND_RANGE`..`BEND_RANGE`."""
    value = min(2 * _CENTRE - 1, max(0, _CENTRE + round(semitones / BEND_RANGE * _CENTRE)))
    return bytes([_PITCH_BEND | channel, value & 127, value >> 7])
