"""The metres that songs have, and which one the words of a person ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.song import Metre


@dataclass(frozen=True)
class SongMetre:
    """A metre of songs.

    Args:
        name: such as 3/4.
        bar: its length in quarters.
        strong: quarters from one strong place to the next, the first of the bar on.
        pace: quarters for each beat of a style's tempo.
        swings: whether eighths can be swung: not where three of them are a beat.
    """

    name: str
    bar: float
    strong: float
    pace: float = 1.0
    swings: bool = True

    @property
    def written(self) -> Metre:
        """As a bar of a song has it."""
        beats, unit = self.name.split("/")
        return Metre(int(beats), int(unit))


METRES: Mapping[str, SongMetre] = {
    metre.name: metre
    for metre in (
        SongMetre("4/4", 4.0, 2.0),
        SongMetre("3/4", 3.0, 3.0),
        # A beat has three eighths and is slower than a quarter of the same style: our choice.
        SongMetre("6/8", 3.0, 1.5, pace=1.25, swings=False),
    )
}
COMMON = METRES["4/4"]
_CALLED = {
    "waltz": "3/4", "mazurka": "3/4", "minuet": "3/4", "polonaise": "3/4", "three four": "3/4", "triple": "3/4",
    "jig": "6/8", "tarantella": "6/8", "siciliana": "6/8", "barcarolle": "6/8", "six eight": "6/8", "compound": "6/8",
}  # fmt: skip
"""What dances and kinds of time are written in."""
_NOT_ASKED = "".join(
    rf"(?<!\b{word} )" for word in ("the", "our", "that", "his", "her", "my", "I", "we", "you", "they", "to")
)
_ASKED = re.compile(
    rf"(?<![/\d.]){_NOT_ASKED}\b(?:waltz(?:es)?|mazurka|minuet|polonaise|jig|tarantella|siciliana|barcarolle|[23569]/(?:2|4|8)"
    r"|7/(?:4|8)|12/8|three[ -]four|six[ -]eight|(?:triple|compound|odd) (?:time|met(?:er|re)))\b"
    r"(?! of (?:my|our|your|the|his|her|all|a|it|us|them)\b)(?![/\d])",
    re.IGNORECASE,
)
"""Words that ask for another metre than 4/4."""


def metre_named(name: str) -> SongMetre:
    """Raises ConfigError: songs don't have it."""
    if name not in METRES:
        raise ConfigError(one_of("compose.metre", name, METRES))
    return METRES[name]


def asked_in(texts: Iterable[str | None]) -> tuple[str, SongMetre | None]:
    """The words of the first text that asks for a metre, in lower case, and the metre; None where songs don't have it."""
    found = next((match[0] for text in texts if text and (match := _ASKED.search(text))), "")
    words = found.lower()
    plain = words.replace("-", " ")
    name = next((name for called, name in _CALLED.items() if plain.startswith(called)), words)
    return words, METRES.get(name)
