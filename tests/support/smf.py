"""Standard MIDI Files written byte by byte, so that tests depend on no library's writer."""

from __future__ import annotations

import struct

END = b"\0\xff\x2f\0"


def number(value: int) -> bytes:
    """A variable-length quantity."""
    out = [value & 127]
    while value := value >> 7:
        out.append(value & 127 | 128)
    return bytes(reversed(out))


def chunk(kind: bytes, body: bytes, length: int | None = None) -> bytes:
    return kind + struct.pack(">I", len(body) if length is None else length) + body


def track(events: bytes, length: int | None = None) -> bytes:
    return chunk(b"MTrk", events, length)


def midi(*tracks: bytes, form: int = 1, division: int = 480, declared: int | None = None) -> bytes:
    header = struct.pack(">HHH", form, len(tracks) if declared is None else declared, division)
    return chunk(b"MThd", header) + b"".join(tracks)


def note(pitch: int = 60, velocity: int = 80, duration: int = 480, wait: int = 0, channel: int = 0) -> bytes:
    return (
        number(wait) + bytes([0x90 | channel, pitch, velocity]) + number(duration) + bytes([0x80 | channel, pitch, 0])
    )


def meta(kind: int, body: bytes, wait: int = 0, length: int | None = None) -> bytes:
    return number(wait) + bytes([0xFF, kind]) + number(len(body) if length is None else length) + body


def tempo(microseconds: int, wait: int = 0) -> bytes:
    return meta(0x51, microseconds.to_bytes(3, "big"), wait)


def name(text: str) -> bytes:
    return meta(0x03, text.encode())


def song(title: str = "song", notes: int = 8) -> bytes:
    """A good file: tempo, metre and key, a melody and drums."""
    conductor = name(title) + tempo(400_000) + meta(0x58, bytes([3, 2, 24, 8])) + meta(0x59, b"\xfe\1")
    melody = b"".join(note(60 + i % 24, 40 + i % 80, 240, 240) for i in range(notes))
    drums = b"".join(note(36 + i % 3, 100, 10, 110, channel=9) for i in range(notes))
    return midi(*(track(events + END) for events in (conductor + melody, drums)))
