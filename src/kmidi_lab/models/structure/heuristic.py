"""What plans a song where no model is published: one usual form of popular music, by rule."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kmidi_lab.models.structure.decoding import Head
from kmidi_lab.models.structure.form import END, LENGTHS, OTHER_LENGTH, TOKENS, TYPES, Section
from kmidi_lab.models.structure.planning import Answer
from kmidi_lab.models.structure.rules import STEERING, expression_weight
from kmidi_lab.song.arcs import ARC_CURVES

_FORM = ("intro", "verse", "chorus", "verse", "chorus", "bridge", "chorus", "outro")
_SHORT = ("intro", "outro")
_SURE = 0.97


def usual_form(x: np.ndarray, sections: Sequence[Section]) -> Answer:
    """Intro, verse, chorus, verse, chorus, bridge, chorus, outro: four bars at both ends, eight between them.

    After the outro the song ends; where it must go on, verse and chorus take turns. `x` is not looked at.
    """
    at = len(sections)
    name = _FORM[at] if at < len(_FORM) else None
    following = END if name is None else TYPES.index(name)
    p = np.full(TOKENS, (1 - _SURE) / (TOKENS - 1))
    p[following] = _SURE
    if following in (END, TYPES.index("outro")):
        p[TYPES.index("verse" if at % 2 else "chorus")] = 0.9 * (1 - _SURE)
    lengths = np.full((len(TYPES), OTHER_LENGTH + 1), (1 - _SURE) / OTHER_LENGTH)
    for kind, of in enumerate(TYPES):
        lengths[kind, LENGTHS.index(4 if of in _SHORT else 8)] = _SURE
    return Answer(p / p.sum(), lengths / lengths.sum(1, keepdims=True))


def rule_head() -> Head:
    """The rules that a head file holds, without what is learnt."""
    return {
        "expression_weight": expression_weight(),
        "arc_weight": np.array(list(ARC_CURVES.values())),
        "steering_weight": np.array([STEERING]),
    }
