"""From the outputs to sections and lengths, as the head file says; docs/structure.md describes the same."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.models.structure.contract import STRUCTURE
from kmidi_lab.models.structure.form import OTHER_LENGTH, TYPES
from kmidi_lab.models.structure.rules import expressions, steered
from kmidi_lab.scoring.metrics import softmax

Floats = NDArray[np.floating]
Head = Mapping[str, Floats]
_OUT = {s.name: s.index for s in STRUCTURE.outputs}


def section_probabilities(outputs: Floats) -> Floats:
    """`[E, 13]` of the next section, END last, from `[E, 32]` outputs."""
    return softmax(outputs[:, _OUT["section"]].astype(np.float64))


def length_probabilities(outputs: Floats, head: Head) -> Floats:
    """`[E, 12, 8]`: the length class, given each type, from `[E, 32]` outputs."""
    logits = outputs[:, _OUT["length"]].astype(np.float64) @ head["weight"].T.astype(np.float64) + head["bias"]
    return softmax(logits.reshape(-1, len(TYPES), OTHER_LENGTH + 1))


def steered_probabilities(p: Floats, head: Head, arc: int, place: float, arousal: float) -> Floats:
    """`[13]`: what a head file's arc makes of `p` `[13]` at a place 0..1 of the song."""
    energies = expressions(head["expression_weight"], place, 0.5, arousal)[:, 0]
    return steered(p, head["arc_weight"][arc], energies, place, float(head["steering_weight"][0]))
