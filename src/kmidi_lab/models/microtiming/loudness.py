"""New velocities of notes that were all equally loud: as players' differ, around the level that was written."""

from __future__ import annotations

import numpy as np

from kmidi_lab.models.microtiming.notes import ROLES
from kmidi_lab.models.microtiming.parts import Line
from kmidi_lab.models.microtiming.quantiles import TOGETHER, normals, read_velocity

SOFTEST = 15
"""No new velocity is below this: nothing softer is heard as a stroke."""
_NORMAL = 1.2533
"""Standard deviation of a normal variable over its mean distance."""
_WITHIN, _WITHIN_OF_KICK = 0.75, 0.55
"""Share of the spread of velocities that players have within a take; the rest is from take to take. Set on training takes."""
_ALIKE = 0.55, 0.6
"""Correlations of what is drawn for notes of one onset, and of one hand: of what the model leaves open in pianists' training
takes (ASAP 0.54 and 0.54, Batik 0.61 and 0.76). Drummers' strokes of one onset have hardly any (0.06): theirs are drawn apart.
"""


def new_velocities(line: Line, outputs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Velocities SOFTEST..127 `[N]`, drawn from the model's outputs `[N, 16]`, whose mean is what was written but for the clipping."""
    notes = line.notes
    middle, spread = read_velocity(outputs)
    if line.drums:
        z = rng.standard_normal(len(notes))
    else:
        _, order = np.unique(notes.onset, return_inverse=True)
        z = normals(order, rng, TOGETHER, _ALIKE, notes.role)
    within = np.where(notes.role == ROLES.index("kick"), _WITHIN_OF_KICK, _WITHIN)
    loud = 127 * (middle + within * _NORMAL * spread * z)
    loud += line.velocity.mean() - loud.mean()
    return np.clip(np.rint(loud), SOFTEST, 127).astype(np.int64)
