"""Inputs in the frame of the key, for each version of the contract: pitches as steps from the tonic, exactly."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.contract_types import Contract
from kmidi_lab.models.melody.contract import MELODY
from kmidi_lab.models.melody.features import LOWEST

_PITCHES, _OCTAVES = MELODY.output_size, 8
TURN = 6
"""The frame of the key is at most so many semitones off."""


class KeyFrame(nn.Module):
    """Pitches as steps from the tonic nearest to C, exactly, so that no transposition has to be learnt.

    The tonic is read from its sine and cosine; with both 0 the frame is that of C. This is the frame of the newest
    version of the contract.
    """

    circle: torch.Tensor
    order: torch.Tensor
    octaves: torch.Tensor
    kinds = 3
    """Contexts whose exact matches count: the pitch before, the coming rhythm, and both."""
    recalls = 1
    """Recalled notes."""

    def __init__(self, contract: Contract) -> None:
        super().__init__()
        self._in = {s.name: s.index for s in contract.inputs}
        tonics = torch.arange(12)
        angle = 2 * torch.pi * ((7 * tonics) % 12) / 12
        self.register_buffer("circle", torch.stack([angle.sin(), angle.cos()]), persistent=False)
        # Breaks ties (an unknown key, or a point between two) the same way in every runtime.
        self.register_buffer("order", -1e-3 * tonics, persistent=False)
        self.register_buffer("octaves", torch.arange(1.0, _OCTAVES + 1), persistent=False)

    @property
    def size(self) -> int:
        """Inputs in the frame of the key."""
        plain = self._in["recalled_pitch_class"].start - self._in["rest_before"].start
        return 2 * _PITCHES + 12 + plain + MELODY.input_size - self._in["key"].start

    def shift(self, x: torch.Tensor) -> torch.Tensor:
        """`[B, T, 1]` semitones from C to the tonic, -5..6, of inputs `[B, T, 64]`."""
        tonic = (x[..., self._in["key"]][..., :2] @ self.circle + self.order).argmax(-1, keepdim=True)
        return torch.where(tonic > TURN, tonic - 12, tonic)

    def pitch(self, x: torch.Tensor) -> torch.Tensor:
        """`[B, T, 128]` the previous pitch, one-hot over MIDI; sums to at most 1 whatever the input."""
        return self._one_hot(x[..., self._in["previous_pitch_class"]], self._near(self._octave(x)))

    def recalled(self, x: torch.Tensor) -> torch.Tensor:
        """`[B, T, 1, 128]` the recalled pitch with its weight; sums to at most 1."""
        octave = self._octave(x) + x[..., self._in["recalled_octave"]]
        return self._one_hot(x[..., self._in["recalled_pitch_class"]], self._near(octave.clamp(1, _OCTAVES)))[
            ..., None, :
        ]

    def tokens(self, x: torch.Tensor, pitch: torch.Tensor) -> torch.Tensor:
        """`[B, T, 3]` whole numbers above 0 that name the contexts before a note; a pitch of 0 is none."""
        before = self._number(pitch) * (pitch.sum(-1, keepdim=True) > 0.5)
        duration, position = (self._number(x[..., self._in[n]]) for n in ("next_duration", "next_position"))
        rhythm = duration + _OCTAVES * position
        return torch.cat([before, rhythm, (before + _PITCHES * duration) * (before > 0)], -1)

    @staticmethod
    def _number(one_hot: torch.Tensor) -> torch.Tensor:
        """`[B, T, 1]` the place of the 1, counted from 1."""
        tie = -1e-4 * torch.arange(one_hot.shape[-1], device=one_hot.device)
        return (one_hot + tie).argmax(-1, keepdim=True).to(one_hot.dtype) + 1

    def _octave(self, x: torch.Tensor) -> torch.Tensor:
        return 4 * x[..., self._in["previous_octave"]] + 4

    def _near(self, octave: torch.Tensor) -> torch.Tensor:
        """`[B, T, 8]`: 1 at a whole octave, shared between two where it is none."""
        return F.relu(1 - (octave - self.octaves).abs())

    @staticmethod
    def _one_hot(pitch_class: torch.Tensor, octave: torch.Tensor) -> torch.Tensor:
        """`[B, T, 128]` from `[B, T, 12]` and `[B, T, 8]`."""
        both = F.relu(octave[..., None] + pitch_class[..., None, :] - 1)
        one_hot = F.pad(both.flatten(-2), (LOWEST, _PITCHES - LOWEST - 12 * _OCTAVES))
        return one_hot / one_hot.sum(-1, keepdim=True).clamp(min=1.0)

    def inputs(self, x: torch.Tensor, pitch: torch.Tensor, recalled: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """`[B, T, size]`: previous and recalled pitch and chord relative to the tonic, and the rest as it is."""
        steps = torch.arange(_PITCHES, device=x.device)
        places = (steps + TURN + shift).expand(*x.shape[:2], -1)
        relative = [F.pad(p, (TURN, TURN)).gather(-1, places) for p in (pitch, *recalled.unbind(-2))]
        turned = (torch.arange(12, device=x.device) + shift) % 12
        chord = x[..., self._in["chord"]].gather(-1, turned)
        return torch.cat([*relative, chord, self._plain(x), x[..., self._in["key"].start :]], -1)

    def _plain(self, x: torch.Tensor) -> torch.Tensor:
        return x[..., self._in["rest_before"].start : self._in["recalled_pitch_class"].start]

    def back(self, logits: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Logits `[B, T, 140]` over steps from the tonic to `[B, T, 128]` over MIDI pitches."""
        steps = torch.arange(_PITCHES, device=logits.device)
        return logits.gather(-1, (steps + TURN - shift).expand(*logits.shape[:2], -1))


class FirstKeyFrame(KeyFrame):
    """That of version 1 of the contract: the octave is one-hot, and nothing is recalled."""

    kinds = recalls = 0

    @property
    def size(self) -> int:
        plain = self._in["chord"].start - self._in["rest_before"].start
        return _PITCHES + 12 + plain + MELODY.input_size - self._in["key"].start

    def pitch(self, x: torch.Tensor) -> torch.Tensor:
        return self._one_hot(x[..., self._in["previous_pitch_class"]], x[..., self._in["previous_octave"]])

    def recalled(self, x: torch.Tensor) -> torch.Tensor:
        return x.new_zeros(*x.shape[:2], 0, _PITCHES)

    def tokens(self, x: torch.Tensor, pitch: torch.Tensor) -> torch.Tensor:
        return x.new_zeros(*x.shape[:2], 0)

    def _plain(self, x: torch.Tensor) -> torch.Tensor:
        return x[..., self._in["rest_before"].start : self._in["chord"].start]


def key_frame(contract: Contract) -> KeyFrame:
    """That of a version of the melody contract."""
    return FirstKeyFrame(contract) if contract.version == "1" else KeyFrame(contract)
