"""The form of a song: what a section is, how full each kind is, a form as it was typed, or for a short song by a rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.song.arcs import ARC_CURVES, wanted_energy
from kmidi_lab.song.edges import PHRASE

_ENERGY = {
    "intro": 0.3, "verse": 0.45, "pre-chorus": 0.6, "chorus": 0.85, "bridge": 0.5, "solo": 0.75, "breakdown": 0.25,
    "build-up": 0.65, "drop": 0.95, "outro": 0.3, "other": 0.5, "silence": 0.0,
}  # fmt: skip
"""How full a section of each type is, 0..1. The lab's own choice."""
KINDS = tuple(_ENERGY)
"""Of sections, as they are typed."""
EDGE_KINDS = ("intro", "outro")
"""Of sections that open and close a song."""
_CALM = 0.35
"""Tension of all kinds that are not named here."""
_TENSION = {"pre-chorus": 0.7, "bridge": 0.7, "build-up": 0.8, "chorus": 0.5, "solo": 0.6}
LONGEST = 400
"""Bars of a song."""
MOST_SECTIONS, LONGEST_SECTION = 64, 64
_LATER = 0.05
"""What each return of a section adds to its energy."""
_FOLLOWED = 0.7
"""Share of a section's energy that is the arc's, where a person asks for one: a fading chorus is softer than the verse before."""


class Stretch(NamedTuple):
    """A section: its type, its bars, energy and tension in 0..1, the parts that play in it whatever its energy, and
    whether it feels half as fast.
    """

    kind: str
    bars: int
    energy: float
    tension: float
    playing: frozenset[str] = frozenset()
    halved: bool = False


Draw = Callable[[int], list[Stretch]]


def form(bars: int) -> list[Stretch]:
    """Verses and choruses of a phrase by turns, in exactly `bars` bars: what a song has that is too short for more."""
    return _stretches(_plan(bars))


def bars_in(form: Iterable[Stretch]) -> int:
    """The bars of sections together."""
    return sum(stretch.bars for stretch in form)


def following(form: Sequence[Stretch], arc: str) -> list[Stretch]:
    """The form with the energies of an arc that a person asks for, by the middle of each section; silence stays silent."""
    whole, at, out = bars_in(form), 0, []
    for stretch in form:
        wanted = wanted_energy(ARC_CURVES[arc], (at + stretch.bars / 2) / whole)
        at += stretch.bars
        energy = (1 - _FOLLOWED) * stretch.energy + _FOLLOWED * wanted
        out.append(stretch if stretch.kind == "silence" else stretch._replace(energy=energy))
    return out


def swell(arc: str, place: float, middle: float) -> float:
    """What an arc that is followed adds to the energy at a place of a section with such a middle, both shares of the song."""
    curve = ARC_CURVES[arc]
    return _FOLLOWED * (wanted_energy(curve, place) - wanted_energy(curve, middle))


def read_form(text: str) -> list[Stretch]:
    """A form as it was typed, such as `intro 4, verse 8, chorus 8`.

    Raises:
        ConfigError: a kind that is not known, bars that are no number from 1 to 64, more than 64 sections, or nothing but silence.
    """
    words = [part.split() for part in text.split(",") if part.strip()]
    if not 1 <= len(words) <= MOST_SECTIONS:
        raise ConfigError(f"compose.sections has {len(words)} sections; give 1 to {MOST_SECTIONS}")
    plan = []
    for part in words:
        kind, bars = " ".join(part[:-1]).lower().replace(" ", "-"), part[-1]
        if (alone := "-".join(part).lower()) in _ENERGY:
            raise ConfigError(f"compose.sections: {alone} has no bars; give 1 to {LONGEST_SECTION}, such as {alone} 8")
        if kind not in _ENERGY:
            raise ConfigError(one_of("compose.sections", kind or bars, _ENERGY))
        if not bars.isdecimal() or not 1 <= int(bars) <= LONGEST_SECTION:
            raise ConfigError(
                f"compose.sections: {kind} has {bars[:20]} bars; give 1 to {LONGEST_SECTION}, such as verse 8"
            )
        plan.append((kind, int(bars)))
    if {kind for kind, _ in plan} == {"silence"}:
        raise ConfigError("compose.sections has nothing but silence; name a section that plays, such as verse 8")
    whole = sum(bars for _, bars in plan)
    if whole > LONGEST:
        raise ConfigError(f"compose.sections has {whole} bars in all; give at most {LONGEST}")
    return _stretches(plan)


def _stretches(plan: list[tuple[str, int]]) -> list[Stretch]:
    """With the energy and tension of each kind; what returns has a little more."""
    seen: dict[str, int] = {}
    out = []
    for kind, length in plan:
        times = seen.get(kind, 0)
        seen[kind] = times + 1
        out.append(stretch_of(kind, length, times))
    return out


def stretch_of(kind: str, bars: int, times: int = 0) -> Stretch:
    """A section of a kind that came so many times before, as full and as tense as these are."""
    return Stretch(kind, bars, min(_ENERGY[kind] + _LATER * times, 1.0), _TENSION.get(kind, _CALM))


def _plan(bars: int) -> list[tuple[str, int]]:
    rounds, left = divmod(bars, 2 * PHRASE)
    body = [("verse", PHRASE), ("chorus", PHRASE)] * rounds
    return [*body, ("chorus" if rounds else "verse", left)] if left else body
