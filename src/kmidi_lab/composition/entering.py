"""Who plays where: parts that enter late, leave, or are alone, as a sentence wants it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.change import ALONE, ENTER, LEAVE, ONE_BY_ONE, WITHIN, Change
from kmidi_lab.composition.course_patterns import EVERYBODY
from kmidi_lab.composition.form import Stretch, bars_in
from kmidi_lab.composition.said_places import LATE, Place
from kmidi_lab.composition.spans import bars_of, pairs, spans_of, told
from kmidi_lab.composition.taken import Taken
from kmidi_lab.composition.vocabulary import kinds
from kmidi_lab.song import Note
from kmidi_lab.song.edges import PHRASE

_ROLES = ("chords", "lead", "bass", "pad", "drums")
"""Parts in the order in which they enter one after another."""
_ENTERED = 0.6
"""Share of a song by which all have entered."""


@dataclass(frozen=True)
class Silences:
    """A form in which parts rest.

    Args:
        form: with the parts that play in each section whatever its energy.
        silent: bars in which a part does not play.
        lines: what is told of each change.
    """

    form: list[Stretch]
    silent: Mapping[str, frozenset[int]]
    lines: Mapping[Change, Taken]


def silences(form: Sequence[Stretch], changes: Sequence[Change], brief: Brief, words: Mapping[str, str]) -> Silences:
    """The bars in which each part rests, of all changes of players; where nobody would be left, all play.

    Arguments as of `staging.staged`.
    """
    whole = bars_in(form)
    present = [role for role in _ROLES if role not in brief.without]
    silent: dict[str, set[int]] = {role: set() for role in present}
    forced: dict[str, set[int]] = {role: set() for role in present}
    lines: dict[Change, Taken] = {}
    opened = 0  # bars that somebody is alone in at the start
    for change in (c for c in changes if c.what in (ENTER, LEAVE, ALONE, WITHIN, ONE_BY_ONE)):
        if change.what == ONE_BY_ONE:
            named = [role for name in change.value.split(", ") for role in roles_of(name, present, brief, words)]
            order = [*dict.fromkeys([*named, *present])]
            lines[change] = _one_by_one(form, order, silent, forced, change)
            continue
        roles = roles_of(change.value, present, brief, words)
        spans = [(opened, whole)] if not change.place and opened else spans_of(change.place or Place(LATE), form)
        bars = {*bars_of(spans)}
        asked = bars
        if change.what == ENTER and spans:
            bars, asked = {*range(spans[0][0], whole)}, {spans[0][0]}
        if not roles or not bars or (change.what == LEAVE and len(roles) == len(present)):
            why = "no such part plays" if not roles else "the song has no such place" if not bars else "nobody is left"
            lines[change] = Taken(_WHAT[change.what].format(change.value), "", change.words, why)
            continue
        rest = {*range(whole)} - bars
        for role in present:
            if role in roles:
                silent[role] |= bars if change.what == LEAVE else rest if change.what in (ENTER, WITHIN) else set()
                forced[role] |= set() if change.what == LEAVE else asked
            elif change.what == ALONE:
                silent[role] |= bars
        if change.what == ALONE and 0 in bars:
            opened = spans[0][1]
        where = f"from bar {min(bars) + 1} on" if change.what == ENTER else f"in {told(spans)}"
        lines[change] = Taken(_WHAT[change.what].format(change.value), where, change.words)
    for bar in range(whole):
        if all(bar in silent[role] for role in present):
            for role in present:
                silent[role].discard(bar)
    return Silences(_playing(form, forced, silent), {r: frozenset(b) for r, b in silent.items() if b}, lines)


_WHAT = {ENTER: "{}", LEAVE: "without {}", ALONE: "only {}", WITHIN: "{} only"}
"""What a line says of each change."""


def _one_by_one(
    form: Sequence[Stretch],
    present: Sequence[str],
    silent: Mapping[str, set[int]],
    forced: Mapping[str, set[int]],
    change: Change,
) -> Taken:
    """Parts that enter where sections begin, or in a short song each phrase or less."""
    whole = bars_in(form)
    step = max(1, round(_ENTERED * whole / len(present)))
    borders = [start for start, _ in pairs(form) if start <= _ENTERED * whole]
    step = next((step // group * group for group in (PHRASE, 2) if step >= group), step)
    even = [n * step for n in range(len(present))]
    starts = borders[: len(present)] if len(borders) >= len(present) else even
    entries = []
    for role, start in zip(present, starts, strict=True):
        silent[role].update(range(start))
        forced[role].add(start)
        entries.append(f"{start + 1} ({role.replace('lead', 'melody')})")
    return Taken("one part after another", f"from bar {', '.join(entries)} on", change.words)


def roles_of(who: str, present: Sequence[str], brief: Brief, words: Mapping[str, str]) -> set[str]:
    """The parts that players' words name: a part, those of an instrument, or all but the melody."""
    out: set[str] = set()
    for name in who.split(", "):
        kind, value = kinds().get(name, ("", None))
        if kind == "part":
            out.add(value)
        elif kind == "instrument":
            said = {role for role in present if words.get(f"program {role}") == name}
            family = {r for r in present if r != "drums" and brief.band.programs[r] // 8 == value[0] // 8}
            out |= said or family
        elif name in ("beat", "beats"):
            out.add("drums")
        elif name in EVERYBODY:
            out |= {*present} - {"lead"}
    return out & {*present}


def _playing(
    form: Sequence[Stretch], forced: Mapping[str, Collection[int]], silent: Mapping[str, Collection[int]]
) -> list[Stretch]:
    """The form with the parts that are asked for in each section, where these need more energy than it has."""
    out = []
    for stretch, (start, stop) in zip(form, pairs(form), strict=True):
        asked = frozenset(r for r in forced if any(b in forced[r] and b not in silent[r] for b in range(start, stop)))
        out.append(stretch._replace(playing=asked))
    return out


def sounding(note: Note, rests: Collection[int], bar: float) -> Note | None:
    """What of a note sounds outside of the bars, each of so many quarters, in which its part rests; None where nothing does."""
    start, stop = note.start, note.stop
    while int(start // bar) in rests:
        start = (int(start // bar) + 1) * bar
    if start >= stop:
        return None
    at = int(start // bar) + 1
    while at * bar < stop:
        if at in rests:
            stop = at * bar
        at += 1
    return note._replace(start=start, duration=stop - start)
