"""Where the sound of a WAV or AIFF file lies, whatever its header says of the length."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from kmidi_lab.audio.spliced import Stretch

_ENDLESS = 0x7FFF_0000
"""What programs that write to a pipe give for a length that they don't know is this or more, or 0."""
_ENDLESS_LONG = 2**62
_MOST_CHUNKS = 1000
_TAGS = (b"ID3", b"TAG", b"APETAGEX")


def sound_of_riff(file: BinaryIO, size: int) -> tuple[list[bytes | Stretch] | None, bool]:
    """(the parts to read instead of the file, None for the file itself; whether it is cut short).

    Args:
        file: begins with RIFF, RIFX, RF64, BW64 or FORM.
        size: its bytes.
    """
    file.seek(0)
    kind = file.read(4)
    order, mark = (">" if kind in (b"RIFX", b"FORM") else "<"), (b"SSND" if kind == b"FORM" else b"data")
    long_size = 0
    for name, at, claimed in _chunks(file, order, size):
        if name == b"ds64" and claimed >= 16:
            long_size = struct.unpack("<Q", _read(file, at + 8, 8))[0]
        if name == mark:
            break
    else:
        return None, False
    there = size - at
    if kind == b"BW64":  # ITU-R BS.2088, which libsndfile knows by its older name alone
        renamed: list[bytes | Stretch] | None = [b"RF64", (4, size)]
    else:
        renamed = None
    if kind in (b"RF64", b"BW64") and claimed == 0xFFFF_FFFF and 0 < long_size < _ENDLESS_LONG:
        end = at + long_size
        if long_size > there or not all(_more_sound(file, order, place, size) for place in (end, end + long_size % 2)):
            return renamed, long_size > there
    endless = claimed >= _ENDLESS or (claimed == 0 and there > 0)
    if not endless and claimed > there:
        return renamed, True
    behind = (at + claimed, at + claimed + claimed % 2)  # not every program pads what is odd
    more = (endless and claimed) or all(_more_sound(file, order, place, size) for place in behind)
    if mark == b"SSND" or not there or not more:
        return renamed, False
    # Then libsndfile reads as far as the file goes.
    open_end: list[bytes | Stretch] = [(0, at - 4), b"\xff\xff\xff\xff", (at, size)]
    if kind in (b"RF64", b"BW64"):
        open_end = [(b"RIFF" + _read(file, 4, at - 8)), b"\xff\xff\xff\xff", (at, size)]
    return open_end, False


def bare_sound(file: BinaryIO, size: int) -> list[bytes | Stretch] | None:
    """The format and the sound of a WAV file without all else, for what libsndfile breaks at or wants in another order.

    Args:
        file: begins with RIFF.
        size: its bytes.

    Returns:
        None where one of the two is missing, or another file follows.
    """
    places: dict[bytes, Stretch] = {}
    for name, at, claimed in _chunks(file, "<", size):
        if name == b"RIFF":
            return None
        places.setdefault(name, (at - 8, min(at + claimed + claimed % 2, size)))
    if not {b"fmt ", b"data"} <= places.keys():
        return None
    chosen = [places[name] for name in (b"fmt ", b"fact", b"data") if name in places]
    length = 4 + sum(end - begin for begin, end in chosen)
    return [b"RIFF" + struct.pack("<I", length) + b"WAVE", *chosen]


def _chunks(file: BinaryIO, order: str, size: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, first byte, bytes as claimed) of each chunk."""
    at = 12
    for _ in range(_MOST_CHUNKS):
        head = _read(file, at, 8)
        if len(head) < 8:
            return
        name, claimed = head[:4], struct.unpack(order + "I", head[4:])[0]
        yield name, at + 8, claimed
        at += 8 + claimed + claimed % 2
        if at >= size:
            return


def _more_sound(file: BinaryIO, order: str, at: int, size: int) -> bool:
    """Whether what lies from a byte on is neither chunks of their own, nor a tag, nor padding."""
    head = _read(file, at, 16)
    text = all(32 <= byte < 127 for byte in head)
    if len(head) < 16 or text or head.startswith(_TAGS) or not any(_read(file, at, 4096)):
        return False
    name, claimed = head[:4], struct.unpack(order + "I", head[4:8])[0]
    return not (all(32 <= byte < 127 for byte in name) and at + 8 + claimed <= size + 1)


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    file.seek(at)
    return file.read(size)
