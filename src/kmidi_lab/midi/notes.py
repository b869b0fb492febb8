"""Notes from events: which event ends which note, also where it stands in another track of the same channel."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.midi.events import CONTROL, NOTE_OFF, NOTE_ON, Events

_ALL_OFF = (120, 123)
"""Controllers that end every note of a channel."""
UNENDED = -1
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Sounding:
    """Notes, arrays `[N]`, with the events that begin (`on`) and end (`off`, of the same track) each.

    `start`, `end` in ticks. `end` is UNENDED where nothing ends a note, `off` where nothing of its track does.
    """

    track: Numbers
    channel: Numbers
    pitch: Numbers
    velocity: Numbers
    start: Numbers
    end: Numbers
    on: Numbers
    off: Numbers

    def __len__(self) -> int:
        return len(self.start)

    def taken(self, rows: np.ndarray) -> Sounding:
        """Some of the notes."""
        return Sounding(*(getattr(self, column.name)[rows] for column in fields(self)))


def sounding(tracks: Sequence[Events], ports: Sequence[int]) -> Sounding:
    """Every note of a file, track by track in order of their events.

    A note that is struck again before it ends closes first in, first out.
    """
    parts, stray = [], []
    for number, events in enumerate(tracks):
        notes, left = _of_track(number, events)
        parts.append(notes)
        stray.append(left)
    columns = [np.concatenate([getattr(p, c.name) for p in parts] or [np.zeros(0, np.int64)]) for c in fields(Sounding)]
    notes = Sounding(*columns)
    if (notes.end == UNENDED).any():
        _end_from_elsewhere(notes, tracks, stray, ports)
    return notes


def _of_track(number: int, events: Events) -> tuple[Sounding, NDArray[np.intp]]:
    """(the notes of a track, its events that end none of them)."""
    kind = events.status & 0xF0
    strikes = (kind == NOTE_ON) & (events.second > 0)
    where = np.flatnonzero(strikes | (kind == NOTE_OFF) | (kind == NOTE_ON))
    key = (events.status[where] & 15) * 128 + events.first[where]
    order = np.argsort(key, kind="stable")
    where, key = where[order], key[order]
    on = strikes[where]
    # Of each key the notes that sound after each event, were an end without a note to count below 0 ...
    step = np.where(on, 1, -1)
    first = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.zeros(0, np.int64)
    group = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(key))))
    total = np.cumsum(step)
    level = total - (total[first] - step[first])[group]
    # ... so that an end is one too many where it goes lower than anything before it. Keys lie far below each other.
    depth = level - group * (len(key) + 2)
    floor = np.minimum(
        np.minimum.accumulate(np.append(0, depth[:-1])) if len(depth) else depth, -group * (len(key) + 2)
    )
    useless = ~on & (depth < floor)
    ends = where[~on & ~useless]
    strike_group, end_group = group[on], group[~on & ~useless]
    begins = where[on]
    rank = np.arange(len(begins)) - np.searchsorted(strike_group, strike_group)
    at = np.searchsorted(end_group, strike_group) + rank
    ended = at < np.searchsorted(end_group, strike_group, side="right")
    off = np.full(len(begins), UNENDED)
    off[ended] = ends[at[ended]]
    until = np.where(ended, events.tick[off], UNENDED)
    order = np.argsort(begins)
    begins, off, until = begins[order], off[order], until[order]
    notes = Sounding(
        np.full(len(begins), number), events.status[begins] & 15, events.first[begins], events.second[begins],
        events.tick[begins], until, begins, off,
    )  # fmt: skip
    return notes, where[useless]


def _end_from_elsewhere(
    notes: Sounding, tracks: Sequence[Events], stray: Sequence[NDArray[np.intp]], ports: Sequence[int]
) -> None:
    """Ends notes by events of other tracks on the same channel, or by a controller that ends all."""
    ends: dict[tuple[int, int, int], deque[int]] = defaultdict(deque)
    loose = [
        (int(events.tick[i]), ports[number], int(events.status[i]) & 15, int(events.first[i]))
        for number, (events, left) in enumerate(zip(tracks, stray, strict=True))
        for i in left
    ]
    for tick, port, channel, pitch in sorted(loose):
        ends[port, channel, pitch].append(tick)
    silences: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, events in enumerate(tracks):
        controls = events.of(CONTROL)
        for i in controls[np.isin(events.first[controls], _ALL_OFF)]:
            silences[ports[number], int(events.status[i]) & 15].append(int(events.tick[i]))
    for ticks in silences.values():
        ticks.sort()
    open_notes = np.flatnonzero(notes.end == UNENDED)
    for i in open_notes[np.argsort(notes.start[open_notes], kind="stable")]:
        start, port, channel = int(notes.start[i]), ports[int(notes.track[i])], int(notes.channel[i])
        waiting = ends[port, channel, int(notes.pitch[i])]
        while waiting and waiting[0] <= start:
            waiting.popleft()
        if waiting:
            notes.end[i] = waiting.popleft()
        else:
            silent = silences[port, channel]
            after = bisect_right(silent, start)
            notes.end[i] = silent[after] if after < len(silent) else UNENDED


def with_strokes(drums: Sounding, ticks_per_quarter: int) -> Sounding:
    """Notes of one drum part, where those that nothing ends last a sixteenth, or to the next stroke of the same drum."""
    following = np.full(len(drums), np.iinfo(np.int64).max)
    order = np.lexsort((drums.start, drums.pitch))
    again = drums.pitch[order][1:] == drums.pitch[order][:-1]
    following[order[:-1][again]] = drums.start[order[1:][again]]
    end = np.minimum(drums.start + max(1, ticks_per_quarter // 4), np.maximum(following, drums.start + 1))
    return replace(drums, end=np.where(drums.end == UNENDED, end, drums.end))
