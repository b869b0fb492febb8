"""Chords and bass below a tune: voicings that move as little as they can, and basses that lead to the next root."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from kmidi_lab.chords.chord import Chord
from kmidi_lab.composition.bands import Stroke
from kmidi_lab.composition.sharing import by_chord
from kmidi_lab.song import Note, PlacedChord

_LOW, _HIGH = 45, 64
_CROWDED = 59
"""B3: above it a chord's highest voice comes into the tune's way, so it rather moves a semitone more for each that it is lower.

Without it a round that rises from chord to chord climbs to `_HIGH` and stays there.
"""
_VOICES = 4
_COMP, _PAD, _BASS_VELOCITY = 66, 52, 84
_BASS = 36
"""E1 to about E2 is where a bass sounds; its root lies within an octave from here, less a few tones."""
_CLEAR = 48
"""C3: below it only roots and fifths stand beside a bass."""
_FIRM = (0, 7)
_INTERVALS = {"third": (4, 3, 5, 2), "fifth": (7, 6, 8), "octave": (12,)}


def voicings(chords: Sequence[Chord]) -> list[tuple[int, ...]]:
    """Pitches of each chord, three or four from low to high, chosen so that each tone moves as little as it can below the tune."""
    middle = (_LOW + _HIGH) / 2
    out: list[tuple[int, ...]] = []
    for chord in chords:

        def cost(pitches: tuple[int, ...]) -> tuple[float, float]:
            far = abs(float(np.mean(pitches)) - middle)
            return (_movement(out[-1], pitches) if out else far) + max(0, pitches[-1] - _CROWDED), far

        out.append(min(_options(chord), key=cost))
    return out


def _options(chord: Chord) -> list[tuple[int, ...]]:
    """Close voicings of up to four tones within the range."""
    tones = _heard(chord)
    places = [[p for p in range(_LOW, _HIGH + 1) if p % 12 == tone] for tone in tones]
    close = [tuple(sorted(v)) for v in product(*places) if max(v) - min(v) <= 12]
    return sorted(set(close))


def _heard(chord: Chord) -> list[int]:
    """Up to four pitch classes: the third and the seventh tell what a chord is, then what is altered or added, then the root.

    The fifth goes before these, and beside a major third the eleventh, which lies a semitone over it.
    """
    steps = {(tone - chord.root) % 12 for tone in chord.tones}
    worth = {4: 0, 10: 2, 11: 2, 1: 3, 6: 3, 8: 3, 2: 4, 9: 4, 0: 5, 7: 6}
    worth |= {3: 3 if 4 in steps else 1, 5: 7 if 4 in steps else 1}
    return [(chord.root + step) % 12 for step in sorted(steps, key=lambda step: worth[step])[:_VOICES]]


def _movement(last: tuple[int, ...], following: tuple[int, ...]) -> int:
    """Semitones that the nearest voices move in all, both ways."""
    there = sum(min(abs(a - b) for b in following) for a in last)
    back = sum(min(abs(a - b) for a in last) for b in following)
    return there + back


def comping(chords: Sequence[PlacedChord], patterns: Sequence[Sequence[Stroke]], length: float) -> list[Note]:
    """A part that plays the chords, which fill bars of `length` quarters, each bar in its pattern.

    A stroke of the next bar's chord is tied over to it where that begins with a stroke of the whole chord.
    """
    out = []
    voiced = voicings([placed.chord for placed in chords])
    number, tied = 0, False
    for (bar, shares), after in zip(by_chord(chords, patterns, length), [*patterns[1:], ()], strict=True):
        for place, own in enumerate(shares):
            pitches, number = voiced[number], number + 1
            for at, held, tone in own[1:] if tied and place == 0 else own:
                sounding = pitches if tone in ("all", "next") else (pitches[int(tone) % len(pitches)],)
                if early := bool(tone == "next" and after and place == len(shares) - 1):
                    sounding = voiced[number]
                tied = early and after[0][0] == 0 and after[0][2] == "all"
                held += min(after[0][1], chords[number].length) if tied else 0.0
                out += [Note(bar + at, held, pitch, _COMP) for pitch in sounding]
    return out


def pad(chords: Sequence[PlacedChord]) -> list[Note]:
    """Held chords, in open position where that is not muddy; a tone that stays is not struck again."""
    out: list[Note] = []
    sounding: dict[int, int] = {}
    for placed, close in zip(chords, voicings([placed.chord for placed in chords]), strict=True):
        pitches = sorted({*close[:-2], _opened(close[-2], placed.chord), close[-1]})
        kept = {p: sounding[p] for p in pitches if p in sounding}
        for p in pitches:
            if p in kept:
                out[kept[p]] = out[kept[p]]._replace(duration=out[kept[p]].duration + placed.length)
            else:
                kept[p] = len(out)
                out.append(Note(placed.start, placed.length, p, _PAD))
        sounding = kept
    return out


def _opened(pitch: int, chord: Chord) -> int:
    """A voice an octave lower; as it is where that would be a third or a seventh low beside the bass, which sounds muddy."""
    low = pitch - 12
    return low if low >= _CLEAR or (low - chord.root) % 12 in _FIRM else pitch


def bass(
    chords: Sequence[PlacedChord], patterns: Sequence[Sequence[Stroke]], length: float, after: Chord | None = None
) -> list[Note]:
    """A bass line in patterns, which leads from each chord to the next.

    Args:
        chords: that fill bars.
        patterns: the strokes of each bar.
        length: of a bar, in quarters.
        after: what follows the last chord, the first of another section; None where nothing does.
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
                out.append(Note(bar + at, held, _bass_tone(str(tone), root, following, chord), _BASS_VELOCITY))
    return out


def _leading(strokes: Sequence[Stroke], later: bool, led: bool) -> list[Stroke]:
    """Strokes of one chord of several in a bar: a later one begins on its root, and one that another follows leads there."""
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


def _bass_tone(tone: str, root: int, following: int, chord: Chord) -> int:
    if tone == "root":
        return root
    if tone == "step":
        if following == root:
            return root
        return following + (-1 if following > root else 1) * (1 if abs(following - root) <= 2 else 2)
    interval = next((i for i in _INTERVALS[tone] if (chord.root + i) % 12 in chord.tones or i == 12), 7)
    return root + (chord.root - root) % 12 + interval if tone != "octave" else root + 12


def swung(notes: Sequence[Note], late: float) -> list[Note]:
    """The notes with eighths off the beat `late` quarters later, as the style swings."""
    return [n._replace(start=n.start + late, duration=n.duration - late) if n.start % 1 == 0.5 else n for n in notes]
