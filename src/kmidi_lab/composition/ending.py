"""How a song comes home: whether chords lead to the tonic, and the dominant that does where none do."""

from __future__ import annotations

from collections.abc import Sequence

from kmidi_lab.chords.chord import Chord, Key
from kmidi_lab.chords.spelling import Spelling

_LEADING = (5, 7, 10, 11)
"""Degrees that lead to the tonic: IV, V, bVII and vii."""
_WITH_SEVENTH = 0.5
"""Share of sevenths of a style from which the dominant has one."""


def leads_home(chords: Sequence[Chord], key: Key) -> bool:
    """Whether the tonic may follow chords: the last leads there, or is a tonic that was led to."""
    degrees = [chord.degree(key.tonic) for chord in chords]
    if degrees[-1] == 0 and len(degrees) > 1:
        degrees.pop()
    return degrees[-1] in _LEADING


def dominant(spelling: Spelling, sevenths: float) -> str:
    """The symbol of the fifth degree, major also in a minor key."""
    return spelling.note((spelling.key.tonic + 7) % 12) + ("7" if sevenths >= _WITH_SEVENTH else "")
