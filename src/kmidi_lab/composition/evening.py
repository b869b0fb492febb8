"""Even sections: what returns is as long as the first time, or half as long, so that a listener counts along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kmidi_lab.composition.form import EDGE_KINDS, LONGEST_SECTION
from kmidi_lab.song.edges import PHRASE, longest_edge

_AT_LAST = ("chorus", "drop")
"""Kinds that are whole when they come last; others are when they come first."""
_SHORT = ("pre-chorus", "build-up", "breakdown", "silence")
"""Kinds for which one phrase is enough."""
_SHAPES = {4: 0.5, 8: 0.0, 12: 0.6, 16: 0.3}
"""What a section of so many bars costs, in phrases that others would be moved for; four and two phrases are heard as a whole."""
_LONG, _ODD, _EDGE = 1.0, 1.5, 0.8
"""The same of one that is longer than a quarter of the song, of another length, and of an edge that is no phrase."""
_HALVED = {True: 0.7, False: 0.5}
"""The same of a section that is halved, which a chorus seldom is."""


class _Way(NamedTuple):
    """Bars of each section of one kind, all their bars, and what they cost."""

    bars: tuple[int, ...]
    whole: int
    cost: float


def evened(kinds: Sequence[str], near: Sequence[int], whole: int) -> tuple[list[int], float] | None:
    """Even lengths of sections, as near to others as they come, and what they cost; None where the bars can't be shared so.

    The cost counts phrases by which sections are longer or shorter, and a little for lengths that are heard as no whole.

    Args:
        kinds: of the sections, in order.
        near: bars that they would have.
        whole: bars in all.
    """
    best: dict[int, tuple[float, list[_Way]]] = {0: (0.0, [])}
    names = list(dict.fromkeys(kinds))
    for kind in names:
        ways = list(_ways(kind, [n for k, n in zip(kinds, near, strict=True) if k == kind], whole))
        grown: dict[int, tuple[float, list[_Way]]] = {}
        for bars, (cost, chosen) in best.items():
            for way in ways:
                total, sum_of = bars + way.whole, cost + way.cost
                if total <= whole and (total not in grown or sum_of < grown[total][0]):
                    grown[total] = (sum_of, [*chosen, way])
        best = grown
    if whole not in best:
        return None
    cost, chosen = best[whole]
    own = {kind: iter(way.bars) for kind, way in zip(names, chosen, strict=True)}
    return [next(own[kind]) for kind in kinds], cost


def even(kinds: Sequence[str], bars: Sequence[int]) -> bool:
    """Whether sections are whole phrases and what returns is whole or half, but for an intro and an outro."""
    for kind in {*kinds} - {*EDGE_KINDS}:
        own = [n for k, n in zip(kinds, bars, strict=True) if k == kind]
        longest = own[_whole_one(kind, len(own))]
        if any(n % PHRASE or n not in (longest, longest / 2) for n in own):
            return False
    return True


def _ways(kind: str, near: Sequence[int], whole: int) -> Iterator[_Way]:
    """Lengths that the sections of a kind may have."""
    if kind in EDGE_KINDS:
        lengths = {*near, *range(PHRASE, longest_edge(whole) + 1, PHRASE)}
        for length in sorted(lengths):
            yield _way([length] * len(near), near, _EDGE * (length != PHRASE))
        return
    shortest = sorted(range(len(near)), key=lambda n: (near[n], n if kind in _AT_LAST else -n))
    shortest.remove(_whole_one(kind, len(near)))
    nearest = {PHRASE * (own // PHRASE + more) for own in near for more in (-1, 0, 1, 2)}
    for length in sorted({*_SHAPES} | (nearest & {*range(PHRASE, LONGEST_SECTION + 1, PHRASE)})):
        cost = _SHAPES.get(length, _ODD) * (kind not in _SHORT or length != PHRASE)
        cost += _LONG * (length > max(2 * PHRASE, whole / 4))
        for halves in range(len(near) if length % (2 * PHRASE) == 0 else 1):
            bars = [length // 2 if n in shortest[:halves] else length for n in range(len(near))]
            yield _way(bars, near, cost * len(near) + _HALVED[kind in _AT_LAST] * halves)


def _way(bars: Sequence[int], near: Sequence[int], cost: float) -> _Way:
    moved = sum(abs(own - other) for own, other in zip(bars, near, strict=True)) / PHRASE
    return _Way(tuple(bars), sum(bars), moved + cost)


def _whole_one(kind: str, sections: int) -> int:
    """Which of the sections of a kind is whole in any case."""
    return sections - 1 if kind in _AT_LAST else 0
