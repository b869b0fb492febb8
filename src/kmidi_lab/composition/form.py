"""The form of a song: its sections by a rule, which stands in where no model of structure is published."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

_ENERGY = {
    "intro": 0.3, "verse": 0.45, "pre-chorus": 0.6, "chorus": 0.85, "bridge": 0.5, "solo": 0.75, "breakdown": 0.25,
    "build-up": 0.65, "drop": 0.95, "outro": 0.3, "other": 0.5, "silence": 0.0,
}  # fmt: skip
"""How full a section of each type is, 0..1. The lab's own choice."""
_TENSION = {"pre-chorus": 0.7, "bridge": 0.7, "build-up": 0.8, "chorus": 0.5, "solo": 0.6}
_ARCS = {
    "Climb-to-Climax": ((0, 0.7), (0.8, 1.2), (1, 1.0)),
    "Slow Reveal": ((0, 0.55), (1, 1.05)),
    "Repetitive Despair": ((0, 0.85), (1, 0.85)),
    "Static Reflection": ((0, 0.65), (1, 0.65)),
    "Sudden Shift": ((0, 0.65), (0.59, 0.65), (0.6, 1.25), (1, 1.25)),
    "Descent": ((0, 1.15), (1, 0.5)),
    "Rise and Fall": ((0, 0.7), (0.55, 1.2), (1, 0.6)),
    "Spiral": ((0, 0.7), (1, 1.25)),
}
"""(part of the song, factor on the energy there) of each narrative arc. The lab's own choice."""
_BRIDGE_FROM = 2
"""Rounds of verse and chorus after which a bridge takes a verse's place."""
_LATER = 0.05
"""What each return of a section adds to its energy."""


class Stretch(NamedTuple):
    """A section: its type, its bars, and energy and tension in 0..1."""

    kind: str
    bars: int
    energy: float
    tension: float


def form(bars: int, arc: str = "") -> list[Stretch]:
    """Verses and choruses around a bridge, with an intro and an outro where there is room, in exactly `bars` bars.

    Args:
        bars: of the song, 1 or more.
        arc: one of KmiDi's narrative arcs, which changes the energy on the way; any other text changes nothing.
    """
    plan = _plan(bars)
    seen: dict[str, int] = {}
    out = []
    for kind, length in plan:
        times = seen.get(kind, 0)
        seen[kind] = times + 1
        out.append(Stretch(kind, length, min(_ENERGY[kind] + _LATER * times, 1.0), _TENSION.get(kind, 0.35)))
    return along(out, arc)


def along(form: list[Stretch], arc: str) -> list[Stretch]:
    """The form with its energy as an arc wants it. No data hold arcs, so this is a rule."""
    curve = _ARCS.get(arc)
    if curve is None:
        return form
    ends = np.cumsum([s.bars for s in form])
    middles = (ends - np.array([s.bars for s in form]) / 2) / ends[-1]
    factors = np.interp(middles, [at for at, _ in curve], [factor for _, factor in curve])
    return [s._replace(energy=float(np.clip(s.energy * f, 0.05, 1))) for s, f in zip(form, factors, strict=True)]


def _plan(bars: int) -> list[tuple[str, int]]:
    unit = 8 if bars >= 28 else 4
    edge = unit // 2 if bars >= 24 else 0
    rounds, left = divmod(bars - 2 * edge, 2 * unit)
    body = [("verse", unit), ("chorus", unit)] * rounds
    if rounds > _BRIDGE_FROM:
        body[-2] = ("bridge", unit)
    if left:
        body.append(("chorus" if rounds else "verse", left))
    return [("intro", edge), *body, ("outro", edge)] if edge else body
