"""How a song comes home: whether chords lead to the tonic, the dominant that does where none do, and where the tune rests."""

from __future__ import annotations

from collections.abc import Sequence

from kmidi_lab.chords.chord import Chord, Key
from kmidi_lab.chords.spelling import Spelling

_SUBDOMINANT, _DOMINANT, _LEADING_TONE = 5, (7, 10), 11
"""Degrees that lead to the tonic: IV or iv (in minor not IV7, which is bVII's dominant), V and bVII (v and bvii do not), vii where it is diminished."""
_MINOR_THIRD, _MAJOR_THIRD, _TRITONE, _MINOR_SEVENTH = 3, 4, 6, 10
_WITH_SEVENTH = 0.5
"""Share of sevenths of a style from which the dominant has one."""

_PEAK = 6
"""Semitones that a tune rather leaps farther than end on its highest note."""
_FALLING, _LEAPT, _THIRD = 0.7, 3, 4
"""What a semitone down costs, since a tune falls to its rest, and what a leap up to it costs of more semitones than a third."""


def leads_home(chords: Sequence[Chord], key: Key) -> bool:
    """Whether the tonic may follow chords: the last leads there, or is a tonic that was led to.

    A major chord on the tonic of a minor key is none, but the dominant of its fourth degree; a minor one in major neither.
    """
    last, steps = chords[-1], _steps(chords[-1])
    other, own = (_MAJOR_THIRD, _MINOR_THIRD) if key.mode < 0 else (_MINOR_THIRD, _MAJOR_THIRD)
    if last.degree(key.tonic) == 0 and len(chords) > 1 and not (other in steps and own not in steps):
        last, steps = chords[-2], _steps(chords[-2])
    degree = last.degree(key.tonic)
    if degree in _DOMINANT:
        return _MINOR_THIRD not in steps or _MAJOR_THIRD in steps
    if degree == _SUBDOMINANT:
        return key.mode >= 0 or not {_MAJOR_THIRD, _MINOR_SEVENTH} <= steps
    return degree == _LEADING_TONE and _TRITONE in steps


def _steps(chord: Chord) -> set[int]:
    """The tones of a chord, in semitones above its root."""
    return {(tone - chord.root) % 12 for tone in chord.tones}


def dominant(spelling: Spelling, sevenths: float) -> str:
    """The symbol of the fifth degree, major also in a minor key."""
    return spelling.note((spelling.key.tonic + 7) % 12) + ("7" if sevenths >= _WITH_SEVENTH else "")


def resting(pitch_class: int, last: int, top: int) -> int:
    """Where a tune comes to rest: the pitch of a class that is near, and rather not as high as all that was sung.

    Args:
        pitch_class: of the last note, 0..11.
        last: pitch before it.
        top: the highest pitch of the song so far.
    """
    places = [p for p in range(last - 11, last + 7) if p % 12 == pitch_class]
    return min(places, key=lambda p: (unrest(p, last, top), p))


def unrest(pitch: int, last: int, top: int) -> float:
    """How far from rest a tune is that ends on a pitch: semitones from the one before, fewer downward, more where it leaps up.

    So much more it is where the pitch is the song's highest.
    """
    rise = pitch - last
    moved = rise + (_LEAPT if rise > _THIRD else 0) if rise > 0 else -_FALLING * rise
    return moved + (_PEAK if pitch >= top else 0)
