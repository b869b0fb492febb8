"""Labels of a sound as `instrument` contract vectors, with what is unknown left out.

A clip's labels are a place in each slice of the contract's output for which there is evidence; a slice without is
masked in the loss. Slices in `UNTRAINED` have evidence nowhere: their output stays constant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.contracts import INSTRUMENT
from kmidi_lab.models.instrument.vocabulary import CLASSES

if TYPE_CHECKING:
    import torch

LOSS_WEIGHTS = {
    "family": 1.0, "instrument": 1.0, "technique": 1.0, "articulation": 0.5, "register": 0.5, "brightness": 0.2,
    "energy": 0.3, "dynamic_range": 0.2, "vibrato": 0.3, "attack": 0.2, "sustain": 0.2,
}  # fmt: skip
"""Share of each slice that is trained in the loss."""
Labels = Mapping[str, int]
"""Slice name to place; a slice that is not there is unknown."""

_PITCH = re.compile(r"([A-G])(s|b|#)?(-?\d)")
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_REGISTER_PITCHES = (48, 60, 72)


def place(name: str, value: str) -> int:
    """Of a value in a slice's vocabulary. Raises ValueError."""
    return CLASSES[name].index(value)


def encode(labels: Labels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """One-hot targets `[160]` and a mask `[160]`, 1 over every slice that is known."""
    target, known = (np.zeros(INSTRUMENT.output_size, np.float32) for _ in range(2))
    for name, value in labels.items():
        part = INSTRUMENT.output(name)
        if not 0 <= value < part.size:
            raise ValueError(f"{name} has places 0 to {part.size - 1}, not {value}")
        target[part.start + value] = 1
        known[part.index] = 1
    return target, known


def pitch_of(name: str) -> int | None:
    """MIDI pitch of a name such as `As3` or `C#4` (C4 is 60); None where it is none."""
    match = _PITCH.fullmatch(name)
    if not match:
        return None
    letter, sign, octave = match.groups()
    shift = {"s": 1, "#": 1, "b": -1}.get(sign or "", 0)
    return 12 * (int(octave) + 1) + _SEMITONES[letter] + shift


def register_of(pitch: int) -> int:
    """Place of a MIDI pitch: below C3 (48) bass, below C4 low_mid, below C5 high_mid, then treble."""
    return sum(pitch >= limit for limit in _REGISTER_PITCHES)


def energy_of(velocity: int) -> int:
    """Place of a MIDI velocity: eighths of its range."""
    return min(7, velocity // 16)


def dynamic_range_of(energy: int) -> int:
    """Place of a dynamic's energy: two dynamics a place."""
    return energy // 2


class InstrumentBatch(NamedTuple):
    """Clips.

    `x` `[B, T, 128]` mel frames with `weight` `[B, T]` 1 where there was one, else 0; shares `target` `[B, 160]`
    of each slice's places, and `known` `[B, 160]`, 1 over slices with evidence, else 0.
    """

    x: torch.Tensor
    weight: torch.Tensor
    target: torch.Tensor
    known: torch.Tensor
