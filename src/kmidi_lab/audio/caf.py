"""The sound of a CAF file that is cut short, which libsndfile refuses: Apple's Core Audio Format, chunks of 64-bit sizes."""

from __future__ import annotations

import struct
from typing import BinaryIO

from kmidi_lab.audio.spliced import Stretch

_MOST_CHUNKS = 1000


def sound_of_caf(file: BinaryIO, size: int) -> list[bytes | Stretch] | None:
    """The parts to read instead of a file whose sound is cut short, its size corrected; None for one that is whole.

    Args:
        file: begins with caff.
        size: its bytes.
    """
    at = 8
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(12)
        if len(head) < 12:
            return None
        name, claimed = struct.unpack(">4sq", head)
        there = size - at - 12
        if name == b"data":
            return [(0, at + 4), struct.pack(">q", there), (at + 12, size)] if claimed > there else None
        if claimed < 0:
            return None
        at += 12 + claimed
    return None
