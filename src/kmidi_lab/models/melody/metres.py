"""The metres that melodies are written in: five with rhythms of their own, all others put together from twos and threes."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SHORTEST_BAR, _LONGEST_BAR = 1.5, 8.0
"""In quarters; files that write 1/4 count beats and know no bars."""
_DENOMINATORS = (2, 4, 8, 16)
TYPED = "a metre such as 4/4, 3/4, 5/4, 6/8, 7/8 or 12/8, with bars of 3/8 to 8/4"


@dataclass(frozen=True)
class Metre:
    """Its `name`, the `bar` in quarter notes, how many of these lie between its `strong` places, and its `rhythms`.

    `rhythms` are of `rhythms.yaml`, or the groups of the bar and what they count, as 3+2/8.
    """

    name: str
    bar: float
    strong: float
    rhythms: str


METRES = {
    metre.name: metre
    for metre in (
        Metre("4/4", 4.0, 2.0, "4/4"),
        Metre("2/2", 4.0, 2.0, "4/4"),
        Metre("2/4", 2.0, 2.0, "2/4"),
        Metre("3/4", 3.0, 3.0, "3/4"),
        Metre("6/8", 3.0, 1.5, "6/8"),
    )
}
"""Those with rhythms of their own; the model itself knows the place in a bar of any length."""


def metre_of(name: str) -> Metre | None:
    """The metre of this name, such as 7/8; None where its bar is too short or too long, or it is none."""
    if name in METRES:
        return METRES[name]
    m = re.fullmatch(r"(\d{1,3})/(\d{1,2})", name)
    beats, unit = (int(m[1]), int(m[2])) if m else (0, 4)
    bar = 4 * beats / unit if unit else 0.0
    if unit not in _DENOMINATORS or not _SHORTEST_BAR <= bar <= _LONGEST_BAR:
        return None
    if beats % 3 == 0:
        groups, strong = [3] * (beats // 3), 12 / unit
    else:
        groups = [3] * (beats % 2) + [2] * ((beats - 3 * (beats % 2)) // 2)
        strong = bar if beats % 2 else 8 / unit
    return Metre(name, bar, strong, f"{'+'.join(map(str, groups))}/{unit}")
