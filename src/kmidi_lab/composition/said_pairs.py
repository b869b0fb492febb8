"""Two of one instrument in a sentence, such as `two violins` or `a flute duet`: the second plays a line below the first."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from kmidi_lab.composition.vocabulary import vocabulary

_TWO = r"two|2|a pair of|both"
_MORE = r"three|3|four|4|five|5|six|6"


class SaidPair(NamedTuple):
    """An instrument by its name and General MIDI's number, the words that ask for several, and whether for more than two."""

    name: str
    program: int
    words: str
    more: bool


def take_pairs(text: str) -> tuple[list[SaidPair], str]:
    """The instruments of which a text has two or more, and the text with one of each in their place."""
    pairs: list[SaidPair] = []

    def one(match: re.Match[str]) -> str:
        name = _singular(match["many"] or match["one"])
        pairs.append(SaidPair(name, vocabulary()["instruments"][name][0], match[0].lower(), bool(match["more"])))
        return name if match["many"] else match[0]

    return pairs, _pattern().sub(one, text)


@cache
def _pattern() -> re.Pattern[str]:
    names = [name for name in vocabulary()["instruments"] if _singular(name) == name]
    one = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    many = f"(?P<many>(?:{one})(?:es|s))"
    return re.compile(
        rf"\b(?:(?:{_TWO}|(?P<more>{_MORE})) {many}\b|(?<!and )(?<!-)(?P<one>{one})(?= (?:duet|duo)\b))", re.I
    )


def _singular(word: str) -> str:
    """An instrument's name for one of it: `violin` of `violins`, `sax` of `saxes`; the word as it is where there is none."""
    low, known = word.lower(), vocabulary()["instruments"]
    return next((low[:-cut] for cut in (1, 2) if low.endswith("s") and low[:-cut] in known), low)
