"""Stops, in which all but the tune are silent, and sections in half time, as a sentence wants them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from kmidi_lab.composition.change import FEEL, HALF, STOP, STOP_TIME, Change
from kmidi_lab.composition.form import KINDS, Stretch, bars_in
from kmidi_lab.composition.said_places import END, FIRST_HALF, MIDDLE, SECOND_HALF, START, Place
from kmidi_lab.composition.spans import bars_of, pairs, runs, spans_of, told, turn_at
from kmidi_lab.composition.taken import Taken
from kmidi_lab.song import Note

_HIT = 0.5
"""Quarters that the hit lasts with which a stop begins."""
_LONG_S = 2.6
"""Seconds of a bar that is too long for a stop: there it has the second half of one."""
_NAMES = {(STOP, ""): "stop", (STOP, STOP_TIME): "stop-time", (FEEL, HALF): "half-time feel"}
"""What a line calls each."""
_STOPPED = 4
"""Bars of a blues's round that are in stop-time: its first line."""


@dataclass(frozen=True)
class Breaks:
    """A form with its half-time sections.

    Args:
        form: of the song.
        stops: bars in which all but the tune stop.
        lines: what is told of each change.
    """

    form: list[Stretch]
    stops: frozenset[int]
    lines: Mapping[Change, Taken]


def broken(form: Sequence[Stretch], changes: Sequence[Change], rounds: int = 0) -> Breaks:
    """The form with the stops and the half-time sections of a text's changes; without a place a stop leads to the last chorus.

    Args:
        form: of the song.
        changes: that the text asks for.
        rounds: bars of the rounds of a blues, 0 of none.
    """
    out, stops, lines = list(form), set[int](), dict[Change, Taken]()
    whole = bars_in(form)
    for change in (c for c in changes if c.what in (STOP, FEEL)):
        if change.what == FEEL:
            spans = spans_of(change.place, form) if change.place else [(0, whole)]
            inside = {*bars_of(spans)}
            halved = [2 * len(inside & {*range(a, b)}) > b - a for a, b in pairs(form)]
            out = [s._replace(halved=s.halved or own) for s, own in zip(out, halved, strict=True)]
            spans = [span for span, own in zip(pairs(form), halved, strict=True) if own]
        else:
            found = _in_stop_time(change.place, form, rounds) if change.value else _bars_before(change.place, form)
            bars = {bar for bar in found if 0 <= bar < whole - 1}
            stops |= bars
            spans = runs(sorted(bars))
        where, why = (f"in {told(spans)}", "") if spans else ("", "the song has no such place")
        lines[change] = Taken(_NAMES[change.what, change.value], where, change.words, why)
    return Breaks(out, frozenset(stops), lines)


def stopped(notes: Sequence[Note], stops: Collection[int], bar: float, tempo: float) -> list[Note]:
    """A part that stops: in each of the bars one hit is left, of a slow bar its first half.

    A note that comes early to the next bar begins with it.

    Args:
        notes: of the part.
        stops: bars, by number.
        bar: quarters of each.
        tempo: quarters a minute.
    """
    silent = bar / 2 if bar * 60 / tempo > _LONG_S else bar - _HIT
    silences = [(bar * (number + 1) - silent, bar * (number + 1)) for number in stops]
    out: list[Note] = []
    for note in notes:
        for begin, end in silences:
            if begin <= note.start < end < note.stop:
                note = note._replace(start=end, duration=note.stop - end)
            elif note.start < begin < note.stop:
                note = note._replace(duration=begin - note.start)
        if not any(begin <= note.start < end for begin, end in silences):
            out.append(note)
    return out


def _in_stop_time(place: Place | None, form: Sequence[Stretch], rounds: int) -> list[int]:
    """The bars of stop-time: those of a place but the last, which leads on; in a blues the first line of its rounds.

    Without a place they are the choruses'; a blues, whose rounds are what its players call choruses, has them in its solo.
    """
    spans = spans_of(place or Place("chorus"), form)
    if not spans and (place is None or place.kind == "chorus"):
        spans = spans_of(Place("solo"), form) or pairs(form)[1:]
    if not rounds:
        return [bar for start, stop in spans for bar in range(start, max(stop - 1, start + 1))]
    return [bar for start, stop in spans for bar in range(start, stop) if (bar - start) % rounds < _STOPPED]


def _bars_before(place: Place | None, form: Sequence[Stretch]) -> list[int]:
    """The bars that a stop has: the last before a place, or of a section in which it is."""
    starts = [start for start, _ in pairs(form)]
    if place is None or place.kind == END:
        choruses = [start for start, s in zip(starts, form, strict=True) if s.kind == "chorus" and start]
        return [(choruses or starts)[-1] - 1]
    if place.kind not in KINDS:
        share = {START: 0.25, FIRST_HALF: 0.25, MIDDLE: 0.5, SECOND_HALF: 0.75}.get(place.kind, 0.75)
        return [turn_at(form, share) - 1]
    spans = spans_of(place._replace(side=0), form)
    return [(start if place.side < 0 else stop) - 1 for start, stop in spans]
