"""Liberties that a singer takes with a tune that returns: a few notes come otherwise, and it is still the tune."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import numpy as np

from kmidi_lab.chords.chord import Chord, Key
from kmidi_lab.composition.metres import SongMetre
from kmidi_lab.composition.scales import scale_over
from kmidi_lab.song import Note
from kmidi_lab.song.edges import PHRASE

_OFTEN = 0.4
"""How often a phrase of four bars has a liberty beside one that has it where there is room.

So sections of one name are about as alike as people's.
"""
_EIGHTH = 0.5
_LONG = 1.0
"""Quarters of a note that has room for another in its second half."""
_THIRD = (3, 4)
"""Semitones between notes that a passing one joins."""


def with_liberties(
    tune: Sequence[Note], chord_at: Callable[[float], Chord], key: Key, metre: SongMetre, rng: np.random.Generator
) -> list[Note]:
    """The tune with a liberty in some phrases, not on their first notes, by which a listener knows it again.

    A note comes an eighth early where it is of the chord, a passing note joins a third, or a long note is sung twice.

    Args:
        tune: of a section, from its start on.
        chord_at: the chord at a place, in quarters from the section's start on.
        key: whose scale passing notes are of.
        metre: of the song.
        rng: chooses.
    """
    out: list[Note] = []
    phrases = [list(own) for _, own in groupby(tune, key=lambda n: int(n.start // (PHRASE * metre.bar)))]
    rooms = [
        [
            n
            for n in range(1, len(phrase) - 1)
            if phrase[n].start >= phrase[0].start + metre.bar / 2 and any(_ways(phrase, n, chord_at, key, metre))
        ]
        for phrase in phrases
    ]
    possible = [number for number, places in enumerate(rooms) if places]
    sure = possible[int(rng.integers(len(possible)))] if possible else None
    for number, (phrase, places) in enumerate(zip(phrases, rooms, strict=True)):
        changes: dict[int, list[Note]] = {}
        if (rng.random() < _OFTEN or number == sure) and places:
            ways = list(_ways(phrase, int(rng.choice(places)), chord_at, key, metre))
            changes = ways[int(rng.integers(len(ways)))]
        out += [note for n, own in enumerate(phrase) for note in changes.get(n, [own])]
    return out


def _ways(
    phrase: Sequence[Note], n: int, chord_at: Callable[[float], Chord], key: Key, metre: SongMetre
) -> Iterator[dict[int, list[Note]]]:
    """What each liberty at a note of a phrase makes of it, and of the one before."""
    before, note, after = phrase[n - 1 : n + 2]
    start = note.start - _EIGHTH
    if metre.swings and note.start % 1 == 0 and start - before.start >= _EIGHTH and _fits(note, chord_at):
        held = min(before.duration, start - before.start)
        early = note._replace(start=start, duration=note.duration + _EIGHTH)
        yield {n - 1: [before._replace(duration=held)], n: [early]}
    if note.duration < _LONG or note.start % _EIGHTH:
        return
    second = note.duration / 2 if note.duration >= 2 * _LONG else _EIGHTH
    first = note._replace(duration=note.duration - second)
    between = range(min(note.pitch, after.pitch) + 1, max(note.pitch, after.pitch))
    passing = [pitch for pitch in between if pitch % 12 in scale_over(chord_at(note.start), key)]
    if abs(note.pitch - after.pitch) in _THIRD and passing and after.start - note.stop < _EIGHTH:
        late = Note(note.stop - _EIGHTH, _EIGHTH, passing[0], note.velocity)
        yield {n: [note._replace(duration=note.duration - _EIGHTH), late]}
    else:
        yield {n: [first, first._replace(start=first.stop, duration=second)]}


def _fits(note: Note, chord_at: Callable[[float], Chord]) -> bool:
    """Whether a note may begin early: it is of its own chord, which it anticipates where that has not begun."""
    return note.pitch % 12 in chord_at(note.start).tones
