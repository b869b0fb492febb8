"""Basses in the patterns of a style, which lead to the next root."""

from __future__ import annotations

from collections.abc import Sequence

from kmidi_lab.chords.chord import Chord, Key
from kmidi_lab.composition.bands import Stroke
from kmidi_lab.composition.scales import scale_over
from kmidi_lab.composition.sharing import by_chord
from kmidi_lab.song import Note, PlacedChord

_BASS_VELOCITY = 84
_BASS = 36
"""E1 to about E2 is where a bass sounds; its root lies within an octave from here, less a few tones."""
_INTERVALS = {"third": (4, 3, 5, 2), "fifth": (7, 6, 8), "octave": (12,)}


def bass(
    chords: Sequence[PlacedChord],
    patterns: Sequence[Sequence[Stroke]],
    length: float,
    after: Chord | None = None,
    key: Key | None = None,
) -> list[Note]:
    """A bass line in patterns, which leads from each chord to the next.

    Args:
        chords: that fill bars.
        patterns: the strokes of each bar.
        length: of a bar, in quarters.
        after: what follows the last chord, the first of another section; None where nothing does.
        key: in whose scale it steps to the next root; None has the tones of chords alone.
    """
    out = []
    root, number = _BASS, 0
    for bar, shares in by_chord(chords, patterns, length):
        for place, own in enumerate(shares):
            chord = chords[number].chord
            root, number = _near(chord.bass, root), number + 1
            if number < len(chords):
                following = _near(chords[number].chord.bass, root)
            else:  # where the line of another section begins
                following = _near(after.bass, _BASS) if after else root
            for at, held, tone in _leading(own, place > 0, place + 1 < len(shares)):
                out.append(Note(bar + at, held, _bass_tone(str(tone), root, following, chord, key), _BASS_VELOCITY))
    return out


def _leading(strokes: Sequence[Stroke], later: bool, led: bool) -> list[Stroke]:
    """Strokes of one chord of several in a bar: a later one begins on its root, one before another leads there."""
    out = list(strokes)
    if led and len(out) > 1 and out[-1][2] != "root":
        out[-1] = (*out[-1][:2], "step")
    if later:
        out[0] = (*out[0][:2], "root")
    return out


def _near(pitch_class: int, last: int) -> int:
    """The pitch of a class within the bass's range that is the nearest to the last."""
    places = [p for p in range(_BASS - 8, _BASS + 9) if p % 12 == pitch_class]
    return min(places, key=lambda p: (abs(p - last), abs(p - _BASS)))


def _bass_tone(tone: str, root: int, following: int, chord: Chord, key: Key | None) -> int:
    if tone == "root":
        return root
    if tone == "step":
        if following == root:
            return root
        way = -1 if following > root else 1
        steps = (1, 2) if abs(following - root) <= 2 else (2, 1)
        return min((following + way * step for step in steps), key=lambda pitch: _strange(pitch, chord, key))
    interval = next((i for i in _INTERVALS[tone] if (chord.root + i) % 12 in chord.tones or i == 12), 7)
    return root + (chord.root - root) % 12 + interval if tone != "octave" else root + 12


def _strange(pitch: int, chord: Chord, key: Key | None) -> int:
    """How ill a bass steps over a chord: on what is neither of it nor of the key, and a semitone from its tones."""
    if pitch % 12 in chord.tones:
        return 0
    near = (pitch + 1) % 12 in chord.tones or (pitch - 1) % 12 in chord.tones
    return near + 2 * (key is not None and pitch % 12 not in scale_over(chord, key))
