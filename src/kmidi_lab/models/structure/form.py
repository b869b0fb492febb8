"""The form of a song: its sections in order, as data sets mark them and as the structure model predicts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

TYPES = (
    "intro", "verse", "pre-chorus", "chorus", "bridge", "solo", "breakdown", "build-up", "drop", "outro", "other",
    "silence",
)  # fmt: skip
"""What a section can be; `solo` is any instrumental passage."""
END = len(TYPES)
"""The token behind the last section."""
TOKENS = len(TYPES) + 1
LENGTHS = (2, 4, 8, 12, 16, 24, 32)
"""Lengths in bars of the classes 0..6; class 7 is any other."""
OTHER_LENGTH = len(LENGTHS)
_NEAR = 0.125


class Section(NamedTuple):
    """`kind` indexes TYPES; `bars` is None where nobody counted them."""

    kind: int
    seconds: float
    bars: int | None = None


@dataclass(frozen=True)
class Form:
    """One song.

    Args:
        id: with its source before the first slash.
        source: name of the data set.
        title, artist: as the data set spells them; empty where it doesn't say.
        sections: in order, without silence before the first and after the last.
        quarters: length of a bar in quarter notes, such as 3 for 6/8; None where unknown.
    """

    id: str
    source: str
    title: str
    artist: str
    sections: tuple[Section, ...]
    quarters: float | None = None

    @property
    def tokens(self) -> tuple[int, ...]:
        """The types, then END."""
        return (*(s.kind for s in self.sections), END)

    @property
    def tempo(self) -> float | None:
        """Quarter notes a minute, from the sections whose bars are known."""
        counted = [s for s in self.sections if s.bars]
        if not counted or not self.quarters:
            return None
        return 60 * self.quarters * sum(s.bars or 0 for s in counted) / sum(s.seconds for s in counted)

    @property
    def seconds(self) -> float:
        return sum(s.seconds for s in self.sections)


def length_class(bars: float) -> int:
    """Class 0..7 of a length: the nearest of LENGTHS if it is within an eighth, such as 8 for 7 to 9 bars; else 7."""
    best = min(range(len(LENGTHS)), key=lambda i: abs(bars / LENGTHS[i] - 1))
    return best if abs(bars / LENGTHS[best] - 1) <= _NEAR else OTHER_LENGTH


def trimmed(sections: list[Section]) -> tuple[Section, ...]:
    """Without silence at both ends: how long a recording is silent says nothing of the song."""
    silence = TYPES.index("silence")
    first, last = 0, len(sections)
    while first < last and sections[first].kind == silence:
        first += 1
    while last > first and sections[last - 1].kind == silence:
        last -= 1
    return tuple(sections[first:last])
