"""The eight styles of a rhythm that models are told, and the swing that their names stand for."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SWING: Mapping[str, float] = MappingProxyType(
    {
        "straight": 0.0,
        "swing": 0.8,
        "shuffle": 1.0,
        "laid_back": 0.2,
        "pushed": 0.0,
        "funk": 0.15,
        "jazz": 0.67,
        "latin": 0.0,
    }
)
"""The contract's styles, in order, each with the swing that its name stands for: 0 even eighths, 1 triplets."""
STYLES = tuple(SWING)
