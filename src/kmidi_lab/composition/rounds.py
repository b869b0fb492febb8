"""Sections of whole rounds of their chords, as far as the form is the lab's to choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kmidi_lab.composition.form import EDGE_KINDS, Stretch
from kmidi_lab.song.edges import PHRASE
from kmidi_lab.wording import many

Row = Callable[[str], int]
"""A kind of section to the bars of the row that it plays; 0 where chords are made for it, of any length."""
_ROUNDS = 3
"""Rounds that are left out or added at most so that a section without a row has whole phrases."""


def in_rounds(form: Sequence[Stretch], row: Row, whole: int | None) -> list[Stretch]:
    """The form with each section as near to its length as whole rounds come, of a phrase at least.

    Where the song's length is asked for, rounds are added or left out until it has it. What is left over goes to a section
    without a row, in whole phrases if it can be, else to the last section.

    Args:
        form: as it was drawn, or as a text names it.
        row: bars of the row of each kind.
        whole: bars that are asked for; None where the length is free.
    """
    parts = [_Part(stretch, stretch.bars, _unit(stretch.kind, row)) for stretch in form]
    for part in parts:
        if part.unit and part.asked % part.unit:
            part.bars = max(1, int(part.asked / part.unit + 0.5)) * part.unit
            part.bars += part.unit if part.bars < PHRASE <= part.asked and not part.edge else 0
    if whole is not None and any(part.bars != part.asked for part in parts):
        while sum(part.bars for part in parts) > whole and len(parts) > 1:
            _shorten(parts, sum(part.bars for part in parts) - whole)
        _fill(parts, whole)
    return [part.stretch._replace(bars=part.bars) for part in parts]


@dataclass
class _Part:
    """A section whose `bars` are still to be found; `asked` are those that it had, `unit` as `_unit` says."""

    stretch: Stretch
    asked: int
    unit: int
    bars: int = 0

    def __post_init__(self) -> None:
        self.bars = self.asked

    @property
    def edge(self) -> bool:
        return self.stretch.kind in EDGE_KINDS


def _shorten(parts: list[_Part], over: int) -> None:
    """Takes a round away, or an edge of as many bars as are too many, or else a section in the middle."""
    longer = [part for part in parts if part.unit and part.bars > part.unit]
    edges = [part for part in parts if part.edge and part.bars >= over]
    bodies = [part for part in parts if not part.edge] or parts
    if longer:
        part = max(reversed(longer), key=lambda part: part.bars - part.asked)
        part.bars -= part.unit
    else:
        parts.remove(edges[0] if edges else bodies[len(bodies) // 2])


def _fill(parts: list[_Part], whole: int) -> None:
    """Gives the sections the bars that they lack, or leaves out what they have too many."""

    def missing() -> int:
        return whole - sum(part.bars for part in parts)

    bodies = [part for part in parts if part.unit and not part.edge]
    while fitting := [part for part in bodies if part.unit <= missing()]:
        part = max(reversed(fitting), key=lambda part: part.asked - part.bars)
        part.bars += part.unit
    free = [part for part in parts if not part.unit]
    if free and bodies and missing():
        last, unit = free[-1], bodies[-1].unit
        for rounds in sorted(range(-_ROUNDS, _ROUNDS + 1), key=abs):
            left = last.bars + missing() - rounds * unit
            if left >= PHRASE and left % PHRASE == 0 and bodies[-1].bars + rounds * unit > 0:
                bodies[-1].bars += rounds * unit
                break
    edges = [part for part in parts if part.edge and bodies and not (missing() + part.bars) % bodies[-1].unit]
    if edges and missing() and not free:
        parts.remove(edges[0])
        bodies[-1].bars += missing()
    (free or parts)[-1].bars += missing()


def cut_off(form: Sequence[Stretch], row: Row, whose: str) -> list[str]:
    """Sections in which a row comes round and is cut off before its end, in a line.

    Args:
        form: of the song.
        row: bars of the row of each kind.
        whose: rows these are, as it is told: `your chords`.
    """
    cut = [s for s in form if (unit := _unit(s.kind, row)) and s.bars > unit and s.bars % unit]
    if not cut:
        return []
    first, bars = cut[0], row(cut[0].kind)
    rounds = first.bars // bars * bars
    return [
        f"{whose} come round every {many(bars, 'bar')}, so the {first.kind} of {first.bars} cuts them off; "
        f"{f'{rounds} or ' if rounds else ''}{rounds + bars} bars are whole rounds"
    ]


def _unit(kind: str, row: Row) -> int:
    """Bars of which a section has a multiple; 0 where it may have any number."""
    bars = row(kind)
    return PHRASE if kind in EDGE_KINDS and bars > PHRASE and bars % PHRASE == 0 else bars
