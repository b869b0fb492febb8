"""A bar's pattern where the bar holds several chords: which strokes are whose, and that each chord is struck in time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from kmidi_lab.composition.bands import Stroke
from kmidi_lab.song import PlacedChord

_SOON = 0.5
"""Quarters from a change within which a chord is struck; as much before it players anticipate it."""


def shared(strokes: Sequence[Stroke], changes: Sequence[float], length: float) -> list[list[Stroke]]:
    """The strokes of a bar by its chords.

    A chord has those from its beginning on. Where none comes soon, the one just before is struck for it already, as
    players anticipate a chord, or else it gets one of its own. Nothing sounds into the next chord of the bar.

    Args:
        strokes: of the bar, by place.
        changes: where its chords begin, in quarters, the first at 0.
        length: of the bar, in quarters.
    """
    if len(changes) == 1:
        return [list(strokes)]
    stops = [*changes[1:], length]
    shares = [[s for s in strokes if begin <= s[0] < stop] for begin, stop in zip(changes, stops, strict=True)]
    for n, (begin, stop) in enumerate(zip(changes, stops, strict=True)):
        before, own = shares[n - 1], shares[n]
        if n == 0 or (own and own[0][0] <= begin + _SOON):
            continue
        if len(before) > 1 and before[-1][0] >= begin - _SOON:
            own.insert(0, before.pop())
        else:
            held = (own[0][0] if own else stop) - begin
            own.insert(0, (begin, held, (before or list(strokes))[-1][2]))
    ends = [min(stop, after[0][0]) for stop, after in zip(stops, shares[1:], strict=False)] + [length]
    return [[(at, min(held, end - at), tone) for at, held, tone in own] for own, end in zip(shares, ends, strict=True)]


def by_chord(
    chords: Sequence[PlacedChord], patterns: Sequence[Sequence[Stroke]], length: float
) -> Iterator[tuple[float, list[list[Stroke]]]]:
    """(where it begins in quarters, strokes of each of its chords) of every bar of `length` quarters, each in its pattern."""
    bars = groupby(chords, key=lambda chord: int((chord.start + _SOON / 2) // length))
    for (bar, together), strokes in zip(bars, patterns, strict=True):
        changes = [chord.start - bar * length for chord in together]
        yield bar * length, shared(strokes, changes, length)
