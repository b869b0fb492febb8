"""The student's inputs in the frame of the key: which are turned, carried and kept, and the constants of its gates."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from kmidi_lab.contract_types import Contract
from kmidi_lab.models.melody.contract import MELODY
from kmidi_lab.models.melody.features import HIGHEST, LOWEST
from kmidi_lab.models.melody.key_frame import TURN

PITCHES, KEYS = MELODY.output_size, 12
KEY = MELODY.input("key")
RANGE = HIGHEST - LOWEST + 1
STEPS = RANGE + 2 * TURN
SATURATED = 20.0
"""tanh(20) is 1 in float32."""
OCTAVES = 8
RECALLED = 12 + OCTAVES
"""Pitch classes and octaves of the recalled note, that pass the GRU beside the tonic."""


def tonic_rows() -> tuple[torch.Tensor, torch.Tensor]:
    """(`[11, 2]`, `[11]`): relu of their product with sine and cosine of the key is 1 for tonics C sharp to B, else 0."""
    angle = 2 * torch.pi * ((7 * torch.arange(1, KEYS)) % 12) / 12
    near = torch.cos(torch.tensor(torch.pi / 6))
    return torch.stack([angle.sin(), angle.cos()], 1) / (1 - near), -(near / (1 - near)).expand(KEYS - 1)


@dataclass(frozen=True)
class Inputs:
    """Places of the inputs.

    `chromas` are turned to the tonic, `plain` are 0 or more, `signed` may be negative and are carried as two that are not.
    """

    chromas: tuple[slice, ...]
    plain: tuple[int, ...]
    signed: tuple[int, ...]

    @classmethod
    def of(cls, contract: Contract) -> Inputs:
        chromas = [s for s in contract.inputs if s.size == 12]
        rest = [s for s in contract.inputs if s.size != 12 and s.name != "key"]
        plain = [i for s in rest if s.values.low >= 0 for i in range(s.start, s.stop)]
        signed = [KEY.stop - 1, *(i for s in rest if s.values.low < 0 for i in range(s.start, s.stop))]
        return cls(tuple(s.index for s in chromas), tuple(plain), tuple(signed))

    @property
    def carried(self) -> list[tuple[int, float]]:
        """(input, sign) of what passes the first layers beside the tonic."""
        chromas = [i for part in self.chromas for i in range(part.start, part.stop)]
        return [(i, 1.0) for i in (*chromas, *self.plain, *self.signed)] + [(i, -1.0) for i in self.signed]


def shift_of(tonic: int) -> int:
    """Semitones from C to the nearest tonic of that pitch class, -5..6."""
    return tonic - 12 if tonic > TURN else tonic


def octave_rows(contract: Contract) -> torch.Tensor:
    """`[10, 65]`: weights and bias of how far the recalled note's octave is above 0, 1, .. 9."""
    rows = torch.zeros(OCTAVES + 2, contract.input_size + 1)
    rows[:, contract.input("previous_octave").start] = 4.0
    rows[:, contract.input("recalled_octave").start] = 1.0
    rows[:, -1] = 4.0 - torch.arange(OCTAVES + 2)
    return rows


def tent_rows() -> torch.Tensor:
    """`[8, 10]`: hinges at 0 to 9 to tents of width 1 around 1 to 8."""
    rows = torch.zeros(OCTAVES, OCTAVES + 2)
    for octave in range(OCTAVES):
        rows[octave, octave : octave + 3] = torch.tensor([1.0, -2.0, 1.0])
    return rows
