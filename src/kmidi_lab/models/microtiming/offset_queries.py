"""Notes whose offsets a baseline is asked for, drums and pitched notes apart, with or without the player's lead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kmidi_lab.models.microtiming.features import EncodedTakes
from kmidi_lab.models.microtiming.notes import ROLES

_PITCHED = ROLES.index("kick")
"""Roles below it are those of pitched notes."""


@dataclass(frozen=True)
class OffsetQueries:
    """Notes whose offsets are asked for: their vectors `x` `[E, 64]`, and the lead in ms `[E]`, 0 where none is given."""

    e: EncodedTakes
    x: np.ndarray
    lead: np.ndarray


def ask(e: EncodedTakes, told: bool) -> OffsetQueries:
    """All notes, with or without each take's lead."""
    return OffsetQueries(e, e.with_lead() if told else e.x, e.lead if told else np.zeros_like(e.lead))


def is_pitched(e: EncodedTakes) -> np.ndarray:
    """`[E]` bool."""
    return np.asarray(e.role < _PITCHED)
