"""How long each section of a form is that a text names: whole phrases, so that no round of chords is cut at a seam."""

from __future__ import annotations

from collections.abc import Sequence

from kmidi_lab.composition.evening import evened
from kmidi_lab.composition.form import LONGEST_SECTION, Stretch, bars_in
from kmidi_lab.song.edges import PHRASE
from kmidi_lab.wording import many

_SHORT = ("intro", "outro", "pre-chorus", "build-up", "breakdown")
_BARS, _FEW_BARS = 8, 4
"""Of a section of most kinds, and of those that are short."""


def lengths(kinds: Sequence[str], whole: int | None) -> list[int]:
    """Bars of each section, in whole phrases as far as there is room for them, else in twos or ones.

    Whole phrases are shared out so that what returns is whole or half. Else what a fair share leaves over goes, a phrase each,
    to the kind that comes most often, to the last of it first. Single bars go to the last section, since nothing follows it.

    Args:
        kinds: of the sections, in order.
        whole: bars in all, from one to 64 for each section; None where that is not known.
    """
    usual = [_FEW_BARS if kind in _SHORT else _BARS for kind in kinds]
    if whole is None:
        return usual
    unit = _unit(len(kinds), whole)
    most = LONGEST_SECTION // unit
    units = [min(max(whole // unit * own // sum(usual), 1), most) for own in usual]
    longer = sorted(range(len(kinds)), key=lambda n: (-usual[n], -kinds.count(kinds[n]), -n))
    while missing := whole // unit - sum(units):
        for n in [n for n in longer if units[n] < most][:missing]:
            units[n] += 1
    bars = [unit * own for own in units]
    if unit == PHRASE and (found := evened(kinds, bars, whole - whole % unit)):
        bars = found[0]
    if left := whole % unit:
        bars[max(n for n, own in enumerate(bars) if own < LONGEST_SECTION)] += left
    return bars


def uneven(form: Sequence[Stretch]) -> str:
    """That sections of whole phrases do not make the bars that are asked for, and what they have; empty where they do."""
    whole = bars_in(form)
    if all(s.bars % PHRASE == 0 for s in form):
        return ""
    if _unit(len(form), whole) < PHRASE:
        return (
            f"{many(whole, 'bar')} are too few for {len(form)} sections of {PHRASE} bars: "
            f"they have {', '.join(str(s.bars) for s in form)}"
        )
    odd = next(s for s in form if s.bars % PHRASE)
    return f"{whole} bars do not make {len(form)} sections of 4, 8, 12 … bars, so the last {odd.kind} has {odd.bars}"


def _unit(sections: int, whole: int) -> int:
    """Bars of which each section has a multiple."""
    return next(unit for unit in (PHRASE, PHRASE // 2, 1) if unit * sections <= whole)
