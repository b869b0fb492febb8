"""Chords below a tune: voicings that move as little as they can, and stay clear of it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product

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
_COVERING = 4
"""Semitones that voices rather move for each that the highest one lies too near below the tune, or over it."""
_BENEATH, _LOWEST_TOP = 2, 55
"""Semitones below a tune from which a voice covers it, and a highest voice that lies deep enough for any tune."""
_VOICES = 4
_CLOSE, _MUDDY, _THICK = 4, 52, 2
"""Intervals of up to so many semitones are muddy below a pitch (E3): voices rather move this far for each semitone."""
_COMP, _PAD = 66, 52
_CLEAR = 48
"""C3: below it only roots and fifths stand beside a bass."""
_FIRM = (0, 7)


def voicings(chords: Sequence[Chord], ceilings: Sequence[int] = ()) -> list[tuple[int, ...]]:
    """Pitches of each chord, three or four from low to high, chosen so that each tone moves as little as it can below the tune.

    `ceilings` are the pitches of each chord above which the tune lies; without any it lies above them all.
    """
    middle = (_LOW + _HIGH) / 2
    out: list[tuple[int, ...]] = []
    for chord, ceiling in zip(chords, ceilings or [_HIGH] * len(chords), strict=True):

        def cost(pitches: tuple[int, ...], ceiling: int = ceiling) -> tuple[float, float]:
            far = abs(float(np.mean(pitches)) - middle)
            above = max(0, pitches[-1] - _CROWDED) + _COVERING * max(0, pitches[-1] - ceiling)
            return (_movement(out[-1], pitches) if out else far) + above + _THICK * _mud(pitches), far

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


def _mud(pitches: Sequence[int]) -> int:
    """Semitones by which seconds and thirds of a voicing lie too low, in all."""
    return sum(max(0, _MUDDY - low) for low, high in pairwise(pitches) if high - low <= _CLOSE)


def _movement(last: tuple[int, ...], following: tuple[int, ...]) -> int:
    """Semitones that the nearest voices move in all, both ways."""
    there = sum(min(abs(a - b) for b in following) for a in last)
    back = sum(min(abs(a - b) for a in last) for b in following)
    return there + back


def ceilings(chords: Sequence[PlacedChord], tune: Sequence[Note]) -> list[int]:
    """The highest pitch that a voice of each chord may have below what is sung over it."""
    over = [[n.pitch for n in tune if n.start < c.stop and c.start < n.stop] for c in chords]
    return [max(min(pitches, default=_HIGH + _BENEATH) - _BENEATH, _LOWEST_TOP) for pitches in over]


def comping(
    chords: Sequence[PlacedChord],
    patterns: Sequence[Sequence[Stroke]],
    length: float,
    ceilings: Sequence[int] = (),
) -> list[Note]:
    """A part that plays the chords, each bar of `length` quarters in its pattern; `ceilings` as of `voicings`.

    A stroke of the next bar's chord is tied over to it where that begins with a stroke of the whole chord.
    """
    out = []
    voiced = voicings([placed.chord for placed in chords], ceilings)
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


def pad(chords: Sequence[PlacedChord], ceilings: Sequence[int] = ()) -> list[Note]:
    """Held chords, in open position where that is not muddy; a tone that stays is not struck again."""
    out: list[Note] = []
    sounding: dict[int, int] = {}
    for placed, close in zip(chords, voicings([placed.chord for placed in chords], ceilings), strict=True):
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


def swung(notes: Sequence[Note], late: float) -> list[Note]:
    """The notes with eighths off the beat `late` quarters later, as the style swings."""
    return [n._replace(start=n.start + late, duration=n.duration - late) if n.start % 1 == 0.5 else n for n in notes]
