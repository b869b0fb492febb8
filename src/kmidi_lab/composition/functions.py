"""What a chord from outside of a key does in it: one that is borrowed from a related mode, or one that leads to the next."""

from __future__ import annotations

from kmidi_lab.chords.chord import KEY_SCALES, Chord, Key

_LENDERS = {1: (0, 2, 3, 5, 7, 8, 10), -1: (0, 2, 3, 5, 7, 9, 10)}
"""The scale that lends: natural minor to a major key, Dorian to a minor one."""
_NEAPOLITAN = 1
"""Degree of the major chord that a minor key borrows beside these."""
_DIMINISHED = ("dim", "dim7")
_FIFTH, _SUBSTITUTE, _STEPS = 5, 11, (1, 2)
"""Semitones to the root that a dominant leads to: down a fifth, down a semitone in the place of another, up a step instead."""
_APPLIED = {1: (9, 11, 0, 2, 4), -1: (0, 2, 3, 5, 10)}
"""Degrees a fifth above a chord that can be a tonic for a while."""


def in_key(chord: Chord, key: Key) -> bool:
    """Whether all tones are of the key."""
    return all((tone - key.tonic) % 12 in KEY_SCALES[_mode(key)] for tone in chord.tones)


def borrowed(chord: Chord, key: Key) -> bool:
    """Whether a chord from outside is a mode's that is near: iv, bVI or bVII in major, IV or bII in minor; never another tonic."""
    degree = chord.degree(key.tonic)
    if in_key(chord, key) or degree == 0:
        return False
    neapolitan = _mode(key) < 0 and degree == _NEAPOLITAN and chord.quality in ("major", "maj7")
    return neapolitan or all((tone - key.tonic) % 12 in _LENDERS[_mode(key)] for tone in chord.tones)


def other_tonic(chord: Chord, key: Key) -> bool:
    """Whether a triad is the tonic of the other mode, which sounds like a mistake beside the key's own unless it leads on."""
    return chord.degree(key.tonic) == 0 and chord.quality == ("major" if _mode(key) < 0 else "minor")


def leading(chord: Chord, key: Key) -> bool:
    """Whether a chord from outside asks for a certain next one: a secondary dominant, or a passing diminished chord."""
    if in_key(chord, key) or borrowed(chord, key):
        return False
    applied = chord.quality == "major" and chord.degree(key.tonic) in _APPLIED[_mode(key)]
    return applied or chord.quality in ("dom7", *_DIMINISHED)


def led(chord: Chord, after: Chord, key: Key) -> bool:
    """Whether `after` is where a chord that asks for it leads: a chord of the key, at rest."""
    goals: tuple[int, ...] = _STEPS[:1]
    if chord.quality not in _DIMINISHED:
        applied = chord.degree(key.tonic) in _APPLIED[_mode(key)]
        goals = (*((_FIFTH, *_STEPS) if applied else ()), *((_SUBSTITUTE,) if chord.quality == "dom7" else ()))
    return (after.root - chord.root) % 12 in goals and in_key(after, key) and after.quality not in _DIMINISHED


def _mode(key: Key) -> int:
    return -1 if key.mode < 0 else 1
