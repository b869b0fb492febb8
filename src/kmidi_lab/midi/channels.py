"""What a channel was set to: its state belongs to the whole file, so a track of its own may hold it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.midi.events import CONTROL, PORT, PROGRAM, Events

BANK, SUSTAIN = 0, 64
_DOWN = 64
Numbers = NDArray[np.int64]


def ports(tracks: Sequence[Events]) -> list[int]:
    """The MIDI port that each track names, 0 where it names none: channels of two ports have nothing in common."""
    out = []
    for events in tracks:
        named = events.metas(PORT)
        content = events.content(int(named[0])) if len(named) else b""
        out.append(content[0] if content else 0)
    return out


@dataclass(frozen=True)
class Settings:
    """Changes of one kind on one channel, arrays `[C]` in order of time: what a part in `track` has heard of them."""

    track: Numbers
    event: Numbers
    tick: Numbers
    value: Numbers

    def before(self, track: int, on: Numbers, start: Numbers) -> Numbers:
        """The value when each note begins, `[N]`: the track's own last one, else that of the other tracks, else 0.

        Args:
            track: of the notes.
            on: the event that begins each note.
            start: its tick.
        """
        own, others = self._own(track)
        out = np.zeros(len(on), np.int64)
        if others.any():
            at = np.searchsorted(self.tick[others], start, side="right") - 1
            out[at >= 0] = self.value[others][at[at >= 0]]
        if own.any():
            at = np.searchsorted(self.event[own], on) - 1
            out[at >= 0] = self.value[own][at[at >= 0]]
        return out

    def since(self, start: Numbers) -> Numbers:
        """The tick of the last change of any track at or before each start, `[N]`; 0 where there is none."""
        at = np.searchsorted(self.tick, start, side="right") - 1
        return np.where(at >= 0, np.append(self.tick, 0)[at], 0)

    def until(self, start: Numbers) -> Numbers:
        """The tick of the first change of any track after each start, `[N]`; 2^31 - 1 where there is none."""
        return np.append(self.tick, _NEVER)[np.searchsorted(self.tick, start, side="right")]

    def spans(self, track: int) -> Numbers:
        """`[P, 2]` start and end ticks of the pedal: the track's own where it has one, else that of the other tracks."""
        own, others = self._own(track)
        chosen = own if own.any() else others
        down, tick = self.value[chosen] >= _DOWN, self.tick[chosen]
        change = np.flatnonzero(np.diff(np.append(False, down)) != 0) if len(down) else np.zeros(0, np.int64)
        moved = tick[change][: len(change) // 2 * 2]  # one that never comes up again is no span
        return moved.reshape(-1, 2)

    def _own(self, track: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        return self.track == track, self.track != track


def programs(tracks: Sequence[Events], port: Sequence[int]) -> dict[tuple[int, int], Settings]:
    """Program changes by (port, channel)."""
    return _settings([(events, events.of(PROGRAM), events.first) for events in tracks], port)


def banks(tracks: Sequence[Events], port: Sequence[int]) -> dict[tuple[int, int], Settings]:
    """Choices of a bank by (port, channel)."""
    return _controls(tracks, port, BANK)


def pedals(tracks: Sequence[Events], port: Sequence[int]) -> dict[tuple[int, int], Settings]:
    """Positions of the sustain pedal by (port, channel)."""
    return _controls(tracks, port, SUSTAIN)


def _controls(tracks: Sequence[Events], port: Sequence[int], controller: int) -> dict[tuple[int, int], Settings]:
    chosen = []
    for events in tracks:
        controls = events.of(CONTROL)
        chosen.append((events, controls[events.first[controls] == controller], events.second))
    return _settings(chosen, port)


_NEVER = 2**31 - 1
NOTHING = Settings(*(np.zeros(0, np.int64) for _ in range(4)))


def _settings(
    chosen: Sequence[tuple[Events, NDArray[np.intp], Numbers]], port: Sequence[int]
) -> dict[tuple[int, int], Settings]:
    if not any(len(rows) for _, rows, _ in chosen):
        return {}
    columns = [
        (
            np.full(len(rows), number),
            rows,
            events.tick[rows],
            values[rows],
            port[number] * 16 + (events.status[rows] & 15),
        )
        for number, (events, rows, values) in enumerate(chosen)
    ]
    track, event, tick, value, where = (
        np.concatenate(column).astype(np.int64) for column in zip(*columns, strict=True)
    )
    order = np.lexsort((event, track, tick, where))
    changes = np.flatnonzero(np.diff(where[order])) + 1
    return {
        divmod(int(where[own[0]]), 16): Settings(track[own], event[own], tick[own], value[own])
        for own in np.split(order, changes)
    }
