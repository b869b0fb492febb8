"""How long an MPEG audio file is (MP3 and its older layers), frame by frame, and a header that says so.

libmpg123 takes the length from a Xing, Info or VBRI frame, or from the size of the first frame: without such a frame
a file of varying bit rate, and with one a file that another is joined to, is cut in the middle.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from kmidi_lab.audio.spliced import Stretch, Window

_KBPS = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}  # fmt: skip
"""Kilobits a second of codes 1 to 14 by (MPEG 1 or later, layer); layer 3 of a later MPEG has those of layer 2."""
_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_LONGEST_SEARCH = 1 << 20


@dataclass(frozen=True)
class Frame:
    """What a frame's header says: `size` bytes that hold `samples`, at `rate` Hz; a Xing tag would stand at `facts`."""

    layer: int
    size: int
    samples: int
    rate: int
    facts: int


@dataclass(frozen=True)
class Walk:
    """The frames of a file.

    Attributes:
        first: the first of them.
        runs: stretches of frames with nothing between, in order.
        frames: how many are whole, without one of facts in front.
        cut: whether the last is not whole.
        claimed: how many the frame of facts in front (Xing, Info, VBRI) counts; None without one.
    """

    first: Frame
    runs: tuple[Stretch, ...]
    frames: int
    cut: bool
    claimed: int | None

    @property
    def sound(self) -> tuple[Stretch, ...]:
        """The runs without the frame of facts."""
        (begin, end), *others = self.runs
        return self.runs if self.claimed is None else ((begin + self.first.size, end), *others)


def frame_at(data: bytes | Window, at: int) -> Frame | None:
    """The frame whose header stands at a byte; None for what is no header, or says no bit rate (free format)."""
    head = data[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    code, hertz, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or hertz == 3 or not 0 < code < 15:
        return None
    first = version == 3
    kbps = _KBPS[(1, layer) if first else (2, min(layer, 2))][code - 1]
    rate = _HZ[version][hertz]
    samples = 384 if layer == 1 else 576 if layer == 3 and not first else 1152
    size = (12_000 * kbps // rate + padding) * 4 if layer == 1 else samples * 125 * kbps // rate + padding
    mono = head[3] >> 6 == 3
    facts = 4 + ((17 if mono else 32) if first else (9 if mono else 17))
    return Frame(layer, size, samples, rate, facts)


def walk(data: bytes | Window) -> Walk | None:
    """All frames of a file; None where it is not MPEG audio."""
    begin = _next_frame(data, _behind_tags(data, 0))
    first = None if begin is None else frame_at(data, begin)
    if begin is None or first is None:
        return None
    claimed = _claimed(data, begin, first)
    at: int | None = begin
    runs: list[Stretch] = []
    frames, cut = 0, False
    while at is not None and at < len(data):
        frame = frame_at(data, at)
        if frame is None or (frame.rate, frame.layer) != (first.rate, first.layer):
            after = _behind_tags(data, at)
            at = after if after > at else _next_frame(data, at + 1)
            continue
        if at + frame.size > len(data):
            cut = True
            break
        joined = runs[-1][0] if runs and runs[-1][1] == at else None
        runs[-1 if joined is not None else len(runs) :] = [(at if joined is None else joined, at + frame.size)]
        frames, at = frames + 1, at + frame.size
    if not runs:
        return None
    return Walk(first, tuple(runs), frames - (claimed is not None), cut, claimed)


def with_length(data: bytes | Window, walk: Walk) -> bytes:
    """What to put in front of `walk.sound`: an empty tag, and a frame that gives the length.

    The tag is there since libsndfile knows MPEG audio without a file's name by it alone.
    """
    begin = walk.runs[0][0]
    header = bytearray(data[begin : begin + 4])
    header[1] |= 1  # no checksum
    header[2] = (header[2] & 0x0D) | 0xE0  # the highest bit rate has room for the facts; no padding
    frame = frame_at(bytes(header), 0)
    assert frame is not None
    body = bytes(header) + bytes(frame.facts - 4) + b"Xing" + struct.pack(">II", 1, walk.frames)
    return EMPTY_TAG + body.ljust(frame.size, b"\0")


EMPTY_TAG = b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(10)


def tag_size(head: bytes) -> int:
    """Bytes of the ID3 tag that begins with these ten or more; 0 without one."""
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 127
    return 10 + size + (10 if head[5] & 16 else 0)


def _claimed(data: bytes | Window, begin: int, first: Frame) -> int | None:
    at = begin + first.facts
    if data[at : at + 4] in (b"Xing", b"Info"):
        flags = int.from_bytes(data[at + 4 : at + 8], "big")
        return int.from_bytes(data[at + 8 : at + 12], "big") if flags & 1 else 0
    if data[begin + 36 : begin + 40] == b"VBRI":
        return int.from_bytes(data[begin + 50 : begin + 54], "big")
    return None


def _behind_tags(data: bytes | Window, at: int) -> int:
    """The byte behind the ID3 and APE tags that begin at a byte."""
    while True:
        if size := tag_size(data[at : at + 10]):
            at += size
        elif data[at : at + 3] == b"TAG":
            at += 128
        elif data[at : at + 8] == b"APETAGEX" and len(data) >= at + 32:
            at += 32 + int.from_bytes(data[at + 12 : at + 16], "little")
        else:
            return at


def _next_frame(data: bytes | Window, at: int) -> int | None:
    """The first byte from `at` on where two frames follow each other, or one that reaches the end of the file."""
    last = min(len(data), at + _LONGEST_SEARCH)
    while (at := data.find(b"\xff", at, last)) >= 0:
        frame = frame_at(data, at)
        if frame and (at + frame.size >= len(data) or frame_at(data, at + frame.size)):
            return at
        at += 1
    return None
