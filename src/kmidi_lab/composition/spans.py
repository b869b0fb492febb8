"""Which bars of a form a place is: those of its sections, or where none begins there, a share of the song."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

from kmidi_lab.composition.form import Stretch, bars_in
from kmidi_lab.composition.said_places import BARS, END, FIRST_HALF, LATE, MIDDLE, SECOND_HALF, SECONDS, START, Place
from kmidi_lab.song.edges import PHRASE

Span = tuple[int, int]
"""First bar, and the one behind the last; from 0."""
_AROUND = (0.35, 0.65)
"""Where the middle of a section lies that may be the middle of a song, as shares of it."""
_NEAR = 1 / 6
"""How far from where a song turns a section may begin, as a share of it."""
_EDGE = 4
"""A beginning or an end is one of so many parts of a song, at most."""


def spans_of(place: Place, form: Sequence[Stretch]) -> list[Span]:
    """The bars that a place is in a form, in order; none where the form has no such section, or nothing before or after it."""
    if place.kind == BARS:
        return _between(place, bars_in(form))
    found = _own(place, form)
    if place.order > 0:
        found = found[place.order - 1 : place.order]
    elif place.order < 0:
        found = found[-1:]
    if not place.side:
        return found
    borders = list(pairs(form))
    before = [next((b for b in borders if b[1] == span[0]), None) for span in found]
    after = [next((b for b in borders if b[0] == span[1]), None) for span in found]
    return [span for span in (before if place.side < 0 else after) if span]


def in_bars(place: Place, tempo: float, bar: float) -> Place:
    """A place in time as one in bars, of so many quarters each at so many quarters a minute; any other as it is."""
    if place.kind != SECONDS:
        return place
    return place._replace(kind=BARS, order=round(place.order * tempo / 60 / bar) + 1)


def pairs(form: Sequence[Stretch]) -> list[Span]:
    """The bars of each section."""
    starts = list(accumulate((s.bars for s in form), initial=0))
    return list(zip(starts[:-1], starts[1:], strict=True))


def turn_at(form: Sequence[Stretch], share: float, between: bool = False, near_by: float = _NEAR) -> int:
    """The bar at which a song turns that turns after a share of it, 0..1: where a section begins near, else a phrase, else any bar.

    `between` says that it turns between sections, however far, where there are several; `near_by` what is near, as a share of the song.
    """
    whole = bars_in(form)
    wanted = share * whole
    borders = [start for start, _ in pairs(form)[1:]]
    near = [at for at in borders if between or abs(at - wanted) <= whole * near_by]
    phrases = [at for at in range(PHRASE, whole, PHRASE) if abs(at - wanted) <= whole / 6]
    return min(near or phrases or range(1, whole) or [0], key=lambda at: (abs(at - wanted), at))


def turn_of(number: int, count: int, form: Sequence[Stretch]) -> Span:
    """The bars of a turn, counted from 0, where so many share the song; the first is behind the last where no bar is left."""
    near_by = _NEAR if count <= 2 else 1 / (4 * count)  # so that no part is less than half as long as another
    start = turn_at(form, number / count, near_by=near_by) if number else 0
    stop = turn_at(form, (number + 1) / count, near_by=near_by) if number + 1 < count else bars_in(form)
    return start, stop


def whole_rounds(spans: Sequence[Span], form: Sequence[Stretch], bars: int) -> list[Span]:
    """The spans from the nearest round of so many bars to the nearest, of one at least; as they are in a song of one round."""
    borders = [start for first, stop in pairs(form) for start in range(first, stop, bars)] + [bars_in(form)]
    if len(borders) < 3:
        return list(spans)
    out = []
    for start, stop in spans:
        first, last = (min((abs(border - at), border) for border in borders)[1] for at in (start, stop))
        inside = min(bisect_right(borders, (start + stop) / 2), len(borders) - 1)
        out.append((first, last) if first < last else (borders[inside - 1], borders[inside]))
    return out


def bars_of(spans: Iterable[Span]) -> list[int]:
    """The bars of spans, one span behind the other."""
    return [bar for start, stop in spans for bar in range(start, stop)]


def runs(bars: Iterable[int]) -> list[Span]:
    """Bars, in order, as spans of those one behind the other."""
    out: list[Span] = []
    for bar in bars:
        out[-1:] = [(out[-1][0], bar + 1)] if out and out[-1][1] == bar else [*out[-1:], (bar, bar + 1)]
    return out


def told(spans: Sequence[Span]) -> str:
    """Bars as they are counted, from 1: `bar 5`, `bars 5-12 and 21-28`."""
    joined = runs(sorted({*bars_of(spans)}))
    names = [f"{a + 1}-{b}" if b > a + 1 else f"{b}" for a, b in joined]
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{'bar' if len(joined) == 1 and '-' not in listed else 'bars'} {listed}"


def _between(place: Place, whole: int) -> list[Span]:
    """Bars that are counted, as far as a song of so many has them."""
    start, stop = (0, place.order - 1) if place.side < 0 else (place.order - 1, place.until or whole)
    return [(start, min(stop, whole))] if start < min(stop, whole) else []


def _own(place: Place, form: Sequence[Stretch]) -> list[Span]:
    """The bars of a place itself; sections of its kind one behind the other are one."""
    whole, own = bars_in(form), pairs(form)
    if place.kind in (MIDDLE, START, END, FIRST_HALF, SECOND_HALF, LATE):
        return [span for span in [_share(place.kind, form, own, whole)] if span[0] < span[1]]
    out: list[Span] = []
    for n, (stretch, (start, stop)) in enumerate(zip(form, own, strict=True)):
        if stretch.kind == place.kind:
            if n and form[n - 1].kind == place.kind:
                out[-1] = (out[-1][0], stop)
            else:
                out.append((start, stop))
    return out


def _share(kind: str, form: Sequence[Stretch], own: Sequence[Span], whole: int) -> Span:
    """The bars of a place that is no section."""
    edge = max(1, whole // _EDGE)
    if kind == START:
        return (0, own[0][1] if own[0][1] <= edge else min(edge, PHRASE))
    if kind == END:
        starts = [start for start, _ in own[1:] if whole - start <= edge]
        return (min(starts, default=whole - edge), whole)
    half = turn_at(form, 0.5)
    if kind == FIRST_HALF:
        return (0, half)
    if kind in (SECOND_HALF, LATE):
        return (half, whole)
    low, high = _AROUND
    inside = [span for span in own if low * whole <= sum(span) / 2 <= high * whole and span[1] - span[0] <= whole / 2]
    if inside:
        return min(inside, key=lambda span: abs(sum(span) - whole))
    return (round(3 * whole / 8), max(round(5 * whole / 8), round(3 * whole / 8) + 1))
