"""The scale that a tune has over a chord: the key's, with the third, the sixth and the seventh that the chord has."""

from __future__ import annotations

from kmidi_lab.chords.chord import Chord, Key

_FIRM = (0, 2, 5, 7)
"""Semitones above the tonic that each scale has."""
_EITHER = ((3, 4), (8, 9), (10, 11))
"""Those of which it has one of two: as in minor, as in major."""


def scale_over(chord: Chord, key: Key) -> frozenset[int]:
    """Seven pitch classes; in minor over V the leading tone is one of them, in major over bVII the lowered seventh."""
    of_chord = {(tone - key.tonic) % 12 for tone in chord.tones}
    usual = 0 if key.mode < 0 else 1
    own = [
        pair[1 - usual] if pair[1 - usual] in of_chord and pair[usual] not in of_chord else pair[usual]
        for pair in _EITHER
    ]
    return frozenset((key.tonic + step) % 12 for step in (*_FIRM, *own))
