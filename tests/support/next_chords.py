"""A made-up harmony model."""

from __future__ import annotations

FOLLOWS = {
    "": {"C": 0.6, "F": 0.2, "Am": 0.2},
    "C": {"F": 0.35, "Am": 0.3, "G": 0.25, "Dm": 0.1},
    "Am": {"F": 0.5, "G": 0.2, "Dm": 0.15, "C": 0.15},
    "F": {"G": 0.4, "C": 0.4, "Dm": 0.1, "Am": 0.1},
    "G": {"C": 0.4, "Am": 0.3, "F": 0.3},
    "Dm": {"G": 0.6, "F": 0.2, "Am": 0.2},
}
"""What it says of the next chord of C major, by the last one."""
