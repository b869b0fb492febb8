"""A change that a sentence wants of a song: what happens, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from kmidi_lab.composition.said_places import Place

SOFT, LOUD, RISE, FALL = "soft", "loud", "growing", "sinking"
"""Loudnesses of a place."""
SLOW, FAST, HALF, DOUBLE, SLOWER, FASTER = "slow", "fast", "half", "double", "slower", "faster"
"""Tempos of a place, beside those in figures; the last two are reached by and by."""
LEVEL, ENTER, LEAVE, ALONE, WITHIN, ONE_BY_ONE = "level", "enter", "leave", "alone", "within", "one by one"
MOOD, MODE, KEY, IN_KEY, SHIFT, PACE = "mood", "mode", "key", "in key", "shift", "pace"
TO = "to "
"""What stands before the tempo that is reached at the end of a place."""
STOP, FEEL, SOLO = "stop", "feel", "solo"
STOP_TIME = "time"
"""Value of a stop in each bar."""
LOUDER, PLAYED = "louder", "played"
"""Kinds of changes."""


class Change(NamedTuple):
    """One thing that a song does at a place.

    Args:
        what: of the kinds above.
        value: a loudness, the players' words, a word for a mood, a mode, a key (IN_KEY: of its place alone), semitones, a tempo, or a way to play and the players.
        place: where; None for kinds that are of the whole song, or where none is said.
        words: that ask for it, in lower case.
        share: where in a row of several that take turns over the whole song, as (number, count); None without a row.
    """

    what: str
    value: str
    place: Place | None
    words: str
    share: tuple[int, int] | None = None


def said_kinds(changes: Sequence[Change]) -> Mapping[str, int]:
    """Kinds of sections that a song should have for its changes, and how many of each."""
    counts: dict[str, int] = {}
    for place in (change.place for change in changes if change.place):
        counts[place.kind] = max(counts.get(place.kind, 1), place.order)
    return counts
