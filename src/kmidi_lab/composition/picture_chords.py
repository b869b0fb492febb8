"""The names of a song's chords in its picture: in as many rows as they need, and none over another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

SIZE, DPI = 6.5, 100
"""Of a name's letters, and dots an inch."""
_ROWS = 3
_GAP = 3.0
"""Dots between two names of a row."""


class Name(NamedTuple):
    """A chord's name, where it begins in quarters, and its row, 0 the lowest."""

    text: str
    start: float
    row: int


def names_in_rows(chords: Sequence[tuple[float, str]], dots: float) -> list[Name]:
    """Each name in the first row that has room for it; one for which none has is left out.

    Args:
        chords: where each begins, in quarters and in order, and its name.
        dots: that a quarter is wide.
    """
    free = [0.0] * _ROWS
    out = []
    for start, text in chords:
        row = next((row for row, place in enumerate(free) if place <= start * dots), None)
        if row is not None:
            free[row] = start * dots + width(text, SIZE, "normal") + _GAP
            out.append(Name(text, start, row))
    return out


@cache
def width(text: str, size: float, weight: str) -> float:
    """Dots that a text is wide."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    font = FontProperties(weight=weight)
    return float(TextPath((0, 0), text, size=size, prop=font).get_extents().width) * DPI / 72 if text else 0.0
