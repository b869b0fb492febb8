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
LEAD_MS: Mapping[str, float] = MappingProxyType({"laid_back": 15.0, "pushed": -15.0})
"""How much later drums of a style are played than its takes tell, in ms: a rule, our choice.

The takes are named by genre (hip-hop, soul and reggae count as laid back, punk as pushed), and their drummers are no
later: half of the takes of Groove MIDI's training part are more than 10 ms early in the one, and more than 7 ms in the
other.
"""


def lead_line(style: str) -> str:
    """What is said of a style whose drums are placed by that rule."""
    late = LEAD_MS[style]
    return (
        f"{style}: the drums are {abs(late):g} ms {'later' if late > 0 else 'earlier'} by rule, since no data tells it"
    )
