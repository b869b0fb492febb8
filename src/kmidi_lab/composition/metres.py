"""The metres that songs have, and which one of those that a text asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.song import Metre


@dataclass(frozen=True)
class SongMetre:
    """A metre of songs.

    Args:
        written: as a bar of a song has it.
        strong: quarters from one strong place to the next, the first of the bar on.
        pace: quarters for each beat of a style's tempo.
        swings: whether eighths can be swung: not where three of them are a beat.
    """

    written: Metre
    strong: float
    pace: float = 1.0
    swings: bool = True

    @property
    def name(self) -> str:
        """Such as 3/4."""
        return f"{self.written.numerator}/{self.written.denominator}"

    @property
    def beats(self) -> int:
        """Beats of a bar, on each of which a chord may begin: three eighths are one in 6/8."""
        return self.written.numerator if self.written.denominator == 4 else self.written.numerator // 3

    @property
    def bar(self) -> float:
        """Its length in quarters."""
        return self.written.quarters


METRES: Mapping[str, SongMetre] = {
    metre.name: metre
    for metre in (
        SongMetre(Metre(4, 4), 2.0),
        SongMetre(Metre(3, 4), 3.0),
        # A beat has three eighths and is slower than a quarter of the same style: our choice.
        SongMetre(Metre(6, 8), 1.5, pace=1.25, swings=False),
    )
}
COMMON = METRES["4/4"]
_NEAREST = {"9/8": "6/8", "12/8": "6/8", "3/8": "3/4", "6/4": "3/4", "2/4": "4/4", "2/2": "4/4"}
"""What metres that songs don't have are played as."""


def metre_named(name: str) -> SongMetre:
    """Raises ConfigError: songs don't have it."""
    name = name.strip()
    if name not in METRES:
        raise ConfigError(one_of("compose.metre", name, METRES))
    return METRES[name]


def decided(asked: Sequence[tuple[str, str]], typed: bool = False) -> tuple[SongMetre | None, str, list[str]]:
    """Of the metres that a text asks for the one that a song has.

    Args:
        asked: words and the name of the metre that each means, those that count most first.
        typed: whether the metre is said elsewhere, so that a line tells of those alone that songs don't have.

    Returns:
        The metre (None where nothing that songs have was asked for), its words, and a line for each that is not used.
    """
    names = [name for _, name in asked]
    chosen = next(filter(METRES.__contains__, names), None) or next(filter(None, map(_NEAREST.get, names)), None)
    *others, last = METRES
    songs = f"songs are in {', '.join(others)} or {last}"
    lines = []
    for words, name in asked:
        if name not in METRES and (chosen is None or _NEAREST.get(name) != chosen):
            lines.append(f"{songs}, so this is no {words}")
        elif name != chosen and not typed:
            other = f"a song has one metre, so {words} is not used"
            lines.append(other if name in METRES else f"{songs}, so {words} is played as {chosen}")
    words = next((words for words, name in asked if chosen in (name, _NEAREST.get(name))), "")
    return METRES.get(chosen or ""), words, list(dict.fromkeys(lines))
