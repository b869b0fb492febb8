"""A tempo of one place: sections that are slower or faster, half or twice as fast, and tempos that lead there."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from kmidi_lab.composition.brief import Brief, Mood
from kmidi_lab.composition.change import DOUBLE, FASTER, HALF, MOOD, PACE, SLOW, SLOWER, TO, Change
from kmidi_lab.composition.form import KINDS, Stretch, bars_in
from kmidi_lab.composition.said_places import LATE, Place
from kmidi_lab.composition.spans import Span, bars_of, runs, spans_of, told, turn_of
from kmidi_lab.composition.taken import Taken
from kmidi_lab.song import Arrangement, Tempo
from kmidi_lab.song.elements import FASTEST, SLOWEST

_SLOW, _FAST = (80.0, 0.5, 0.8), (138.0, 1.2, 2.0)
"""Quarters a minute that a slow and a fast section come near to, and the least and the greatest factor on the song's tempo."""
_LEAST, _MOST = 0.5, 2.0
"""The same of one in figures."""
_LED = 1.2
"""Factor that an accelerando comes to, and its inverse of a ritardando. Our choice."""
_LEADING = 4
"""Bars over which a tempo leads to a section, at most."""


def paced(
    form: Sequence[Stretch], changes: Sequence[Change], brief: Brief, moods: Sequence[Mood]
) -> tuple[tuple[float, ...], Mapping[Change, Taken]]:
    """The factor on the song's tempo of each bar, empty where it keeps its tempo, and what is told of each change.

    Args:
        form: of the song.
        changes: that the text asks for, of which those of the tempo are looked at.
        brief: of the song.
        moods: of each bar, whose tempo in the song's style it takes; empty where none is to.
    """
    whole = bars_in(form)
    usual = brief.band.at(brief.mood.arousal)
    factors = [brief.band.at(mood.arousal) / usual for mood in moods] or [1.0] * whole
    places = [(c, (c.place or Place(LATE))._replace(side=0)) for c in changes if c.what == PACE]
    places.sort(key=lambda place: _moves(place[0]))  # what leads to a tempo comes from the one before
    own = {bar for change, place in places for bar in bars_of(_spans(change, place, form))}
    lines = _with_moods(factors, changes, moods, brief.tempo, own)
    sections = {bar for _, place in places if place.kind in KINDS for bar in bars_of(spans_of(place, form))}
    for change, place in places:
        spans = _spans(change, place, form)
        if place.kind not in KINDS:  # what is said of a section counts there
            bars = {*bars_of(spans)}
            spans = runs(sorted(bars - sections or bars))
        if not spans:
            lines[change] = Taken("tempo", change.value, change.words, "the song has no such place")
            continue
        for start, stop in spans:
            if change.value.startswith(TO):
                _come_to(factors, start, stop, float(change.value.removeprefix(TO)) / brief.tempo)
            elif _moves(change):
                _lead(factors, start, stop, change)
            else:
                factor = _factor(change.value, brief.tempo)
                factors[start:stop] = [factor] * (stop - start)
        lines[change] = _line(change, spans, factors, brief.tempo)
    return tuple(factors) if any(factor != 1.0 for factor in factors) else (), lines


def with_paces(song: Arrangement, factors: Sequence[float]) -> Arrangement:
    """The song with the tempo of each bar by its factor; as it is without any."""
    if not factors:
        return song
    tempos: list[Tempo] = []
    for start, factor in zip(song.bar_starts[:-1], factors, strict=False):
        tempo = min(max(SLOWEST, round(factor * song.tempo_at(start), 2)), FASTEST)
        if not tempos or tempos[-1].tempo != tempo:
            tempos.append(Tempo(start, tempo))
    return replace(song, tempos=tuple(tempos))


def _with_moods(
    factors: Sequence[float], changes: Sequence[Change], moods: Sequence[Mood], tempo: float, other: Collection[int]
) -> dict[Change, Taken]:
    """What is told of the tempo of each mood that has one of its own, but in bars that have an`other`."""
    lines: dict[Change, Taken] = {}
    for change in {c.value: c for c in changes if c.what == MOOD}.values():
        bars = [n for n, mood in enumerate(moods) if mood.words == change.value and n not in other]
        bars = [n for n in bars if round((factors[n] - 1) * tempo)]
        if bars:
            lines[change] = Taken("tempo", f"{factors[bars[0]] * tempo:.0f} in {told(runs(bars))}", change.words)
    return lines


def _factor(value: str, tempo: float) -> float:
    if value in (HALF, DOUBLE):
        return 0.5 if value == HALF else 2.0
    if value.isdecimal():
        return min(max(float(value) / tempo, _LEAST), _MOST)
    wanted, least, most = _SLOW if value == SLOW else _FAST
    return min(max(wanted / tempo, least), most)


def _spans(change: Change, place: Place, form: Sequence[Stretch]) -> list[Span]:
    """The bars of a tempo: of its place, or of its share where several parts have one."""
    return [turn_of(*change.share, form)] if change.share else spans_of(place, form)


def _moves(change: Change) -> bool:
    """Whether a tempo is reached by and by."""
    return change.value in (FASTER, SLOWER) or change.value.startswith(TO)


def _come_to(factors: list[float], start: int, stop: int, end: float) -> None:
    """A tempo that changes over a place from what it is in its first bar to another in its last."""
    first, steps = factors[start], max(1, stop - start - 1)
    factors[start:stop] = [first * (end / first) ** (n / steps) for n in range(stop - start)]


def _lead(factors: list[float], start: int, stop: int, change: Change) -> None:
    """A tempo that changes over a place, or over the bars that lead to it, which then keeps what is reached."""
    end = _LED if change.value == FASTER else 1 / _LED
    leads = change.place is not None and change.place.side < 0 and start > 0
    first, last = (max(0, start - _LEADING), start) if leads else (start, stop)
    if leads:
        factors[start:stop] = [end * factor for factor in factors[start:stop]]
    for n, factor in enumerate(factors[first:last], 1):
        reached = factors[start] if leads else end * factor
        factors[first + n - 1] = factor * (reached / factor) ** (n / (last - first))


def _line(change: Change, spans: Sequence[Span], factors: Sequence[float], tempo: float) -> Taken:
    start, stop = spans[0]
    reached = min(max(SLOWEST, factors[stop - 1] * tempo), FASTEST)
    leads = change.place is not None and change.place.side < 0 and start > 0
    spans = [(max(0, a - _LEADING), a) for a, _ in spans] if leads else spans
    way = change.value if not change.value.startswith(TO) else SLOWER if factors[start] > factors[stop - 1] else FASTER
    how = f"{way} to {reached:.0f}" if _moves(change) else f"{reached:.0f}"
    return Taken("tempo", f"{how} in {told(spans)}", change.words)
