"""A whole song as symbols: sections, metres, tempos, chords and parts. What is composed, changed and written as MIDI.

All places and lengths are in quarter notes from the start of the song. Everything is immutable: a change makes a new
arrangement (`dataclasses.replace`), which is checked again.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from kmidi_lab.chords.chord import MODES, Key
from kmidi_lab.errors import one_of, show
from kmidi_lab.midi.new_file import BEND_RANGE
from kmidi_lab.midi.piece import DRUM_CHANNEL
from kmidi_lab.midi.reading import MAX_NOTES
from kmidi_lab.song.elements import (
    DENOMINATORS,
    FASTEST,
    LONGEST_NAME,
    MAX_BARS,
    MAX_CHORDS,
    ROLES,
    SLOWEST,
    ArrangementError,
    Marker,
    Metre,
    Part,
    PlacedChord,
    PlacedKey,
    Section,
    Tempo,
)
from kmidi_lab.wording import many

_TINY = 1e-6


@dataclass(frozen=True)
class Arrangement:
    """A song.

    Args:
        title: may be empty.
        key: tonic and mode.
        metres: one a bar.
        tempos: by start, the first at 0.
        sections: one after the other, over all bars; there may be none.
        chords: by start, not overlapping.
        parts: the players.
        mode: name of the scale, such as major or dorian (`kmidi_lab.chords.chord.MODES`).
        markers: besides those that sections get.
        keys: that the song goes to after its first, by start.
        tonic: the name of the key's tonic, such as F# or Gb; empty where it has the usual one.

    Raises:
        ArrangementError: something in it can't be.
    """

    title: str
    key: Key
    metres: tuple[Metre, ...]
    tempos: tuple[Tempo, ...]
    sections: tuple[Section, ...] = ()
    chords: tuple[PlacedChord, ...] = ()
    parts: tuple[Part, ...] = ()
    mode: str = "major"
    markers: tuple[Marker, ...] = ()
    keys: tuple[PlacedKey, ...] = ()
    tonic: str = ""

    def __post_init__(self) -> None:
        for fault in _faults(self):
            raise ArrangementError(fault)

    @cached_property
    def bar_starts(self) -> tuple[float, ...]:
        """Where each bar begins, and behind them the end of the song: one more than there are bars."""
        return tuple(accumulate((metre.quarters for metre in self.metres), initial=0.0))

    @property
    def length(self) -> float:
        """Of the whole song."""
        return self.bar_starts[-1]

    def bar_at(self, place: float) -> int:
        """The bar that sounds at a place, the last one after the end."""
        return max(0, min(bisect_right(self.bar_starts, place + _TINY) - 1, len(self.metres) - 1))

    def span(self, section: Section) -> tuple[float, float]:
        """Where a section begins and ends."""
        return self.bar_starts[section.start], self.bar_starts[section.start + section.bars]

    def section_at(self, place: float) -> Section | None:
        """The section that sounds at a place."""
        bar = self.bar_at(place)
        return next((s for s in self.sections if s.start <= bar < s.start + s.bars), None)

    def chord_number_at(self, place: float) -> int | None:
        """Which chord sounds at a place."""
        at = bisect_right(self.chords, place + _TINY, key=lambda placed: placed.start) - 1
        return at if at >= 0 and place + _TINY < self.chords[at].stop else None

    def chord_at(self, place: float) -> PlacedChord | None:
        """The chord that sounds at a place."""
        at = self.chord_number_at(place)
        return None if at is None else self.chords[at]

    def tempo_at(self, place: float) -> float:
        """Quarter notes a minute at a place."""
        return self.tempos[max(0, bisect_right(self.tempos, place + _TINY, key=lambda tempo: tempo.start) - 1)].tempo

    def key_at(self, place: float) -> Key:
        """The key at a place."""
        at = bisect_right(self.keys, place + _TINY, key=lambda placed: placed.start)
        return self.keys[at - 1].key if at else self.key

    def seconds(self, place: float) -> float:
        """When a place is heard."""
        stops = [tempo.start for tempo in self.tempos[1:]] + [math.inf]
        spans = zip(self.tempos, stops, strict=True)
        return sum(60 / t.tempo * max(0.0, min(place, stop) - t.start) for t, stop in spans)

    def part(self, role: str) -> Part | None:
        """The first part of a role."""
        return next((part for part in self.parts if part.role == role), None)


def _faults(song: Arrangement) -> Iterator[str]:
    yield from _time_faults(song)
    yield from _form_faults(song)
    yield from _part_faults(song)


def _time_faults(song: Arrangement) -> Iterator[str]:
    if song.mode not in MODES or (song.key.mode and MODES[song.mode] != song.key.mode):
        yield f"mode {show(song.mode)} does not fit the key {song.key}; use one of {', '.join(m for m in MODES if len(m) > 1)}"
    if not 0 <= song.key.tonic < 12:
        yield f"the key's tonic is {song.key.tonic}; use a pitch class 0 to 11"
    if not 1 <= len(song.metres) <= MAX_BARS:
        yield f"the song has {len(song.metres)} bars; give it 1 to {MAX_BARS}"
    for bar, metre in enumerate(song.metres):
        if not 1 <= metre.numerator <= 32 or metre.denominator not in DENOMINATORS:
            yield f"bar {bar} has the metre {metre.numerator}/{metre.denominator}; use 1 to 32 beats of {DENOMINATORS}"
    places = [0.0, *(placed.start for placed in song.keys)]
    if any(a >= b for a, b in pairwise(places)) or not all(0 <= placed.key.tonic < 12 for placed in song.keys):
        yield f"keys begin at {show(places[1:])}; each must stand after the one before, and have a tonic from 0 to 11"
    starts = [tempo.start for tempo in song.tempos]
    if not starts or starts[0] != 0 or any(a >= b for a, b in pairwise(starts)):
        yield f"tempos begin at {show(starts)}; the first must stand at 0 and each other after the one before"
    for tempo in song.tempos:
        if not SLOWEST <= tempo.tempo <= FASTEST:
            yield f"the tempo at {tempo.start:g} is {show(tempo.tempo)}; use {SLOWEST:g} to {FASTEST:g} quarter notes a minute"


def _form_faults(song: Arrangement) -> Iterator[str]:
    bar = 0
    for section in song.sections:
        if section.start != bar or section.bars < 1:
            yield f"section {show(section.name)} has {section.bars} bars from bar {section.start}; it must follow at bar {bar}"
        if not all(0 <= value <= 1 for value in (section.energy, section.density, section.tension)):
            yield f"section {show(section.name)}: energy, density and tension must be 0 to 1"
        bar = section.start + section.bars
    if song.sections and bar != len(song.metres):
        yield f"the sections have {many(bar, 'bar')} and the song {len(song.metres)}; let them end together"
    if len(song.chords) > MAX_CHORDS:
        yield f"the song has {len(song.chords)} chords, at most {MAX_CHORDS}"
    stop = 0.0
    for placed in song.chords:
        if not placed.start >= stop - _TINY or not placed.length > 0:
            yield f"chord {placed.chord} at {placed.start:g} lasts {placed.length:g}; it must begin at {stop:g} or later and last"
        stop = placed.stop
    if not stop <= song.length + _TINY:
        yield f"the chords end at {stop:g} and the song at {song.length:g} quarters; shorten the last chord"
    for name in (
        song.title,
        *(s.name for s in song.sections),
        *(m.text for m in song.markers),
        *(p.name for p in song.parts),
    ):
        if len(name) > LONGEST_NAME:
            yield f"the name {show(name)} has {len(name)} characters, at most {LONGEST_NAME}"


def _part_faults(song: Arrangement) -> Iterator[str]:
    pitched = [part.channel for part in song.parts if not part.is_drums]
    if len(set(pitched)) < len(pitched):
        yield f"pitched parts have the channels {pitched}; give each its own"
    if sum(len(part.notes) for part in song.parts) > MAX_NOTES:
        yield f"the parts have more than {MAX_NOTES} notes in all"
    for part in song.parts:
        at = f"part {show(part.name)}"
        if part.role not in ROLES:
            yield one_of(f"{at}: role", part.role, ROLES)
        if not 0 <= part.channel < 16 or (part.channel == DRUM_CHANNEL) != part.is_drums:
            yield f"{at} has channel {part.channel}; use 0 to 15, {DRUM_CHANNEL} for drums and for nothing else"
        if not all(0 <= value < 128 for value in (part.program, part.volume, part.pan)):
            yield f"{at}: program, volume and pan must be 0 to 127"
        if list(part.notes) != sorted(part.notes):
            yield f"{at}: notes must be sorted by start, then pitch; use Part.with_notes"
        for note in part.notes:
            if not (0 <= note.start < song.length and 0 < note.duration < math.inf):
                yield f"{at}: the note at {note.start:g} lasts {note.duration:g}; begin it at 0 to {song.length:g} and let it last"
            if not (0 <= note.pitch < 128 and 1 <= note.velocity < 128):
                yield f"{at}: pitch {note.pitch}, velocity {note.velocity} at {note.start:g}; use pitch 0 to 127, velocity 1 to 127"
        if any(not (0 <= level.level < 128 and level.start >= 0) for level in part.levels):
            yield f"{at}: levels must be 0 to 127 at 0 or later"
        if any(abs(bend.semitones) > BEND_RANGE or not bend.start >= 0 for bend in part.bends):
            yield f"{at}: bends must be -{BEND_RANGE:g} to {BEND_RANGE:g} semitones at 0 or later"
