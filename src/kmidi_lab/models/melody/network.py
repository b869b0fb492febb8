"""A causal transformer in the frame of the key, with a pointer to pitches heard before."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.contracts import MELODY
from kmidi_lab.models.melody.features import LOWEST
from kmidi_lab.nn.layers import CausalAttention, CausalConv1d
from kmidi_lab.nn.streaming import Chain, Residual, State, Streaming

_IN = {s.name: s.index for s in MELODY.inputs}
_PITCHES = MELODY.output_size
_TURN = 6
"""The frame of the key is at most so many semitones off."""
_KERNEL = 8
"""Notes that the convolution before the transformer sees."""
_SHARPNESS = 2.5
"""Log of the factor on the cosine of two contexts at the start of training."""
FRAMED = _PITCHES + 12 + (_IN["chord"].start - _IN["rest_before"].start) + (MELODY.input_size - _IN["key"].start)
"""Inputs in the frame of the key."""


class KeyFrame(nn.Module):
    """Pitches as steps from the tonic nearest to C, exactly, so that no transposition has to be learnt.

    The tonic is read from its sine and cosine; with both 0 the frame is that of C.
    """

    circle: torch.Tensor
    order: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        tonics = torch.arange(12)
        angle = 2 * torch.pi * ((7 * tonics) % 12) / 12
        self.register_buffer("circle", torch.stack([angle.sin(), angle.cos()]), persistent=False)
        # Breaks ties (an unknown key, or a point between two) the same way in every runtime.
        self.register_buffer("order", -1e-3 * tonics, persistent=False)

    def shift(self, x: torch.Tensor) -> torch.Tensor:
        """`[B, T, 1]` semitones from C to the tonic, -5..6, of inputs `[B, T, 64]`."""
        tonic = (x[..., _IN["key"]][..., :2] @ self.circle + self.order).argmax(-1, keepdim=True)
        return torch.where(tonic > _TURN, tonic - 12, tonic)

    @staticmethod
    def pitch(x: torch.Tensor) -> torch.Tensor:
        """`[B, T, 128]` the previous pitch, one-hot over MIDI; sums to at most 1 whatever the input."""
        both = x[..., _IN["previous_octave"], None] + x[..., None, _IN["previous_pitch_class"]] - 1
        one_hot = F.pad(F.relu(both).flatten(-2), (LOWEST, _PITCHES - LOWEST - 96))
        return one_hot / one_hot.sum(-1, keepdim=True).clamp(min=1.0)

    def inputs(self, x: torch.Tensor, pitch: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """`[B, T, 182]`: previous pitch and chord relative to the tonic, and the rest of the inputs as they are."""
        steps = torch.arange(_PITCHES, device=x.device)
        relative = F.pad(pitch, (_TURN, _TURN)).gather(-1, (steps + _TURN + shift).expand(*x.shape[:2], -1))
        turned = (torch.arange(12, device=x.device) + shift) % 12
        chord = x[..., _IN["chord"]].gather(-1, turned)
        return torch.cat(
            [relative, chord, x[..., _IN["rest_before"].start : _IN["chord"].start], x[..., _IN["key"].start :]], -1
        )

    def back(self, logits: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Logits `[B, T, 140]` over steps from the tonic to `[B, T, 128]` over MIDI pitches."""
        steps = torch.arange(_PITCHES, device=logits.device)
        return logits.gather(-1, (steps + _TURN - shift).expand(*logits.shape[:2], -1))


def _mask(filled: torch.Tensor, steps: int, past: int) -> tuple[torch.Tensor, torch.Tensor]:
    """(distances `[steps, slots]`, mask to add, 0 or -inf, `[B, 1, steps, slots]`).

    `filled` `[B, slots]` is 1 where a slot holds a note; the last `steps` slots are the piece's own. A note sees `past`
    notes before itself.
    """
    slots = torch.arange(filled.shape[1], device=filled.device)
    distance = filled.shape[1] - steps + torch.arange(steps, device=filled.device)[:, None] - slots
    visible = ((distance >= 0) & (distance <= past)) & (filled > 0)[:, None, :]
    return distance, torch.where(visible, 0.0, float("-inf"))[:, None]


class Attention(CausalAttention):
    """The same attention, which also starts from a state without any slots: that halves the work of training."""

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        past = self.window - 1
        return (past, self.size), (past, self.size), (past,)

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        batch, steps, _ = x.shape
        query, key, value = self.qkv(x).chunk(3, -1)
        filled = x.new_ones(batch, steps)
        keys, values, filled = (torch.cat(p, 1) for p in zip(state, (key, value, filled), strict=True))
        distance, mask = _mask(filled, steps, self.window - 1)
        mixed = F.scaled_dot_product_attention(
            self._split(query), self._split(keys), self._split(values),
            attn_mask=mask - self.slopes[:, None, None] * distance,
        )  # fmt: skip
        y = self.out(mixed.transpose(1, 2).reshape(batch, steps, self.size))
        return y, (keys[:, steps:], values[:, steps:], filled[:, steps:])


class Pointer(Streaming):
    """Where was this heard before, and which pitch followed? A distribution over pitches for each head.

    A pointer network (Vinyals et al., 2015) as mixed into language models by Merity et al. (2017): what was thought
    before a note (key) stands beside the pitch that then came (value). Query and key are one projection, compared by
    their angle, so that like contexts find each other from the first step of training.

    Args:
        inputs: channels.
        heads: pointers.
        width: size of a pointer's query and key.
        window: notes that are remembered.
    """

    def __init__(self, inputs: int, heads: int, width: int, window: int) -> None:
        super().__init__()
        self.heads, self.width, self.past = heads, width, window - 1
        self.key = nn.Linear(inputs, heads * width)
        self.sharpness = nn.Parameter(torch.full((heads, 1, 1), _SHARPNESS))

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        width = self.heads * self.width
        return (self.past, width), (self.past, _PITCHES), (self.past,), (1, width)

    def receptive_field(self) -> float:
        return self.past + 2

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """`[B, T, inputs + 128]`, thoughts before each coming note and the pitch of the one before, to heads × 128."""
        steps = x.shape[1]
        context, pitch = x.split([x.shape[-1] - _PITCHES, _PITCHES], -1)
        key = F.normalize(self.key(context).unflatten(-1, (self.heads, -1)), dim=-1).flatten(-2)
        delayed_keys = torch.cat([state[3], key], 1)
        new = (delayed_keys[:, :steps], pitch, x.new_ones(x.shape[0], steps))
        keys, values, filled = (torch.cat(p, 1) for p in zip(state[:3], new, strict=True))
        _, mask = _mask(filled, steps, self.past)
        likeness = self._split(key) @ self._split(keys).transpose(2, 3)
        copies = (likeness * self.sharpness.exp() + mask).softmax(-1) @ values[:, None]
        new_state = (keys[:, steps:], values[:, steps:], filled[:, steps:], delayed_keys[:, steps:])
        return copies.transpose(1, 2).flatten(2), new_state

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class MelodyNetwork(Streaming):
    """`[B, T, 64]` to probabilities `[B, T, 128]`: a mixture of new pitches and of pointers' pitches.

    Args:
        size: channels.
        heads: attention heads, dividing `size`.
        layers: attention blocks.
        window: notes that attention sees.
        memory: notes that the pointers see.
        pointers: heads of the pointer network.
        dropout: share of channels dropped in training.
    """

    def __init__(
        self, size: int, heads: int, layers: int, window: int, memory: int, pointers: int, dropout: float
    ) -> None:
        super().__init__()
        self.frame = KeyFrame()
        self.lead = Chain(nn.Linear(FRAMED, size), Residual(CausalConv1d(size, size, _KERNEL, groups=size)))
        blocks: list[nn.Module] = []
        for _ in range(layers):
            attend = (nn.LayerNorm(size), Attention(size, heads, window), nn.Dropout(dropout))
            think = (nn.Linear(size, 4 * size), nn.GELU(), nn.Linear(4 * size, size), nn.Dropout(dropout))
            blocks += [Residual(*attend), Residual(nn.LayerNorm(size), *think)]
        self.body = Chain(*blocks, nn.LayerNorm(size))
        self.pointer = Pointer(2 * size, pointers, 32, memory)
        self.out = nn.Linear(size, _PITCHES + 2 * _TURN)
        self.mix = nn.Linear(size, 1 + pointers)

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(shape for part in (self.lead, self.body, self.pointer) for shape in part.state_shapes())

    def receptive_field(self) -> float:
        return sum(part.receptive_field() - 1 for part in (self.lead, self.body, self.pointer)) + 1

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """`[B, T, 64]` to `[B, T, 128]` after a reset, without the slots that a reset leaves empty."""
        lead, *rest = self.zero_state(x)
        return self.stream(x, (lead, *(s[:, :0] if s.shape[1] > 1 else s for s in rest)))[0]

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        shift = self.frame.shift(x)
        pitch = self.frame.pitch(x)
        early, lead = self.lead.stream(self.frame.inputs(x, pitch, shift), state[:1])
        last = 1 + len(self.body.state_shapes())
        h, body = self.body.stream(early, state[1:last])
        pointer_pitches, memory = self.pointer.stream(torch.cat([h, early, pitch], -1), state[last:])
        shares = self.mix(h).softmax(-1)[..., 1:, None]
        copied = (shares * pointer_pitches.unflatten(-1, (-1, _PITCHES))).sum(-2)
        fresh = self.frame.back(self.out(h), shift).softmax(-1)
        # What a pointer finds nothing for goes to new pitches.
        return copied + (1 - copied.sum(-1, keepdim=True)) * fresh, (*lead, *body, *memory)
