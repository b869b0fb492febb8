"""The events of a track of a MIDI file as arrays, with the place of each in the bytes, so that it can be written again."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.errors import UserError

META, TEXT, TRACK_NAME, END_OF_TRACK, PORT, TEMPO, METRE, KEY = 0xFF, 0x01, 0x03, 0x2F, 0x21, 0x51, 0x58, 0x59
NOTE_OFF, NOTE_ON, CONTROL, PROGRAM = 0x80, 0x90, 0xB0, 0xC0
SYSEX = (0xF0, 0xF7)
_REMEDY = "check the file or export it again"
LENGTHS = [0] * 128 + [2] * 64 + [1] * 32 + [2] * 16 + [0, 1, 2, 1] + [0] * 12
"""Data bytes that follow each status byte."""


class MidiError(UserError):
    """A file that can't be used. `reason` is short and the same for all files with that fault, so it can be counted.

    `remedy` says what to do.
    """

    def __init__(self, reason: str, detail: str = "", file: str = "", remedy: str = _REMEDY) -> None:
        super().__init__(reason, detail, file, remedy)
        self.reason, self.detail, self.file, self.remedy = reason, detail, file, remedy

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.file or 'MIDI data'}: {self.reason}{detail}; {self.remedy}"


@dataclass(frozen=True)
class Events:
    """The events of one track in their order, arrays `[E]`.

    `tick` from the start of the file; `status` with its channel, also where it ran on; `first`, `second` data bytes
    0..127, 0 where there is none, `first` of a meta event its kind. `body` and `end` are where the data of an event lie
    in `data`: what follows the status byte of a channel event, the length and content of a system or meta event.
    """

    data: bytes = field(repr=False)
    tick: NDArray[np.int64]
    status: NDArray[np.int64]
    body: NDArray[np.int64]
    end: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.tick)

    def of(self, kind: int) -> NDArray[np.intp]:
        """Which events are channel events of a kind, such as `CONTROL`."""
        return np.flatnonzero((self.status & 0xF0) == kind)

    def metas(self, kind: int) -> NDArray[np.intp]:
        """Which events are meta events of a kind, such as `TEMPO`."""
        return np.flatnonzero((self.status == META) & (self.first == kind))

    @cached_property
    def odd(self) -> frozenset[int]:
        """Meta events whose content can't be: they are not read, and not written again, since some readers break at them."""
        places = {
            i for kind in (TEMPO, METRE, KEY) for i in self.metas(kind).tolist() if _is_odd(kind, self.content(i))
        }
        return frozenset(places)

    def content(self, event: int) -> bytes:
        """What a meta event holds."""
        at, stop = int(self.body[event]) + 1, int(self.end[event])
        while at < stop and self.data[at] > 127:
            at += 1
        return self.data[at + 1 : stop]

    def written(self, event: int) -> bytes:
        """An event's bytes without its time: the status in full, data within 0..127, all else as it was."""
        status = int(self.status[event])
        if status < 0xF0:
            return bytes([status, int(self.first[event]), int(self.second[event])][: 1 + LENGTHS[status]])
        return bytes([status]) + self.data[int(self.body[event]) : int(self.end[event])]


def _is_odd(kind: int, content: bytes) -> bool:
    if kind == TEMPO:
        return len(content) < 3
    if kind == METRE:
        return len(content) < 4 or content[0] == 0 or content[1] > 7
    return len(content) < 2 or 7 < content[0] < 249 or content[1] > 1
