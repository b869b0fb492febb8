"""The best of several forms that a model draws, by rules of thumb: closed at its end, with even sections."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from kmidi_lab.composition.evening import even, evened
from kmidi_lab.composition.form import EDGE_KINDS, LONGEST, Draw, Stretch, bars_in, form, stretch_of
from kmidi_lab.song.edges import EDGES, PHRASE, longest_edge
from kmidi_lab.wording import many

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
"""What a section of these costs that is shorter than a phrase, since a chorus of two bars sounds cut off, and a bridge that
comes before a verse or a chorus."""
_BEFORE_ALL = 2.0
"""What a chorus costs that begins the song or comes before any verse."""
_MOVED, _UNEVEN = 0.15, 3.0
"""What each phrase costs by which sections were made even, and a form that can't be."""
_WANTED = 3.0
"""What a kind of section is worth that is asked for."""


class _Candidate(NamedTuple):
    """A form that was drawn, what a rule changed in it, in words, and what that costs."""

    form: list[Stretch]
    changed: str
    cost: float


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
    forms: list[_Candidate] = []
    for number in range(1, _MOST_CANDIDATES + 1):
        drawn, changed = closed(draw(number))
        if _framed(drawn, bars):
            drawn, begun = opened(drawn)
            drawn, more, cost = with_even_sections(drawn, bars)
            forms.append(_Candidate(drawn, "; ".join(filter(None, (changed, begun, more))), cost))
        if number >= _CANDIDATES and any(_returns(candidate.form) > 1 for candidate in forms):
            break
    told = "no form that was drawn had intro and outro in their places and short, so it is a rule's"

    def worth(candidate: _Candidate) -> float:
        asked = len({*wanted} & {s.kind for s in candidate.form})
        return _worth(candidate.form, bars) + _WANTED * asked - _MOVED * candidate.cost

    best = max(forms, key=worth, default=_Candidate(form(bars), told, 0.0))
    return best.form, best.changed


def closed(drawn: list[Stretch]) -> tuple[list[Stretch], str]:
    """The form with an end that is one, and what was changed: a last section of another kind becomes a chorus, or an outro.

    Behind a chorus it becomes an outro. How full it is changes as its kind does.
    """
    last = drawn[-1]
    if last.kind in _CLOSING or len(drawn) < 2:
        return drawn, ""
    kind = "outro" if drawn[-2].kind == "chorus" else "chorus"
    usual, end = stretch_of(last.kind, last.bars), stretch_of(kind, last.bars)
    end = end._replace(energy=min(max(last.energy + end.energy - usual.energy, 0.0), 1.0))
    told = f"the {last.kind} of {many(last.bars, 'bar')} at the end became its {kind}, so that the song closes"
    return [*drawn[:-1], end], told


def opened(drawn: list[Stretch]) -> tuple[list[Stretch], str]:
    """The form with a verse before its first chorus, where the verse only comes behind it, and what was added; it is longer then."""
    kinds = [s.kind for s in drawn]
    if not _early("chorus", "verse", kinds):
        return drawn, ""
    first, verse = kinds.index("chorus"), drawn[kinds.index("verse")]
    return [*drawn[:first], verse, *drawn[first:]], "a verse was put before the first chorus"


def with_even_sections(drawn: list[Stretch], whole: int) -> tuple[list[Stretch], str, float]:
    """The form in `whole` bars, in whole phrases with what returns whole or half, what was changed, and what it costs.

    An intro in two sections becomes one, and so does an outro. Bars that make no phrase go to the outro, which is added where
    there is none. A form that can't be evened stays as it is.
    """
    joined: list[Stretch] = []
    for stretch in drawn:
        if joined and joined[-1].kind == stretch.kind and stretch.kind in EDGE_KINDS:
            joined[-1] = joined[-1]._replace(bars=joined[-1].bars + stretch.bars)
        else:
            joined.append(stretch)
    kinds, bars = [s.kind for s in joined], [s.bars for s in joined]
    if even(kinds, bars) and sum(bars) == whole:
        return joined, "", 0.0
    found, left = evened(kinds, bars, whole), 0
    if found is None:
        left = whole % PHRASE
        found = evened(kinds, bars, whole - left)
    if found is None:
        return (joined, "", _UNEVEN) if sum(bars) == whole else (form(whole), "sections by a rule", 2 * _UNEVEN)
    out = [s._replace(bars=own) for s, own in zip(joined, found[0], strict=True)]
    if left and kinds[-1] == "outro":
        out[-1] = out[-1]._replace(bars=out[-1].bars + left)
    elif left:
        out.append(stretch_of("outro", left))
    return out, f"sections of {', '.join(map(str, bars))} bars became even", found[1]


def _framed(drawn: Sequence[Stretch], bars: int) -> bool:
    """Whether an intro stands only at the beginning and an outro only at the end, neither longer than its share of the song.

    Several may stand there together. A share is rounded up to whole phrases.
    """
    runs = [kind for kind, _ in groupby(s.kind for s in drawn)]
    longest = longest_edge(bars)
    short = all(bars_in(s for s in drawn if s.kind == kind) <= longest for kind in EDGE_KINDS)
    return short and "intro" not in runs[1:] and "outro" not in runs[:-1]


def _returns(drawn: Sequence[Stretch]) -> int:
    """How often a chorus begins; one behind another is the same."""
    return sum(s.kind == "chorus" and (i == 0 or drawn[i - 1].kind != "chorus") for i, s in enumerate(drawn))


def _early(kind: str, other: str, kinds: Sequence[str]) -> bool:
    """Whether the first section of a kind stands before the first of another, of those that a song has."""
    return {kind, other} <= {*kinds} and kinds.index(kind) < kinds.index(other)


def _worth(drawn: Sequence[Stretch], bars: int) -> float:
    """How good a form is.

    Higher for a short intro, no chorus before a verse nor a bridge before either, one that returns and is as long as
    the verse, an end that is one, sections of whole phrases, few solos, short bridges, and no pre-chorus but behind a verse.
    """
    kinds = [s.kind for s in drawn]
    length = {kind: bars_in(s for s in drawn if s.kind == kind) for kind in kinds}
    aside = sum(length.get(kind, 0) for kind in ("solo", "other", "silence")) / bars
    longest = {kind: max(s.bars for s in drawn if s.kind == kind) for kind in kinds}
    return (
        4 * min(_returns(drawn), 2)
        + (_returns(drawn) > 2)
        + ("verse" in kinds)
        + (kinds[-1] == "outro")
        + 0.5 * (kinds[-1] == "chorus")
        + 0.3 * ("bridge" in kinds)
        - 16 * max(0.0, (length.get("intro", 0) + length.get("outro", 0)) / bars - EDGES)
        - 2 * max(0.0, aside - 0.15)
        - 2 * max(0.0, length.get("bridge", 0) / bars - 0.2)
        - 0.5 * max(0.0, longest.get("verse", 0) / longest.get("chorus", LONGEST) - 1)
        - sum(s.bars % PHRASE != 0 for s in drawn) / len(drawn)
        - _BEFORE_ALL * (kinds[0] == "chorus" or _early("chorus", "verse", kinds))
        - _CUT * (_early("bridge", "chorus", kinds) + _early("bridge", "verse", kinds))
        - _CUT * sum(s.bars < PHRASE and s.kind in _SUNG for s in drawn)
        - 2 * _CUT * sum(b == "pre-chorus" and a != "verse" for a, b in pairwise(["", *kinds]))
        - 0.02 * max(0, max(s.bars for s in drawn) - _LONG)
        - sum(a == b for a, b in pairwise(kinds)) / len(drawn)
    )
