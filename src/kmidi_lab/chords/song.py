"""Chord sequences: an event, a song, repeats joined."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kmidi_lab.chords.chord import Chord, Key


@dataclass(frozen=True)
class Event:
    """One chord of a song. `start` and `bars` are in bars, None where the source has no metre."""

    chord: Chord
    key: Key
    start: float | None = None
    bars: float | None = None


@dataclass(frozen=True)
class Song:
    """A chord sequence with what is known of it. `affect` is (valence, arousal) in -1..1 or None.

    `loop` says that the sequence repeats, so that a rotation of it is the same progression.
    """

    id: str
    source: str
    title: str
    events: tuple[Event, ...]
    affect: tuple[float, float] | None = None
    loop: bool = False
    tags: tuple[str, ...] = ()


def merge_repeats(events: Iterable[Event]) -> tuple[Event, ...]:
    """Joins neighbours of the same class (root, quality); their durations add up."""
    out: list[Event] = []
    for event in events:
        if out and out[-1].chord.label == event.chord.label:
            last = out[-1]
            bars = None if last.bars is None or event.bars is None else last.bars + event.bars
            out[-1] = replace(last, bars=bars)
        else:
            out.append(event)
    return tuple(out)
