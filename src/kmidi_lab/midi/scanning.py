"""The bytes of a track as events: the only parser of MIDI in the lab.

What can't be read is refused with a reason, what can be read only with a repair is counted. No array operation can find
where events begin, since each tells where the next one does; the loop over the bytes does that and nothing else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.midi.events import END_OF_TRACK, LENGTHS, META, SYSEX, Events, MidiError

MAX_EVENTS, MAX_SYSTEM = 4_000_000, 500_000
"""In a file; system and meta events are read one by one, so fewer of them may be there."""
CLIPPED = "data above 127, read as 127"
AFTER_END = "bytes after the end of a track"
UNFINISHED = "tracks without an end"
_COUNTS = np.array([*LENGTHS[:META], 1])
"""As `LENGTHS`; the first byte of a meta event is its kind."""
_WINDOW, _MARGIN = 1 << 16, 8
_CHANNEL = np.arange(256) < 0xF0
_ONE = (np.arange(256) >= 0xC0) & (np.arange(256) < 0xE0)
_STEPS = [
    np.where(np.arange(256) < 128, running, np.where(_CHANNEL, 1 + _COUNTS, 0)).astype(np.int32) for running in (2, 1)
]
"""Bytes of a channel event behind its time, by its first one, after events of two data bytes and of one; 0 is no channel event."""
_AFTER = [np.where(np.arange(256) < 128, running, _ONE).astype(np.int32) for running in (0, 1)]
"""Whether events of one data byte run on behind it."""


def scan_all(tracks: Sequence[bytes], flaws: Counter[str]) -> tuple[Events, ...]:
    """The events of a file's tracks, each up to its end of track. Raises MidiError: what can't be read, or too many."""
    events: list[Events] = []
    room, system = MAX_EVENTS, MAX_SYSTEM
    for data in tracks:
        events.append(_scan(data, flaws, room, system))
        room -= len(events[-1])
        system -= int((events[-1].status >= 0xF0).sum())
    return tuple(events)


def _scan(data: bytes, flaws: Counter[str], room: int, most_system: int) -> Events:
    """Those of one track, of at most `room` events."""
    places: list[int] = []
    system: dict[int, int] = {}
    """Where system and meta events end, by their number."""
    at, stop, running, finished = 0, len(data), 0, False
    while at < stop and not finished:
        base, size = at, min(_WINDOW, stop - at)
        whole = base + size == stop
        stride, jumps = _jumps(np.frombuffer(data, np.uint8, size, base), whole)
        while not finished:
            node = running * stride + at - base
            following = jumps[node]
            while following >= 0:
                places.append(base + node % stride)
                node = following
                following = jumps[node]
            running, at = node // stride, base + node % stride
            if at >= stop or (not whole and at - base >= size - _MARGIN):
                break
            end, finished = _system_event(data, at)
            system[len(places)] = end
            places.append(at)
            at = end
            if len(system) > most_system:
                raise MidiError("too many events", f"more than {MAX_SYSTEM} system and meta events")
            if at - base >= size:
                break
        if len(places) > room:
            raise MidiError("too many events", f"more than {MAX_EVENTS}")
    if at > stop:
        raise MidiError("broken events", "one goes beyond the end of its track")
    if not finished:
        flaws[UNFINISHED] += 1
    elif any(data[at:]):
        flaws[AFTER_END] += stop - at
    return _decoded(data, np.array(places, np.int64), system, flaws)


def _jumps(block: NDArray[np.uint8], whole: bool) -> tuple[int, memoryview]:
    """Where the next event begins, were there a channel event at each place of a block.

    Finding events is a walk that no array operation can do; with the jumps drawn beforehand a step costs least.

    Args:
        block: bytes of a track.
        whole: whether its end is that of the track; else no jump begins near its end.

    Returns:
        A stride, and the jumps: those after events of two data bytes, and from the stride on those after events of
        one, which matters where the status runs on. -1 where no channel event begins.
    """
    size = len(block)
    stride = size + _MARGIN
    padded = np.concatenate([block, np.zeros(_MARGIN, np.uint8)])
    at = np.arange(stride, dtype=np.int32)
    ends = np.minimum.accumulate(np.where(padded < 128, at, stride)[::-1])[::-1]
    kind = padded[np.minimum(ends + 1, stride - 1)]
    jumps = np.stack([ends + 1 + step[kind] + stride * after[kind] for step, after in zip(_STEPS, _AFTER, strict=True)])
    jumps[:, ends - at > 3] = -1
    jumps[np.stack([step[kind] == 0 for step in _STEPS])] = -1
    jumps[:, size if whole else size - _MARGIN :] = -1
    return stride, jumps.astype(np.int32).ravel().data


def _system_event(data: bytes, at: int) -> tuple[int, bool]:
    """(where a system or meta event ends, whether it is the end of the track). Raises MidiError where there is none."""
    try:
        _, at = _number(data, at)
        kind = data[at]
        if kind == META:
            ends = data[at + 1] == END_OF_TRACK
            size, at = _number(data, at + 2)
            return at + size, ends
        if kind in SYSEX:
            size, at = _number(data, at + 1)
            return at + size, False
    except IndexError:
        raise MidiError("broken events", "one goes beyond the end of its track") from None
    return at + 1 + LENGTHS[kind], False


def _number(data: bytes, at: int) -> tuple[int, int]:
    """(a variable-length quantity, where it ends)."""
    value = 0
    for place in range(at, at + 4):
        value = value << 7 | data[place] & 127
        if data[place] < 128:
            return value, place + 1
    raise MidiError("broken events", "a number of more than four bytes")


def _decoded(data: bytes, places: NDArray[np.int64], system: dict[int, int], flaws: Counter[str]) -> Events:
    """The events that begin at `places`."""
    padded = np.frombuffer(data + bytes(_MARGIN), np.uint8)
    at, delta = places, np.zeros(len(places), np.int64)
    more = np.ones(len(places), bool)
    for _ in range(4):
        byte = padded[at].astype(np.int64)
        delta = np.where(more, delta << 7 | byte & 127, delta)
        at = at + more
        more &= byte > 127
        if not more.any():
            break
    status = padded[at].astype(np.int64)
    written = status > 127
    body = at + written
    status_at = (
        np.maximum.accumulate(np.where(written & (status < 0xF0), np.arange(len(status)), -1)) if len(status) else at
    )
    if (~written & (status_at < 0)).any():
        raise MidiError("broken events", "running status with nothing running")
    status = np.where(written, status, status[status_at])
    count = _COUNTS[status]
    first = np.where(count > 0, padded[body], 0).astype(np.int64)
    second = np.where(count > 1, padded[body + 1], 0).astype(np.int64)
    flaws[CLIPPED] += int(((status < 0xF0) & ((first > 127) | (second > 127))).sum())
    end = body + count
    end[list(system)] = list(system.values())
    return Events(
        data, np.cumsum(delta), status, body, end,
        np.where(status < 0xF0, np.minimum(first, 127), first), np.minimum(second, 127),
    )  # fmt: skip
