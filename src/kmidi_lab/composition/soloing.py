"""A solo that a sentence asks for: who plays it, and in which bars."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from kmidi_lab.composition.change import SOLO, Change
from kmidi_lab.composition.form import Stretch
from kmidi_lab.composition.said_places import place_of
from kmidi_lab.composition.spans import bars_of, spans_of, told
from kmidi_lab.composition.taken import Taken
from kmidi_lab.composition.vocabulary import kinds, vocabulary

_BARS = re.compile(r"\b(\d{1,3})[- ]bars?\b")


def soloist_of(changes: Sequence[Change], style: str) -> int | None:
    """General MIDI's program of who is asked for a solo first, in a style; None where nobody is."""
    who = next((change.value for change in changes if change.what == SOLO), "")
    if who in ("guitar", "guitars") and (usual := vocabulary()["in_style"].get(style)):
        return int(usual["lead"])
    return int(kinds()[who][1][0]) if who else None


def solos(form: Sequence[Stretch], changes: Sequence[Change]) -> Mapping[Change, Taken]:
    """What is told of each solo: its bars, and whether they are others than the text says."""
    lines = {}
    for n, change in enumerate(change for change in changes if change.what == SOLO):
        spans = spans_of(change.place, form) if change.place else []
        if n or not spans:
            why = "one plays the solos" if n else "the song has no such place"
            lines[change] = Taken("solo", change.value, change.words, why)
            continue
        asked = place_of(change.words.partition(" solo")[2])
        other = asked and asked.kind != "solo" and not {*bars_of(spans_of(asked, form))} & {*bars_of(spans)}
        counted = _BARS.search(change.words)
        long = counted and any(stop - start != int(counted[1]) for start, stop in spans)
        but = [", where the form has room"] * bool(other) + [f", not {counted[1]} bars" if counted else ""] * bool(long)
        lines[change] = Taken("solo", f"{change.value} in {told(spans)}{''.join(but)}", change.words)
    return lines
