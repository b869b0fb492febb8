"""The form of a song: the best of several that a model draws, as it was typed, or for a short song by a rule."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.song.arcs import ARC_CURVES, wanted_energy
from kmidi_lab.song.edges import EDGES, PHRASE, longest_edge
from kmidi_lab.wording import many

_ENERGY = {
    "intro": 0.3, "verse": 0.45, "pre-chorus": 0.6, "chorus": 0.85, "bridge": 0.5, "solo": 0.75, "breakdown": 0.25,
    "build-up": 0.65, "drop": 0.95, "outro": 0.3, "other": 0.5, "silence": 0.0,
}  # fmt: skip
"""How full a section of each type is, 0..1. The lab's own choice."""
KINDS = tuple(_ENERGY)
"""Of sections, as they are typed."""
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

_CANDIDATES, _MOST_CANDIDATES = 40, 160
"""Forms that are drawn, and how many at most until one has a chorus that returns."""
_CLOSING = ("outro", "chorus")
"""What a song may end with."""
_LONG = 16
"""Bars of a section that is not too long."""
_SHORT = 24
"""Bars of a song that has room for sections of several kinds."""
_SUNG = ("verse", "chorus", "bridge", "solo")
_CUT = 1.0
"""What a section of these costs that is shorter than a phrase, since a chorus of two bars sounds cut off, a chorus that begins or comes before any verse,
and a bridge before these."""


_WANTED = 3.0
"""What a kind of section is worth that is asked for."""


class Stretch(NamedTuple):
    """A section: its type, its bars, energy and tension in 0..1, and the parts that play in it whatever its energy."""

    kind: str
    bars: int
    energy: float
    tension: float
    playing: frozenset[str] = frozenset()


Draw = Callable[[int], list[Stretch]]


def form(bars: int) -> list[Stretch]:
    """Verses and choruses of a phrase by turns, in exactly `bars` bars: what a song has that is too short for more."""
    return _stretches(_plan(bars))


def chosen_form(draw: Draw, bars: int, wanted: Collection[str] = ()) -> tuple[list[Stretch], str]:
    """The best of several forms that were drawn, by rules of thumb; a song too short for sections has one by rule.

    Args:
        draw: a seed to a form of `bars` bars.
        bars: of the song.
        wanted: kinds of sections that it should have; other words count for nothing.

    Returns:
        The form, and what a rule changed in it, in words; empty where nothing was changed.
    """
    if bars < _SHORT:
        return form(bars), ""
    forms: list[tuple[list[Stretch], str]] = []
    for number in range(1, _MOST_CANDIDATES + 1):
        drawn, changed = closed(draw(number))
        drawn, more = grown(drawn)
        forms += [(drawn, "; ".join(filter(None, (changed, more))))] if _framed(drawn, bars) else []
        if number >= _CANDIDATES and any(_returns(f) > 1 for f, _ in forms):
            break
    by_rule = form(bars), "no form that was drawn had intro and outro in their places and short, so it is a rule's"

    def worth(candidate: tuple[list[Stretch], str]) -> float:
        return _worth(candidate[0], bars) + _WANTED * len({*wanted} & {s.kind for s in candidate[0]})

    return max(forms, key=worth, default=by_rule)


def closed(drawn: list[Stretch]) -> tuple[list[Stretch], str]:
    """The form with an end that is one, and what was changed: a last section of another kind becomes a chorus, or an outro.

    Behind a chorus it becomes an outro. How full it is changes as its kind does.
    """
    last = drawn[-1]
    if last.kind in _CLOSING or len(drawn) < 2:
        return drawn, ""
    kind = "outro" if drawn[-2].kind == "chorus" else "chorus"
    energy = min(max(last.energy + _ENERGY[kind] - _ENERGY[last.kind], 0.0), 1.0)
    end = Stretch(kind, last.bars, energy, _TENSION.get(kind, _CALM))
    told = f"the {last.kind} of {many(last.bars, 'bar')} at the end became its {kind}, so that the song closes"
    return [*drawn[:-1], end], told


def grown(drawn: list[Stretch]) -> tuple[list[Stretch], str]:
    """The form with a last chorus as long as the longest before, and what was changed: a song is largest at its end.

    The section before it gives the bars, where a phrase of it is left; else nothing is changed.
    """
    choruses = [n for n, s in enumerate(drawn) if s.kind == "chorus"]
    last = choruses[-1] if choruses else 0
    more = max((drawn[n].bars for n in choruses), default=0) - drawn[last].bars
    if last == 0 or more <= 0 or drawn[last - 1].kind == "chorus" or drawn[last - 1].bars - more < PHRASE:
        return drawn, ""
    giving, chorus = drawn[last - 1], drawn[last]
    out = [*drawn]
    out[last - 1 : last + 1] = [giving._replace(bars=giving.bars - more), chorus._replace(bars=chorus.bars + more)]
    told = (
        f"the last chorus got {many(more, 'bar')} of the {giving.kind} before it, so that it is as long as the longest"
    )
    return out, told


def _framed(drawn: Sequence[Stretch], bars: int) -> bool:
    """Whether an intro stands only at the beginning and an outro only at the end, neither longer than its share of the song.

    Several may stand there together. A share is rounded up to whole phrases.
    """
    runs = [kind for kind, _ in groupby(s.kind for s in drawn)]
    longest = longest_edge(bars)
    short = all(sum(s.bars for s in drawn if s.kind == kind) <= longest for kind in ("intro", "outro"))
    return short and "intro" not in runs[1:] and "outro" not in runs[:-1]


def following(form: Sequence[Stretch], arc: str) -> list[Stretch]:
    """The form with the energies of an arc that a person asks for, by the middle of each section; silence stays silent."""
    whole, at, out = sum(s.bars for s in form), 0, []
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


def _returns(drawn: Sequence[Stretch]) -> int:
    """How often a chorus begins; one behind another is the same."""
    return sum(s.kind == "chorus" and (i == 0 or drawn[i - 1].kind != "chorus") for i, s in enumerate(drawn))


def _early(kind: str, other: str, kinds: Sequence[str]) -> bool:
    """Whether the first section of a kind stands before the first of another, of those that a song has."""
    return {kind, other} <= {*kinds} and kinds.index(kind) < kinds.index(other)


def _worth(drawn: Sequence[Stretch], bars: int) -> float:
    """How good a form is.

    Higher for a short intro, no chorus before a verse nor a bridge before either, one that returns, an end
    that is one, sections of whole phrases, few solos, and no pre-chorus but behind a verse.
    """
    kinds = [s.kind for s in drawn]
    length = {kind: sum(s.bars for s in drawn if s.kind == kind) for kind in kinds}
    aside = sum(length.get(kind, 0) for kind in ("solo", "other", "silence")) / bars
    return (
        4 * min(_returns(drawn), 2)
        + (_returns(drawn) > 2)
        + ("verse" in kinds)
        + (kinds[-1] == "outro")
        + 0.5 * (kinds[-1] == "chorus")
        + 0.3 * ("bridge" in kinds)
        - 16 * max(0.0, (length.get("intro", 0) + length.get("outro", 0)) / bars - EDGES)
        - 2 * max(0.0, aside - 0.15)
        - sum(s.bars % PHRASE != 0 for s in drawn) / len(drawn)
        - _CUT * (kinds[0] == "chorus")
        - _CUT
        * (_early("chorus", "verse", kinds) + _early("bridge", "chorus", kinds) + _early("bridge", "verse", kinds))
        - _CUT * sum(s.bars < PHRASE and s.kind in _SUNG for s in drawn)
        - 2 * _CUT * sum(b == "pre-chorus" and a not in ("verse", b) for a, b in pairwise(["", *kinds]))
        - 0.02 * max(0, max(s.bars for s in drawn) - _LONG)
        - sum(a == b for a, b in pairwise(kinds)) / len(drawn)
    )


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
