"""What no data set holds, by rule: energy, density and tension of a section, and what a narrative arc does to a form.

Nothing here is learnt and nothing is scored. The values are ours; that a chorus is louder and denser than a verse and a
breakdown emptier follows D. Temperley, *The Musical Language of Rock* (2018), ch. 8. The head file holds all tables, so
that every reader decodes alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.models.structure.form import TYPES
from kmidi_lab.song.arcs import wanted_energy

EXPRESSION = ("energy", "density", "tension")
_BY_TYPE = {
    "intro": (0.30, 0.25, 0.30),
    "verse": (0.45, 0.45, 0.35),
    "pre-chorus": (0.60, 0.55, 0.65),
    "chorus": (0.80, 0.80, 0.50),
    "bridge": (0.55, 0.50, 0.70),
    "solo": (0.65, 0.60, 0.50),
    "breakdown": (0.30, 0.20, 0.45),
    "build-up": (0.65, 0.60, 0.90),
    "drop": (0.95, 0.90, 0.40),
    "outro": (0.30, 0.30, 0.15),
    "other": (0.45, 0.40, 0.50),
    "silence": (0.00, 0.00, 0.20),
}
_GROWTH = np.array([0.20, 0.20, 0.10])
"""From the start of the song to its end."""
_ARC = np.array([0.60, 0.40, 0.60])
"""From an arc's lowest to its highest point."""
_AROUSAL = np.array([0.15, 0.15, 0.05])
"""From neutral to fully aroused."""

STEERING = 6.0
"""How strongly the energy of a section draws it to where the arc wants it."""
Floats = NDArray[np.floating]


def expression(kind: int, place: float, wanted: float = 0.5, arousal: float = 0.0) -> tuple[float, ...]:
    """Energy, density and tension of a section, 0..1.

    Args:
        kind: its index in TYPES.
        place: where it begins, as a share of the song; 0.5 where unknown.
        wanted: the energy that the arc wants there; 0.5 without one.
        arousal: of the mood, -1..1.
    """
    return tuple(expressions(expression_weight(), place, wanted, arousal)[kind].tolist())


def expressions(weight: Floats, place: float, wanted: float, arousal: float) -> Floats:
    """`[12, 3]` of all types, from the `expression_weight` of a head file."""
    values = weight @ np.array([1.0, place - 0.5, wanted - 0.5, arousal])
    return np.asarray(np.clip(values, 0.0, 1.0).reshape(len(TYPES), len(EXPRESSION)))


def expression_weight() -> Floats:
    """`[36, 4]`: row 3 * type + 0, 1, 2 is of energy, density, tension; columns are of 1, place - 0.5, wanted - 0.5, arousal.

    Silence stays silent.
    """
    slopes = np.stack([_GROWTH, _ARC, _AROUSAL], 1)
    rows = [
        [value, *(slope if name != "silence" else np.zeros(3))]
        for name in TYPES
        for value, slope in zip(_BY_TYPE[name], slopes, strict=True)
    ]
    return np.array(rows)


def steered(p: Floats, curve: Floats, energies: Floats, place: float, steering: float = STEERING) -> Floats:
    """`[13]`: probabilities of the next section drawn to an arc; the chance of END stays as it is.

    `p[t] * exp(-steering * (energy[t] - wanted)^2)` for each type t, scaled back to the share that the types had.

    Args:
        p: `[13]`.
        curve: `[9]` of the arc.
        energies: `[12]` of the types at this place.
        place: share of the song that is over, 0..1.
        steering: 0 leaves p as it is.
    """
    types = p[:-1] * np.exp(-steering * (energies - wanted_energy(curve, place)) ** 2)
    return np.asarray(np.append(types * (p[:-1].sum() / max(types.sum(), 1e-12)), p[-1]))
