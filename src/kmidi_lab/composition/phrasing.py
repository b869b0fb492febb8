"""How a tune breathes and comes early: bars of the band, silence behind phrases, notes tied over a bar line."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import pairwise

import numpy as np

from kmidi_lab.chords.chord import Chord
from kmidi_lab.composition.metres import SongMetre
from kmidi_lab.song import Note
from kmidi_lab.song.edges import PHRASE

_BREATH, _LONG_BREATH = 0.5, 1.0
"""Quarters of silence behind a phrase, and behind one that ends with a long note."""
_LONG = 2.0
_SHORTEST = 0.2
_PAUSE = 2.0
"""Quarters from a note to the next between which a singer pauses."""
_EARLY = 0.5
"""Quarters by which a note comes early: an eighth."""
_OVER = 1.0
"""Quarters that a phrase's last note sounds into the bar that is the band's, tied over its bar line."""


def sung_bars(bars: int, every: bool = False, at_last: int = 1) -> list[int]:
    """Of each phrase of a section the bars that are sung: the last of every other phrase, and of the section, is the band's.

    A section of one phrase is sung throughout, as is a phrase that the section's end cuts short.

    Args:
        bars: of the section.
        every: whether the last bar of each phrase is the band's, as in a blues, where it answers every line.
        at_last: bars that are the band's at the section's end.
    """
    lengths = [min(PHRASE, bars - at) for at in range(0, bars, PHRASE)]
    last = len(lengths) - 1
    left = [
        0 if last == 0 else at_last if n == last else int(every or (n % 2 == 1 and last - n > 1))
        for n in range(last + 1)
    ]
    return [length - own if length == PHRASE else length for length, own in zip(lengths, left, strict=True)]


def breathing(tune: Sequence[Note], length: float, whole: float) -> list[Note]:
    """Notes end where the next begins, and the last one before the phrase does.

    Args:
        tune: of a phrase, from its start on.
        length: quarters that are sung.
        whole: quarters of the phrase; where it is longer than what is sung, the last note is held over the bar line.
    """
    if not tune:
        return []
    last = tune[-1]
    if whole > length:
        tune = [*tune[:-1], last._replace(duration=length + _OVER - last.start)]
        end = length + _OVER
    else:
        end = length - (_LONG_BREATH if length - last.start >= _LONG else _BREATH)
    ends = [*(t.start for t in tune[1:]), end]
    return [t._replace(duration=max(min(t.duration, e - t.start), _SHORTEST)) for t, e in zip(tune, ends, strict=True)]


def longest_stretch(tune: Sequence[Note], length: float) -> float:
    """Quarters of the longest stretch of a phrase without a pause; one that none ends goes on to the phrase's `length`."""
    ends = [*(n.start for n in tune), length]
    pauses = [n for n, (a, b) in enumerate(pairwise(ends)) if b - a >= _PAUSE]
    firsts = [0, *(n + 1 for n in pauses)]
    stops = [*pauses, len(tune)]
    return max((ends[stop] - ends[first] for first, stop in zip(firsts, stops, strict=True)), default=0.0)


def early_places(share: float, metre: SongMetre, rng: np.random.Generator) -> frozenset[float]:
    """Places of a phrase, in quarters, to which a tune comes early: a share of its bar lines and strong beats, by chance."""
    places = np.arange(0.0, PHRASE * metre.bar, metre.strong)
    return frozenset(places[rng.random(len(places)) < share].tolist())


def early(
    tune: Sequence[Note], chord_at: Callable[[float], Chord], places: Collection[float], metre: SongMetre
) -> list[Note]:
    """The tune with notes of the chord that fall on `places` an eighth earlier and tied over, where the one before leaves room.

    Args:
        tune: of a section, from its start on.
        chord_at: the chord at a place, in quarters from the section's start on.
        places: of each phrase, in quarters.
        metre: of the song.
    """
    out: list[Note] = []
    for n in tune:
        room = n.start - out[-1].start if out else n.start
        if n.start % (PHRASE * metre.bar) in places and room >= 2 * _EARLY and n.pitch % 12 in chord_at(n.start).tones:
            n = n._replace(start=n.start - _EARLY, duration=n.duration + _EARLY)
            if out and out[-1].stop > n.start:
                out[-1] = out[-1]._replace(duration=n.start - out[-1].start)
        out.append(n)
    return out
