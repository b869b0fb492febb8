"""Styles of song, as `bands.yaml` and `comping.yaml` write them: what is played on, how fast, and in what patterns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from kmidi_lab.own_yaml import table

Stroke = tuple[float, float, int | str]
"""(place, length, tone) of a pattern; times in quarters."""


@dataclass(frozen=True)
class Band:
    """One style. `comp` and `bass` have a pattern each for a soft, a middling and a loud section.

    `mood` is (valence, arousal), None where only a genre leads there; `tempo` beats a minute at arousal −1 and 1; `sevenths` a share 0..1; `loop` the chords
    that are repeated; `early` the share 0..1 of bar lines and strong beats to which tunes come an eighth early; `swing` in quarters how much later
    eighths off the beat are; without a `groove` drums are played as they are written; `theme` the part that states a theme where nobody sings;
    `opened` the voice of the drums that takes another's place in the second half of a chorus, `crown` what drums in 4/4 add to the last chorus;
    `improvised` that nobody plays two bars alike; `replies` how often each kind of reply fills a rest of the tune, 0..1;
    `solo` the program of who plays a solo, None of the lead.
    """

    name: str
    mood: tuple[float, float] | None
    tempo: tuple[float, float]
    programs: Mapping[str, int]
    groove: str | None
    comp: tuple[str, ...]
    bass: tuple[str, ...]
    sevenths: float
    loop: int
    early: float
    swing: float
    theme: str
    opened: Mapping[str, str]
    crown: Mapping[str, str]
    improvised: bool
    replies: Mapping[str, float]
    solo: int | None

    def at(self, arousal: float) -> float:
        """Beats a minute at an arousal in -1..1."""
        slow, fast = self.tempo
        return slow + (fast - slow) * (arousal + 1) / 2


@cache
def bands() -> Mapping[str, Band]:
    """Every style by its name."""
    return {
        name: Band(
            name,
            tuple(b["mood"]) if b["mood"] else None,
            tuple(b["tempo"]),
            b["programs"],
            b["groove"],
            tuple(b["comp"]),
            tuple(b["bass"]),
            b["sevenths"],
            b["loop"],
            b["early"],
            b.get("swing", 0.0),
            b["theme"],
            b.get("opened", {}),
            b.get("crown", {}),
            b.get("improvised", False),
            b.get("replies", {}),
            b.get("solo"),
        )
        for name, b in _written()["bands"].items()
    }


def styles_told() -> str:
    """What styles there are, for a line."""
    return f"the styles are {', '.join(bands())}"


@cache
def kit() -> Mapping[str, int]:
    """General MIDI's number of each drum that a pattern may name."""
    return dict(_written()["kit"])


@cache
def drum_rows(style: str, metre: str) -> tuple[Mapping[str, str], ...]:
    """A bar of a style's drums in sixteenths, from soft to loud."""
    own = _written()["metres"].get(metre)
    return tuple(own["drums"][style] if own else _written()["bands"][style]["drums"])


@cache
def fills(metre: str) -> tuple[Sequence[Mapping[str, str]], ...]:
    """The last bar of a section, from soft to loud; of each several to choose from."""
    return tuple(_written()["metres"].get(metre, _written())["fills"])


@cache
def pattern(kind: str, name: str, metre: str) -> tuple[Stroke, ...]:
    """A bar of `chords` or `basses`, by its name."""
    return tuple(
        (float(at), float(length), tone) for at, length, tone in table(__name__, "comping.yaml")[metre][kind][name]
    )


@cache
def varied(kind: str, name: str, metre: str, way: str) -> tuple[tuple[Stroke, ...], ...]:
    """What may stand in the place of a pattern of `chords` or `basses`: its `answers` or `turns`; none where it stays."""
    ways = table(__name__, "comping.yaml")[metre]["varied"][kind].get(name, {}).get(way, ())
    return tuple(tuple((float(at), float(length), tone) for at, length, tone in bar) for bar in ways)


@cache
def added(metre: str, way: str) -> tuple[Mapping[str, str], ...]:
    """What drums may add to a bar, of voices that its pattern has: `answers` or `turns`."""
    return tuple(_written()["metres"].get(metre, _written())[way])


def genres() -> Mapping[str, str]:
    """The style of each word for a genre, in lower case."""
    return dict(_written()["genres"])


def band_of_genre(genre: str) -> Band | None:
    """The style that a genre in words names; None where no word of it is known."""
    text = genre.lower()
    return next((bands()[name] for word, name in _written()["genres"].items() if word in text), None)


def with_feel(band: Band, feel: str) -> Band:
    """The band with one of KmiDi's feels; as it is where the feel is not known."""
    how = _written()["feels"].get(feel)
    return replace(band, **how) if how else band


def waltzing(band: Band) -> Band:
    """The band as it plays what is called a waltz, from its first bar on: the bass on the first beat, the chords on the others.

    A style that swings plays it in its own way.
    """
    if band.groove == "swing":
        return band
    return replace(band, comp=("quarters",) * len(band.comp), bass=("roots",) * len(band.bass))


def walking(band: Band) -> Band:
    """The band with a bass that walks in quarters through tones of the chords, and into the next."""
    return replace(band, bass=("walking",) * len(band.bass))


def band_for(valence: float, arousal: float) -> Band:
    """The style whose mood is the nearest."""
    return min((b for b in bands().values() if b.mood), key=lambda b: math.dist((valence, arousal), b.mood or ()))


def level(energy: float) -> int:
    """Which of three patterns a section of that energy 0..1 has."""
    return int(np.clip(energy * 3, 0, 2.999))


def _written() -> Any:
    return table(__name__, "bands.yaml")
