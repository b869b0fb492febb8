"""Files as they are found in the wild and as an enemy would write them, each with what must become of it."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from support.smf import END, chunk, meta, midi, name, note, number, song, tempo, track

GOOD = song()
HUGE = 0x0FFFFFFF


def _riff(data: bytes, before: bytes = b"") -> bytes:
    content = b"RMID" + before + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(content)) + content


def _many_notes(count: int) -> bytes:
    return midi(track(b"\0\x90" + b"".join(bytes([i % 128, 80, 1, i % 128, 0, 1]) for i in range(count))[:-1] + END))


def _random_bytes(size: int) -> bytes:
    return random.Random(0).randbytes(size)


ONE = note() + END
CASES: dict[str, tuple[Callable[[], bytes], int | str]] = {
    # Files that are odd but mean something: how many notes they hold.
    "good": (lambda: GOOD, 16),
    "format 0": (lambda: midi(track(ONE), form=0), 1),
    "one-track file that calls itself format 0 and has two": (lambda: midi(track(ONE), track(ONE), form=0), 2),
    "RIFF-wrapped": (lambda: _riff(GOOD), 16),
    "a longer header": (lambda: chunk(b"MThd", struct.pack(">HHH", 1, 1, 480) + b"more") + track(ONE), 1),
    "a foreign chunk between the tracks": (lambda: midi(track(ONE), chunk(b"XFIH", b"abc"), track(ONE), declared=2), 2),
    "rubbish after the last track": (lambda: GOOD + _random_bytes(999), 16),
    "empty tracks beside a good one": (lambda: midi(track(b""), track(END), track(ONE)), 1),
    "a track that never says its end": (lambda: midi(track(note())), 1),
    "a note that never ends beside one that does": (lambda: midi(track(b"\0\x90\x40\x40" + ONE)), 1),
    "a note of no length": (lambda: midi(track(note(duration=0) + END)), 1),
    "a note that ends before it begins": (lambda: midi(track(b"\0\x80\x3c\0" + ONE)), 1),
    "running status": (lambda: midi(track(b"\0\x90\x3c\x50\x60\x3c\0\0\x3e\x50\x60\x3e\0" + END)), 2),
    "a name that is no UTF-8": (lambda: midi(track(meta(3, b"\x83\x84\xff\xfe\0\n") + ONE)), 1),
    "a lyric of a megabyte": (lambda: midi(track(meta(5, b"la" * 2**19) + ONE)), 1),
    "an impossible metre and key": (
        lambda: midi(track(meta(0x58, b"\0\xff\x18\x08") + meta(0x59, b"\x70\x05") + ONE)),
        1,
    ),
    "256 tracks": (lambda: midi(*[track(ONE)] * 256), 256),
    "200,000 notes": (lambda: _many_notes(200_000), 200_000),
    "a file of 23 hours": (lambda: midi(track(note(wait=23 * 3600 * 960) + END)), 1),
    "a velocity above 127": (lambda: midi(track(b"\0\x90\x3c\xd0" + ONE)), 1),
    "more tracks than declared": (lambda: midi(track(ONE), track(ONE), track(ONE), declared=1), 3),
    "fewer tracks than declared": (lambda: midi(track(ONE), track(ONE), declared=5), 2),
    "RIFF with words before its data": (lambda: _riff(GOOD, b"LIST" + struct.pack("<I", 5) + b"INFOx\0"), 16),
    "sysex between notes of one status": (
        lambda: midi(track(b"\0\x90\x3c\x50\x60\x3c\0\0\xf0\2\x7e\xf7\0\x3e\x50\x60\x3e\0" + END)),
        2,
    ),
    "notes behind the end of the track": (lambda: midi(track(ONE + note())), 1),
    "drums without ends": (lambda: midi(track(b"\0\x99\x24\x50" * 8 + END)), 8),
    "a tempo of two bytes": (lambda: midi(track(meta(0x51, b"\7\7") + ONE)), 1),
    # And those that are refused, with the reason.
    "nothing": (lambda: b"", "empty file"),
    "random bytes": (lambda: _random_bytes(4096), "not a MIDI file"),
    "random bytes after a header": (lambda: GOOD[:14] + _random_bytes(4096), "truncated"),
    "text": (lambda: b"<html>404</html>" * 9, "not a MIDI file"),
    "RIFF of something else": (lambda: _riff(GOOD).replace(b"RMID", b"WAVE"), "not a MIDI file"),
    "RIFF with nothing in it": (lambda: _riff(b""), "not a MIDI file"),
    "a header of four bytes": (lambda: chunk(b"MThd", b"\0\1\0\1") + track(ONE), "not a MIDI file"),
    "format 2": (lambda: midi(track(ONE), track(ONE), form=2), "format 2"),
    "format 7": (lambda: midi(track(ONE), form=7), "not a MIDI file"),
    "SMPTE": (lambda: midi(track(ONE), division=0xE728), "SMPTE time"),
    "no ticks": (lambda: midi(track(ONE), division=0), "zero ticks per quarter"),
    "no tracks": (lambda: midi(), "no tracks"),
    "300 tracks": (lambda: midi(*[track(ONE)] * 300), "too many tracks"),
    "fewer tracks than declared, the last cut": (lambda: midi(track(ONE), track(ONE), declared=3)[:-1], "truncated"),
    "fewer tracks than declared, half a chunk behind": (lambda: midi(track(ONE), declared=2) + b"MTr", "truncated"),
    "65,535 tracks declared": (lambda: midi(track(ONE), declared=65535), "too many tracks"),
    "a track that says it is longer": (lambda: midi(track(ONE, length=999)), "truncated"),
    "a track of four gigabytes": (lambda: midi(track(ONE, length=2**32 - 1)), "truncated"),
    "a track that says it is shorter": (lambda: midi(track(ONE, length=6)), "broken events"),
    "a meta event beyond the end": (lambda: midi(track(meta(5, b"la", length=HUGE) + ONE)), "broken events"),
    "a sysex event beyond the end": (lambda: midi(track(b"\0\xf0\x7f\x43" + ONE)), "broken events"),
    "running status with nothing running": (lambda: midi(track(b"\0\x3c\x50\x60\x3c\0" + END)), "broken events"),
    "many data above 127": (lambda: midi(track(b"\0\x90\xbc\xd0\0\x80\xbc\xd0" + ONE)), "broken events"),
    "a number that goes on and on": (lambda: midi(track(b"\xff" * 40 + ONE)), "broken events"),
    "no notes": (lambda: midi(track(name("silence") + END)), "no notes"),
    "empty tracks only": (lambda: midi(track(b""), track(END)), "no notes"),
    "only notes that never end": (lambda: midi(track(b"\0\x90\x3c\x50" + END)), "no notes"),
    "zero tempo": (lambda: midi(track(tempo(0) + ONE)), "zero tempo"),
    "a million notes": (lambda: _many_notes(1_000_000), "too many notes"),
    "ticks beyond 32 bits": (lambda: midi(track(note(wait=HUGE, duration=1) * 9 + END)), "absurd times"),
    "a file of 25 hours": (lambda: midi(track(note(wait=25 * 3600 * 960) + END)), "absurd times"),
    "a note of 77 hours": (lambda: midi(track(note(duration=HUGE) + END)), "absurd times"),
    "a lyric of 50 megabytes": (lambda: midi(track(meta(5, b"la" * (25 * 2**20)) + ONE)), "too large"),
    **{
        f"cut off after {at} bytes": ((lambda at=at: GOOD[:at]), "not a MIDI file" if at < 4 else "truncated")
        for at in (1, 3, 4, 8, 13, 14, 18, 22, 30, len(GOOD) // 2, len(GOOD) - 30, len(GOOD) - 1)
    },
}
assert number(HUGE) == b"\xff\xff\xff\x7f"
