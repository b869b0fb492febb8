"""Chords by bars: a bar is written as in a chart, such as `Am`, `C F` or `C / / G`, and its places last alike."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from math import gcd

from kmidi_lab.chords.chord import Chord
from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.song import PlacedChord

_HOLD = "/"
_TINY = 1e-6


def names_in(bar: str) -> list[str]:
    """The symbols of a bar, without the signs that hold them."""
    return [name for name in bar.split() if name != _HOLD]


def placed(bars: Sequence[str], length: float) -> list[PlacedChord]:
    """Chords where they sound, in quarters from the first bar on; bars are of `length` quarters."""
    out: list[PlacedChord] = []
    for number, bar in enumerate(bars):
        places = bar.split()
        width = length / len(places)
        for at, name in enumerate(places):
            if name == _HOLD:
                out[-1] = out[-1]._replace(length=out[-1].length + width)
            else:
                out.append(PlacedChord(number * length + at * width, width, parse_jazz(name)))
    return out


class Sounding:
    """The chords under a tune.

    Args:
        bars: as a chart writes them, from place 0 on.
        length: of a bar, in quarters.
        heard: a chord as it is judged; None is as it is.
    """

    def __init__(self, bars: Sequence[str], length: float, heard: Callable[[Chord], Chord] | None = None) -> None:
        self._placed = [own._replace(chord=heard(own.chord)) if heard else own for own in placed(bars, length)]

    @property
    def stop(self) -> float:
        """Where the last chord ends, in quarters."""
        return self._placed[-1].stop

    def at(self, place: float) -> Chord:
        """The chord at a place in quarters; the last one behind the end."""
        number = bisect_right(self._placed, place + _TINY, key=lambda chord: chord.start) - 1
        return self._placed[max(number, 0)].chord


def bar_of(chords: Sequence[tuple[float, str]], beats: int) -> tuple[str, list[str]]:
    """A bar of chords as a person writes them, each on a beat.

    Two in a bar of three beats have two and one, three in one of four two, one and one.

    Args:
        chords: (where it begins in 0..1, symbol), the first at 0.
        beats: of the bar on which a chord may begin.

    Returns:
        The bar, and symbols for which it has no beat.
    """
    count = len(chords)
    even = count <= beats and all(abs(start - n / count) < _TINY for n, (start, _) in enumerate(chords))
    left: list[str] = []
    begins: dict[int, str] = {}
    for n, (start, name) in enumerate(chords):
        beat = n * (beats // count) + (min(n, beats % count) if n else 0) if even else round(start * beats)
        if beat in begins or beat >= beats:
            left.append(name)
        else:
            begins[beat] = name
    stops = [*list(begins)[1:], beats]
    widths = [stop - begin for begin, stop in zip(begins, stops, strict=True)]
    unit = gcd(*widths)
    signs = (f"{name}{f' {_HOLD}' * (width // unit - 1)}" for name, width in zip(begins.values(), widths, strict=True))
    return " ".join(signs), left
