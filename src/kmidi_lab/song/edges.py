"""How long the beginning and the end of a song may be beside the rest."""

from __future__ import annotations

import math

PHRASE = 4
"""Bars of a phrase."""
EDGES = 0.125
"""Share of a song that its intro, and its outro, has at most, and that both have together at no cost.

Of the 1,458 training songs of `structure` with 40 to 160 counted bars 9.5 % have a longer intro, and 0.3 % one of a quarter.
"""


def longest_edge(bars: int) -> int:
    """Bars that an intro or an outro of a song of so many bars has at most: its share, rounded up to whole phrases."""
    return PHRASE * math.ceil(bars * EDGES / PHRASE)
