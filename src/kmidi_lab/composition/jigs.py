"""A folk tune in 6/8: the chords of its two parts, as `jigs.yaml` writes them, and its form, each part twice."""

from __future__ import annotations

from typing import Any

import numpy as np

from kmidi_lab.chords.jazz import parse_jazz
from kmidi_lab.chords.spelling import Spelling
from kmidi_lab.composition.form import Stretch, read_form
from kmidi_lab.own_yaml import table

PART = 8
"""Bars of a part."""
_PARTS = {"verse": "first", "intro": "first", "pre-chorus": "first"}
"""Which part a kind of section plays; others play the second."""
JIG_KINDS = ("verse", "chorus")
"""What sections of the first and of the second part are called."""


def jig_round(kind: str, spelling: Spelling, seed: int) -> tuple[str, ...]:
    """The chords of a kind of section by bars; the seed chooses the tune's."""
    rounds = _written()["minor" if spelling.key.mode < 0 else "major"]
    chosen = rounds[int(np.random.default_rng([seed, 10]).integers(len(rounds)))][_PARTS.get(kind, "second")]
    return tuple(
        " ".join(spelling.chord(parse_jazz(name).transposed(spelling.key.tonic)) for name in bar.split())
        for bar in chosen.split("|")
    )


def jig_form(bars: int, asked: bool) -> list[Stretch] | None:
    """Each part twice, again and again, or once where there is only room for that; None where so many bars are asked for
    that are no whole pairs of parts.

    Where nobody asks for so many bars, the nearest whole tunes have them.
    """
    pair = 2 * PART
    if not asked:
        bars = max(1, int(bars / (2 * pair) + 0.5)) * 2 * pair
    if bars % pair or not bars:
        return None
    kinds = [JIG_KINDS[number % len(JIG_KINDS)] for number in range(bars // pair) for _ in range(2)]
    kinds = list(JIG_KINDS) if bars == pair else kinds
    return read_form(", ".join(f"{kind} {PART}" for kind in kinds))


def _written() -> Any:
    return table(__name__, "jigs.yaml")
