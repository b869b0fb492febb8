"""Performances as they would be in a mood: louder and shorter with arousal."""

from __future__ import annotations

import torch

from kmidi_lab.models.dynamics.contract import DYNAMICS

VALENCE_DB, AROUSAL_DB = -1.5, 10.0
SHORTER_BY_AROUSAL = 0.5
"""At full arousal a note sounds for 2 ** -0.5 of what it would, at none for 2 ** 0.5."""
_MOOD = DYNAMICS.input("emotion").start
_VELOCITIES = DYNAMICS.input("previous_velocities").index
_OUT = {s.name: s.index for s in DYNAMICS.outputs}


def velocity_factor(mood: torch.Tensor) -> torch.Tensor:
    """`[B, 2]` valence and arousal to `[B, 1]`: sound level goes with the square of velocity (Dannenberg, ICMC 2006)."""
    level = VALENCE_DB * mood[:, :1] + AROUSAL_DB * mood[:, 1:]
    return torch.pow(10.0, level / 40)


def coloured(x: torch.Tensor, y: torch.Tensor, mood: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """`x` `[B, 32]` and `y` `[B, 16]` as they would be in a `mood` `[B, 2]` (valence, arousal in -1..1); in place."""
    factor = velocity_factor(mood)
    x[:, _MOOD : _MOOD + 2] = mood
    x[:, _VELOCITIES] = (x[:, _VELOCITIES] * factor).clamp(0, 1)
    for name in ("velocity", "velocity_curve"):
        y[:, _OUT[name]] = (y[:, _OUT[name]] * factor).clamp(0, 1)
    shorter = torch.pow(2.0, -SHORTER_BY_AROUSAL * mood[:, 1:])
    y[:, _OUT["release"]] = (y[:, _OUT["release"]] * shorter).clamp(0, 1)
    return x, y
