"""The form of a song: its sections by a rule, which stands in where no model of structure is published."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from kmidi_lab.errors import ConfigError, one_of

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
LONGEST = 512
"""Bars of a song."""
_MOST_SECTIONS, _LONGEST_SECTION = 64, 64
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
    return along(_stretches(_plan(bars)), arc)


def read_form(text: str) -> list[Stretch]:
    """A form as it was typed, such as `intro 4, verse 8, chorus 8`.

    Raises:
        ConfigError: a kind that is not known, bars that are no number from 1 to 64, or more than 64 sections.
    """
    words = [part.split() for part in text.split(",") if part.strip()]
    if not 1 <= len(words) <= _MOST_SECTIONS:
        raise ConfigError(f"compose.sections has {len(words)} sections; give 1 to {_MOST_SECTIONS}")
    plan = []
    for part in words:
        kind, bars = " ".join(part[:-1]).lower().replace(" ", "-"), part[-1]
        if kind not in _ENERGY:
            raise ConfigError(one_of("compose.sections", kind or bars, _ENERGY))
        if not bars.isdecimal() or not 1 <= int(bars) <= _LONGEST_SECTION:
            raise ConfigError(
                f"compose.sections: {kind} has {bars[:20]} bars; give 1 to {_LONGEST_SECTION}, such as verse 8"
            )
        plan.append((kind, int(bars)))
    whole = sum(bars for _, bars in plan)
    if whole > LONGEST:
        raise ConfigError(f"compose.sections has {whole} bars in all; give at most {LONGEST}")
    return _stretches(plan)


def _stretches(plan: list[tuple[str, int]]) -> list[Stretch]:
    """With the energy and tension of each kind; what returns has a little more."""
    seen: dict[str, int] = {}
    out = []
    for kind, length in plan:
        times = seen.get(kind, 0)
        seen[kind] = times + 1
        out.append(Stretch(kind, length, min(_ENERGY[kind] + _LATER * times, 1.0), _TENSION.get(kind, 0.35)))
    return out


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
