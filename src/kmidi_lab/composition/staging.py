"""A form with what a sentence wants of its places: how loud each bar is, and who is silent in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kmidi_lab.composition.breaks import broken
from kmidi_lab.composition.brief import Brief, Mood
from kmidi_lab.composition.change import FALL, LEVEL, LOUD, RISE, SOFT, Change
from kmidi_lab.composition.entering import silences
from kmidi_lab.composition.form import Stretch, bars_in
from kmidi_lab.composition.pacing import paced
from kmidi_lab.composition.said_places import END
from kmidi_lab.composition.soloing import solos
from kmidi_lab.composition.spans import Span, bars_of, in_bars, pairs, runs, spans_of, told, turn_of
from kmidi_lab.composition.stages import Stage
from kmidi_lab.composition.taken import Taken
from kmidi_lab.composition.turning import turned

_USUAL = 0.7
"""Level of a bar of which nothing is asked, where something is of another."""
_LEVELS = {SOFT: (0.1, 0.1), LOUD: (1.0, 1.0), RISE: (0.25, 1.0), FALL: (1.0, 0.1)}
"""Level at the start and at the end of a place that is asked to be so. Our choice."""
_QUIET, _FULL, _HALF = 0.25, 0.95, 0.6
"""Energy of a section that is soft, at most; of one that is loud, at least; and of one that grows or sinks."""


@dataclass(frozen=True)
class Staging:
    """A form as a sentence wants it.

    Args:
        form: with the energy that each section is to have.
        stages: mood and key of each section; empty where nothing turns.
        levels: of each bar, 0..1; empty where no loudness is asked for.
        paces: factor on the song's tempo of each bar; empty where it keeps its tempo.
        silent: bars in which a part does not play, by its name of `wishes.ROLES`.
        stops: bars in which all but the tune stop.
        lines: what is told of each change.
    """

    form: tuple[Stretch, ...]
    stages: tuple[Stage, ...] = ()
    levels: tuple[float, ...] = ()
    paces: tuple[float, ...] = ()
    silent: Mapping[str, frozenset[int]] = field(default_factory=dict)
    stops: frozenset[int] = frozenset()
    lines: tuple[Taken, ...] = ()


class ByBar(NamedTuple):
    """What holds in each bar: a factor on the tempo, a level and a mood; each empty where it is the same in all."""

    paces: tuple[float, ...] = ()
    levels: tuple[float, ...] = ()
    moods: tuple[Mood, ...] = ()

    def in_order(self, order: Sequence[int]) -> ByBar:
        """The same of a song whose bars come in another order."""
        return ByBar(
            tuple(self.paces[bar] for bar in order if self.paces),
            tuple(self.levels[bar] for bar in order if self.levels),
            tuple(self.moods[bar] for bar in order if self.moods),
        )


class _Placed(NamedTuple):
    change: Change
    spans: list[Span]
    covered: bool = False
    """Whether another loudness is asked for in all its bars."""


def staged(
    form: Sequence[Stretch],
    changes: Sequence[Change],
    brief: Brief,
    words: Mapping[str, str],
    fixed: Mapping[str, str],
) -> Staging:
    """The form with all changes that it has a place for, and a line of each.

    Args:
        form: of the song.
        changes: that the text asks for, of which a later one counts where two are of one bar.
        brief: of the song.
        words: that said each wish, by its name, among them those for each part's program.
        fixed: why the `mood`, the `key`, the `mode` or the `tempo` does not change; without what is free.
    """
    if not changes:
        return Staging(tuple(form))
    changes = [c._replace(place=c.place and in_bars(c.place, brief.tempo, brief.metre.bar)) for c in changes]
    turns = turned(form, changes, brief, fixed)
    form = turns.form
    placed = _apart([_Placed(change, _spans(change, form)) for change in changes if change.what == LEVEL], form)
    levels, form = _levelled(form, [p for p in placed if p.spans])
    breaks = broken(form, changes, len(brief.blues))
    quiet = silences(breaks.form, changes, brief, words)
    moods = moods_by_bar(quiet.form, turns.stages) if "tempo" not in fixed else ()
    paces, tempos = paced(quiet.form, changes, brief, moods)
    told_by = (
        solos(quiet.form, changes),
        turns.lines,
        tempos,
        {p.change: _line(p) for p in placed},
        quiet.lines,
        breaks.lines,
    )
    levels = levels or turns.levels
    return Staging(
        tuple(quiet.form),
        turns.stages,
        levels,
        paces,
        quiet.silent,
        breaks.stops,
        tuple(lines[c] for c in changes for lines in told_by if c in lines),
    )


def _spans(change: Change, form: Sequence[Stretch]) -> list[Span]:
    """The bars of a change: those of its place, or of its share where several take turns."""
    if change.place:
        return spans_of(change.place, form)
    start, stop = turn_of(*(change.share or (0, 1)), form)
    return [(start, stop)] if start < stop else []


def _apart(placed: Sequence[_Placed], form: Sequence[Stretch]) -> list[_Placed]:
    """Each change with the bars that no later one changes; of a last section that is named an end has the second half."""
    start, whole = pairs(form)[-1]
    out: list[_Placed] = []
    later: dict[int, str] = {}
    named = any((start, whole) in p.spans for p in placed if p.change.place and p.change.place.kind != END)
    for p in reversed(placed):
        bars = own = {*bars_of(p.spans)}
        if named and p.change.place and p.change.place.kind == END:
            own = {*range(start + (whole - start) // 2, whole)}
        free = own - {*later}
        if free or not own or any(later[bar] != p.change.value for bar in own):
            out.append(p if free == bars else _Placed(p.change, runs(sorted(free)), covered=not free))
        later |= dict.fromkeys(free, p.change.value)
    return out[::-1]


def _levelled(form: Sequence[Stretch], placed: Sequence[_Placed]) -> tuple[tuple[float, ...], list[Stretch]]:
    """The level of each bar, and the form with energies as they are asked for; no levels where nothing is asked."""
    if not placed:
        return (), list(form)
    levels = [_USUAL] * bars_in(form)
    energies: dict[int, str] = {}
    for change, spans, _ in placed:
        first, last = _LEVELS[change.value]
        for start, stop in spans:
            for bar in range(start, stop):
                levels[bar] = first + (last - first) * (bar - start) / max(1, stop - start - 1)
            for n, (a, b) in enumerate(pairs(form)):
                if 2 * (min(b, stop) - max(a, start)) > b - a and form[n].kind != "silence":
                    energies[n] = change.value
    return tuple(levels), [
        s._replace(energy=_energy(s.energy, energies[n])) if n in energies else s for n, s in enumerate(form)
    ]


def _energy(usual: float, asked: str) -> float:
    if asked == SOFT:
        return min(usual, _QUIET)
    return max(usual, _FULL) if asked == LOUD else _HALF


def _line(placed: _Placed) -> Taken:
    change, spans, covered = placed
    if spans:
        return Taken("loudness", f"{change.value} in {told(spans)}", change.words)
    return Taken(
        "loudness",
        change.value,
        change.words,
        "another is asked for there" if covered else "the song has no such place",
    )


def moods_by_bar(form: Sequence[Stretch], stages: Sequence[Stage]) -> tuple[Mood, ...]:
    """The mood of each bar; none where it is the same in all."""
    moods = tuple(stage.mood for stretch, stage in zip(form, stages, strict=False) for _ in range(stretch.bars))
    return moods if len({*moods}) > 1 else ()
