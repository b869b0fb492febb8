"""How full a song is from its start to its end, for each narrative arc. By rule: no data set holds arcs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.song.vocabularies import ARCS

_CURVES = {
    "Climb-to-Climax": (0.15, 0.20, 0.30, 0.40, 0.50, 0.65, 0.80, 1.00, 0.90),
    "Slow Reveal": (0.10, 0.10, 0.15, 0.20, 0.30, 0.45, 0.60, 0.75, 0.80),
    "Repetitive Despair": (0.45, 0.50, 0.45, 0.50, 0.45, 0.50, 0.45, 0.50, 0.45),
    "Static Reflection": (0.35, 0.35, 0.35, 0.35, 0.35, 0.35, 0.35, 0.35, 0.35),
    "Sudden Shift": (0.30, 0.30, 0.30, 0.30, 0.35, 0.90, 0.90, 0.90, 0.85),
    "Descent": (0.85, 0.80, 0.70, 0.60, 0.50, 0.40, 0.30, 0.20, 0.10),
    "Rise and Fall": (0.20, 0.40, 0.60, 0.80, 1.00, 0.80, 0.60, 0.40, 0.20),
    "Spiral": (0.30, 0.50, 0.35, 0.60, 0.45, 0.75, 0.60, 0.90, 1.00),
}
ARC_CURVES: dict[str, tuple[float, ...]] = {arc: _CURVES[arc] for arc in ARCS}
"""The energy that each arc wants at nine places from the start of a song to its end; straight lines between them."""


def wanted_energy(curve: NDArray[np.floating] | Sequence[float], place: float) -> float:
    """What an arc's curve `[9]` wants at a place of the song, both 0..1."""
    return float(np.interp(place, np.linspace(0, 1, len(curve)), curve))
