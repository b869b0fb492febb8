"""Whose chords a kind of section plays, and what becomes of a person's own in a form."""

from __future__ import annotations

from collections.abc import Sequence

from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.composition.bar_chords import names_in
from kmidi_lab.composition.brief import Brief
from kmidi_lab.composition.chord_rows import NO_ROWS, OwnRows
from kmidi_lab.composition.form import Stretch
from kmidi_lab.wording import many

_BORROWED = {
    "intro": "verse", "outro": "chorus", "solo": "verse", "breakdown": "chorus", "drop": "chorus", "build-up": "pre-chorus",
    "silence": "verse",
}  # fmt: skip
_USUAL = ("verse", "chorus")
"""Kinds that play the chords that a person gives for no section of its own."""


def lender(kind: str) -> str:
    """The kind of section whose chords a kind plays."""
    return _BORROWED.get(kind, kind)


def row_of(own: OwnRows, kind: str) -> tuple[str, ...]:
    """A person's chords that a kind of section plays, by bars; empty where others are made for it."""
    lent = lender(kind)
    return own.named.get(kind) or own.named.get(lent) or (own.usual if lent in _USUAL else ())


def bars_of_row(brief: Brief, kind: str) -> int:
    """Bars after which the chords of a kind of section come round where they are given; 0 where they are made for it."""
    return len(brief.blues) or len(row_of(brief.own, kind))


def told_of_own(brief: Brief, form: Sequence[Stretch]) -> list[str]:
    """What a person is told of their own chords in a form, a line each."""
    if brief.own == NO_ROWS:
        return []
    return [*unheard(brief.own, form), *crowded(brief), *open_end(brief, form)]


def unheard(own: OwnRows, form: Sequence[Stretch]) -> list[str]:
    """Which of a person's chords a form has no room for, and sections beside theirs, a line each."""
    sounding = [stretch for stretch in form if stretch.kind != "silence"]
    longest: dict[str, int] = {}
    for stretch in sounding:
        longest[stretch.kind] = max(longest.get(stretch.kind, 0), stretch.bars)
    lines = [
        f"your chords of the {kind} are not played: the song has none; name it in compose.sections"
        for kind in own.named
        if kind not in longest
    ]
    if own.usual and not any(row_of(own, kind) is own.usual for kind in longest):
        lines.append(f"your chords are not played: only {' and '.join(_USUAL)} play them, and the song has neither")
    whole = {id(row) for kind, bars in longest.items() if (row := row_of(own, kind)) and bars >= len(row)}
    cut: dict[int, list[str]] = {}
    for kind, bars in longest.items():
        row = row_of(own, kind)
        if len(row) > bars and not (kind in _BORROWED and id(row) in whole):
            cut.setdefault(len(row), []).append(f"{kind} the first {bars}")
    for bars, told in cut.items():
        kinds = [told_of.split(" the ")[0] for told_of in told] if own.named else _USUAL
        room = ", ".join(f"{kind} {bars}" for kind in kinds)
        lines.append(
            f"of your {many(bars, 'bar')} of chords {', '.join(told)}; longer sections play all, "
            f'as in compose.sections="{room}"'
        )
    if others := [kind for kind in _USUAL if own.named and kind in longest and not row_of(own, kind)]:
        lines.append(
            f"your chords are those of the {' and '.join(own.named)}, so others are drawn for the {' and '.join(others)}"
        )
    return lines


def crowded(brief: Brief) -> list[str]:
    """Which of a person's own chords no bar has room for, in a line."""
    if not brief.own.left:
        return []
    beats, names = brief.metre.beats, " ".join(dict.fromkeys(brief.own.left))
    return [f"a bar of {brief.metre.name} has room for {beats} chords, so of your bars with more {names} are left out"]


def open_end(brief: Brief, form: Sequence[Stretch]) -> list[str]:
    """That a person's own chords leave the end open, in a line; none where they come home, or others end the song."""
    last = form[-1]
    row = row_of(brief.own, last.kind)
    if not row or last.kind == "silence":
        return []
    *_, name = names_in(row[(last.bars - 1) % len(row)])
    home = f"{brief.spelling.tonic}{'m' if brief.key.mode < 0 else ''}"
    if parse_jazz(name).root == brief.key.tonic:
        return []
    return [f"your chords end the song on {name}, which leaves it open; for an end at rest, end them with {home}"]
