"""Where a song turns: its sections with the mood and the key of each, as a sentence wants them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kmidi_lab.chords.chord import MODES
from kmidi_lab.chords.spelling import Spelling, parse_spelling
from kmidi_lab.composition.brief import Brief, Mood
from kmidi_lab.composition.change import IN_KEY, KEY, MODE, MOOD, SHIFT, Change
from kmidi_lab.composition.form import Stretch, bars_in
from kmidi_lab.composition.said_places import END, Place
from kmidi_lab.composition.spans import Span, bars_of, pairs, spans_of, told, turn_at, turn_of, whole_rounds
from kmidi_lab.composition.stages import Stage, mode_of, of_mode
from kmidi_lab.composition.taken import Taken
from kmidi_lab.song.vocabularies import mood_affect

_LATE = 0.75
"""Share of a song after which it goes up that has no chorus to do so."""
_LIVELY = 0.3
"""What a mood whose arousal is 1 higher adds to the energy of a section."""
_CONTRASTS = (0.75, 0.25, 0.3)
"""Level of a bar without arousal, what an arousal of 1 adds, and the least level, in a song whose mood changes."""


@dataclass(frozen=True)
class Turned:
    """A form whose sections each have one mood and one key.

    Args:
        form: with sections divided where a song turns within one, and the energy that each mood has.
        stages: of each section; empty where nothing turns.
        levels: of each bar, where moods differ; else empty.
        lines: what is told of each change.
    """

    form: list[Stretch]
    stages: tuple[Stage, ...]
    levels: tuple[float, ...]
    lines: Mapping[Change, Taken]


def turned(form: Sequence[Stretch], changes: Sequence[Change], brief: Brief, fixed: Mapping[str, str]) -> Turned:
    """The form with the mood and the key of each section.

    Args:
        form: of the song.
        changes: that the text asks for, of which those of moods and keys are looked at.
        brief: of the song.
        fixed: why the `mood`, the `key` or the `mode` does not change; without what is free.
    """
    whole = bars_in(form)
    moods, lines = [brief.mood] * whole, dict[Change, Taken]()
    placed: list[tuple[Change, list[Span]]] = []
    for change in (c for c in changes if c.what in (MOOD, MODE, KEY, IN_KEY, SHIFT)):
        why = fixed.get("mood" if change.what == MOOD else "key", "")
        why = why or (fixed.get("mode", "") if change.what in (MODE, KEY, IN_KEY) else "")
        spans = _spans(change, form, whole, bool(brief.blues))
        spans = whole_rounds(spans, form, len(brief.blues)) if brief.blues else spans
        if why or not spans:
            value = change.value if change.what in (MOOD, KEY, IN_KEY) else ""
            lines[change] = Taken(_what(change), value, change.words, why or "the song has no such place")
        else:
            placed.append((change, spans))
    keys = [(brief.spelling, 0)] * whole
    for change, spans in placed:
        for bar in bars_of(spans):
            if change.what == MOOD and change.share != (0, change.share and change.share[1]):
                moods[bar] = _mood(change.value)
                if not {"key", "mode"} & {*fixed} and not any(c.what in (MODE, KEY, IN_KEY) for c, _ in placed):
                    keys[bar] = of_mode(brief.spelling, mode_of(moods[bar])), keys[bar][1]
            elif change.what != MOOD:
                keys[bar] = _key(change, *keys[bar], brief)
    if not placed:
        return Turned(list(form), (), (), lines)
    borders = [bar for bar in range(1, whole) if (moods[bar], keys[bar]) != (moods[bar - 1], keys[bar - 1])]
    form = _divided(form, borders)
    stages = tuple(Stage(moods[start], *keys[start]) for start, _ in pairs(form))
    for change, spans in placed:
        lines[change] = _line(change, spans, stages, form)
    base, more, least = _CONTRASTS
    levels = tuple(max(base + more * mood.arousal, least) for mood in moods)
    lively = [
        s._replace(energy=min(max(s.energy + _LIVELY * (stage.mood.arousal - brief.mood.arousal), 0.05), 1.0))
        if stage.mood != brief.mood and s.kind != "silence"
        else s
        for s, stage in zip(form, stages, strict=True)
    ]
    return Turned(lively, stages, levels if len({*moods}) > 1 else (), lines)


def _spans(change: Change, form: Sequence[Stretch], whole: int, rounds: bool) -> list[Span]:
    """The bars that a change holds in: a mood or a key those of its place or its turn, one that is gone to all from
    there on, of `rounds` where one begins.
    """
    if change.what in (MOOD, IN_KEY) and change.place:
        return spans_of(change.place, form)
    if change.what != SHIFT:
        if change.place:
            found = spans_of(change.place, form)
            return [(found[0][0], whole)] if found else []
        number, count = change.share or (1, 2)
        start, stop = turn_of(number, count, form)
        return [(start, stop)] if start < stop and (start or not number) else []
    place = change.place or Place("chorus", -1)
    if place.kind == END:
        place = Place("chorus", -1)
    found = spans_of(place._replace(side=0), form)
    start = found[-1][0] if found else 0
    if change.place is None or change.place.kind == END:
        start = start or turn_at(form, _LATE, rounds)
    return [(start, whole)] if start else []


def _mood(word: str) -> Mood:
    return Mood(*(mood_affect(word) or (0.0, 0.0)), words=word)


def _key(change: Change, spelling: Spelling, shift: int, brief: Brief) -> tuple[Spelling, int]:
    """The key in which a bar is made, and the semitones by which it is heard higher."""
    if change.value in MODES:
        return of_mode(brief.spelling, MODES[change.value]), shift
    if change.what == SHIFT:
        return spelling, shift + int(change.value)
    return parse_spelling(change.value), shift


def _divided(form: Sequence[Stretch], borders: Sequence[int]) -> list[Stretch]:
    """The form with sections that end at each of the bars."""
    out = []
    for stretch, (start, stop) in zip(form, pairs(form), strict=True):
        places = [start, *(bar for bar in borders if start < bar < stop), stop]
        out += [stretch._replace(bars=b - a) for a, b in zip(places[:-1], places[1:], strict=True)]
    return out


def _what(change: Change) -> str:
    return "mood" if change.what == MOOD else "change of key" if change.what in (SHIFT, MODE) else "key"


def _line(change: Change, spans: Sequence[Span], stages: Sequence[Stage], form: Sequence[Stretch]) -> Taken:
    start = spans[0][0]
    stage = next(stage for stage, (a, b) in zip(stages, pairs(form), strict=True) if a <= start < b)
    last = spans[-1][1] == bars_in(form) and len(spans) == 1
    where = f"from bar {start + 1} on" if last else f"in {told(spans)}"
    if change.what == MOOD:
        return Taken("mood", f"{change.value} {where}, in {stage.heard}", change.words)
    return Taken("key", f"{stage.heard} {where}", change.words)
