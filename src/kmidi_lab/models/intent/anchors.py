"""Moods, arcs, feels, vulnerability and rules to break, by rule from what a text reads as: the nearest place is the likeliest.

No data say which arc or which broken rule goes with a feeling, so nothing here is learnt. A choice's score is minus its squared
distance from the readings, times `SHARPNESS`; that part of it which is the same for all choices is left out, so that it is
linear in the readings: `map` of a head file holds five numbers a choice, for valence, arousal, dominance, complexity and 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.own_yaml import table
from kmidi_lab.song.vocabularies import ARCS, FEELS, MOODS, RULE_BREAKS, VULNERABILITY, mood_affect

SHARPNESS = 4.0
KINDS = ("moods", "arcs", "feels", "vulnerability", "rule_breaks")
_NAMES: Mapping[str, tuple[str, ...]] = {
    "arcs": tuple(ARCS),
    "feels": tuple(FEELS),
    "vulnerability": tuple(VULNERABILITY),
    "rule_breaks": tuple(RULE_BREAKS),
}
CUES: Mapping[str, str] = {
    "Rise and Fall": r"rises? and falls?|up and (then )?down",
    "Sudden Shift": r"sudden(ly)?|all at once|out of nowhere|breaks? (in|open)",
    "Spiral": r"spiral\w*|out of control|faster and faster",
    "Repetitive Despair": r"over and over|in circles|stuck|same (thing|day) again",
    "Climb-to-Climax": r"builds?|building( up)? (to|from|slowly)|climb\w*|grows? (into|to|from)|ris(e|es|ing)|crescendo",
    "Slow Reveal": r"reveal\w*|unfold\w*|little by little|bit by bit|opens? slowly",
    "Descent": r"falls? apart|sink\w*|darker|descend\w*|descent|fad(e|es|ing) (out|away)",
    "Static Reflection": r"stays? (still|the same)|drift\w*|meditat\w*|standing still",
}
"""What a text may say of its arc in words; the first that it says counts before the rule."""
_FAR = 60
_DENIED = re.compile(r"(?:\b(?:not|never|no|without|nothing)|n't) (?:[\w']+ ){0,2}$")
"""What stands before words that deny an arc, as in `it doesn't build up`."""


def said_arc(text: str) -> str | None:
    """The arc that a text asks for in words; None where it says nothing of it."""
    low = text.lower().replace("’", "'")
    found = ((arc, match) for arc, cue in CUES.items() for match in re.finditer(rf"\b(?:{cue})\b", low))
    return next(
        (arc for arc, match in found if not _DENIED.search(low[max(0, match.start() - _FAR) : match.start()])), None
    )


def choices(kind: str) -> tuple[str, ...]:
    """The names of a kind, in the song form's order."""
    return tuple(MOODS) if kind == "moods" else _NAMES[kind]


@cache
def linear_map(kind: str) -> NDArray[np.float64]:
    """`[K, 5]`: what gives the score of each choice, for valence, arousal, dominance, complexity and 1."""
    places = np.zeros((len(choices(kind)), 4))
    if kind == "moods":
        affects = [mood_affect(mood) for mood in choices(kind)]
        places[:, :2] = [affect or (0.0, 0.0) for affect in affects]
    else:
        own = table(__name__, "anchors.yaml")[kind]
        places[:] = [own[name] for name in choices(kind)]
    return SHARPNESS * np.concatenate([2 * places, -(places**2).sum(1, keepdims=True)], 1)


def probabilities(kind: str, readings: NDArray[np.floating]) -> dict[str, float]:
    """Each choice's probability, in the song form's order, of readings `[4]`."""
    scores = linear_map(kind) @ np.append(readings, 1.0)
    p = np.exp(scores - scores.max())
    return dict(zip(choices(kind), (p / p.sum()).tolist(), strict=True))
