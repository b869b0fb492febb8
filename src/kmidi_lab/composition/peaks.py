"""The one high point that a section makes for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from kmidi_lab.chords.chord import Chord
from kmidi_lab.song import Note

_WINDOW = (0.6, 0.8)
"""Where in a section its highest note lies, as shares of its length."""
_LEAP = 7
"""Semitones to its neighbours at most."""
_SHORT = 0.5
"""Quarters of a note that is too short to be a high point."""
_FALLING, _BY = 6, 5
"""Notes elsewhere that may be lowered for it, at most, and semitones of each."""


def crested(tune: Sequence[Note], chord_at: Callable[[float], Chord], length: float, high: int) -> list[Note]:
    """The tune with one highest note, two thirds to three quarters through it, where neighbours and range leave room.

    A note there becomes a higher tone of its chord, and notes elsewhere that are as high become lower ones of theirs; the
    change that moves least.

    Args:
        tune: of a section, from its start on.
        chord_at: the chord at a place, in quarters from the section's start on.
        length: of the section, in quarters.
        high: highest pitch of the range.
    """
    tones = [chord_at(note.start).tones for note in tune]
    start, stop = (share * length for share in _WINDOW)
    changes: list[Mapping[int, int]] = []
    for n, note in enumerate(tune):
        if start <= note.start < stop and note.duration >= _SHORT:
            changes += [
                {n: pitch} | fallen
                for pitch in range(note.pitch, high + 1)
                if (pitch == note.pitch or pitch % 12 in tones[n])
                and (fallen := _fallen(tune, tones, n, pitch)) is not None
            ]
    possible = [change for change in changes if _singable(tune, change)]
    if not possible:
        return list(tune)
    best = min(possible, key=lambda change: sum(abs(pitch - tune[n].pitch) for n, pitch in change.items()))
    return [note._replace(pitch=best.get(n, note.pitch)) for n, note in enumerate(tune)]


def _fallen(tune: Sequence[Note], tones: Sequence[Collection[int]], peak: int, pitch: int) -> dict[int, int] | None:
    """What notes no lower than a peak become; None where they are too many, or no tone below it is near."""
    others = [n for n, note in enumerate(tune) if n != peak and note.pitch >= pitch]
    if len(others) > _FALLING:
        return None
    lower = {
        n: next((p for p in range(pitch - 1, tune[n].pitch - _BY - 1, -1) if p % 12 in tones[n]), None) for n in others
    }
    found = {n: p for n, p in lower.items() if p is not None}
    return found if len(found) == len(others) else None


def _singable(tune: Sequence[Note], change: Mapping[int, int]) -> bool:
    """Whether what is changed lies near its neighbours, as they become."""
    pitches = [change.get(n, note.pitch) for n, note in enumerate(tune)]
    return all(
        abs(pitches[n] - pitches[k]) <= max(_LEAP, abs(tune[n].pitch - tune[k].pitch))
        for n in change
        for k in (n - 1, n + 1)
        if 0 <= k < len(tune)
    )
