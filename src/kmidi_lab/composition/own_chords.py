"""Whose chords a kind of section plays, and what becomes of a person's own in a form."""

from __future__ import annotations

from collections.abc import Sequence

from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.composition.bar_chords import names_in
from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.form import Stretch
from kmidi_lab.wording import many

_BORROWED = {
    "intro": "verse", "outro": "chorus", "solo": "verse", "breakdown": "chorus", "drop": "chorus", "build-up": "pre-chorus",
    "silence": "verse",
}  # fmt: skip
_OWN = ("verse", "chorus")
"""Kinds that play the chords that a person gives."""


def lender(kind: str) -> str:
    """The kind of section whose chords a kind plays."""
    return _BORROWED.get(kind, kind)


def plays_own(brief: Brief, kind: str) -> bool:
    """Whether a kind of section plays the chords that a person gave."""
    return bool(brief.chords) and lender(kind) in _OWN


def unheard(chords: Sequence[str], form: Sequence[Stretch]) -> str:
    """Which of a person's chords, a bar each, a form has no room for, in one line; empty where all are played."""
    longest: dict[str, int] = {}
    for stretch in form:
        if lender(stretch.kind) in _OWN and stretch.kind != "silence":
            longest[stretch.kind] = max(longest.get(stretch.kind, 0), stretch.bars)
    if not longest:
        return f"your chords are not played: only {' and '.join(_OWN)} play them, and the song has neither"
    cut = {kind: bars for kind, bars in longest.items() if bars < len(chords)}
    if not cut:
        return ""
    told = ", ".join(f"{kind} the first {bars}" for kind, bars in cut.items())
    room = ", ".join(f"{kind} {len(chords)}" for kind in _OWN)
    return f'of your {many(len(chords), "bar")} of chords {told}; longer sections play all, as in compose.sections="{room}"'


def crowded(brief: Brief) -> str:
    """Which of a person's own chords no bar has room for, in one line; empty where all are played."""
    if not brief.chords_left:
        return ""
    beats, names = brief.metre.beats, " ".join(dict.fromkeys(brief.chords_left))
    return f"a bar of {brief.metre.name} has room for {beats} chords, so of your bars with more {names} are left out"


def open_end(brief: Brief, form: Sequence[Stretch]) -> str:
    """That a person's own chords leave the end open, in one line; empty where they come home, or others end the song."""
    last = form[-1]
    if not plays_own(brief, last.kind) or last.kind == "silence":
        return ""
    *_, name = names_in(brief.chords[(last.bars - 1) % len(brief.chords)])
    home = f"{brief.spelling.tonic}{'m' if brief.key.mode < 0 else ''}"
    if parse_jazz(name).root == brief.key.tonic:
        return ""
    return f"your chords end the song on {name}, which leaves it open; for an end at rest, end them with {home}"
