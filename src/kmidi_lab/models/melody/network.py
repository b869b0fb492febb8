"""A causal transformer in the frame of the key, with pointers to pitches heard before, and the recalled note."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.contract_types import Contract
from kmidi_lab.models.melody.contract import MELODY
from kmidi_lab.models.melody.key_frame import TURN, key_frame
from kmidi_lab.nn.layers import CausalAttention, CausalConv1d
from kmidi_lab.nn.streaming import Chain, Residual, State, Streaming

_PITCHES = MELODY.output_size
_KERNEL = 8
"""Notes that the convolution before the transformer sees."""
_SHARPNESS = 2.5
"""Log of the factor on the cosine of two contexts at the start of training."""
MATCHES = (1, 2, 4, 8, 16)
LONGEST = MATCHES[-1]
"""Lengths of exact matches that a pointer tells apart, each twice the one before."""
_MATCH_WEIGHT = 0.5
"""What each further length of a match adds to a pointer's score at the start of training."""


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
        kinds: of contexts whose exact matches count, 0 for none.
    """

    def __init__(self, inputs: int, heads: int, width: int, window: int, kinds: int) -> None:
        super().__init__()
        self.heads, self.width, self.past, self.kinds = heads, width, window - 1, kinds
        self.key = nn.Linear(inputs, heads * width)
        self.sharpness = nn.Parameter(torch.full((heads, 1, 1), _SHARPNESS))
        if kinds:
            self.matches = nn.Parameter(torch.full((heads, kinds * len(MATCHES)), _MATCH_WEIGHT))

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        width = self.heads * self.width
        shapes = ((self.past, width), (self.past, _PITCHES), (self.past,), (1, width))
        return (*shapes, (self.past + LONGEST, self.kinds)) if self.kinds else shapes

    def receptive_field(self) -> float:
        return self.past + 2

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """`[B, T, inputs + 128 + kinds]` to heads × 128.

        The inputs: thoughts before each coming note, the pitch of the one before, and tokens of exact contexts.
        """
        steps = x.shape[1]
        context, pitch, tokens = x.split([x.shape[-1] - _PITCHES - self.kinds, _PITCHES, self.kinds], -1)
        key = F.normalize(self.key(context).unflatten(-1, (self.heads, -1)), dim=-1).flatten(-2)
        delayed_keys = torch.cat([state[3], key], 1)
        new = (delayed_keys[:, :steps], pitch, x.new_ones(x.shape[0], steps))
        keys, values, filled = (torch.cat(p, 1) for p in zip(state[:3], new, strict=True))
        _, mask = _mask(filled, steps, self.past)
        likeness = self._split(key) @ self._split(keys).transpose(2, 3)
        score = likeness * self.sharpness.exp() + mask
        new_state: State = (keys[:, steps:], values[:, steps:], filled[:, steps:], delayed_keys[:, steps:])
        if self.kinds:
            heard = torch.cat([state[4], tokens], 1)
            score = score + self._match_scores(heard, steps, keys.shape[1])
            new_state = (*new_state, heard[:, steps:])
        copies = score.softmax(-1) @ values[:, None]
        return copies.transpose(1, 2).flatten(2), new_state

    def _match_scores(self, heard: torch.Tensor, steps: int, slots: int) -> torch.Tensor:
        """`[B, heads, steps, slots]`: more for every length that a slot's context matches the present one at.

        A slot holds the context of the note before, so its tokens are those of one step earlier.
        """
        around = F.pad(heard, (0, 0, max(0, slots + LONGEST - heard.shape[1]), 0))
        rows = around[:, around.shape[1] - steps - LONGEST + 1 :]
        columns = around[:, around.shape[1] - slots - LONGEST : -1]
        weights = self.matches.unflatten(1, (self.kinds, -1)).unbind(1)
        scores = [
            torch.einsum("blts,hl->bhts", match_lengths(rows[..., k], columns[..., k], steps, slots).to(w.dtype), w)
            for k, w in enumerate(weights)
        ]
        return torch.stack(scores).sum(0)

    def _split(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


def match_lengths(rows: torch.Tensor, columns: torch.Tensor, steps: int, slots: int) -> torch.Tensor:
    """`[B, lengths, steps, slots]`: whether the last n tokens before a step equal those before a slot, for n of `MATCHES`.

    Args:
        rows: `[B, steps + 15]` tokens up to each step, whole numbers; 0 is none and equals nothing.
        columns: `[B, slots + 15]` tokens up to each slot.
        steps: of the present call.
        slots: that are compared with.
    """
    runs = {1: (rows[:, :, None] == columns[:, None, :]) & (rows[:, :, None] > 0)}
    for n in MATCHES[:-1]:
        runs[2 * n] = runs[n] & F.pad(runs[n][:, :-n, :-n], (n, 0, n, 0))
    return torch.stack([runs[n][:, -steps:, -slots:] for n in MATCHES], 1)


class MelodyNetwork(Streaming):
    """`[B, T, 64]` to probabilities `[B, T, 128]`: a mixture of new pitches, pointers' pitches and the recalled one.

    Args:
        contract: the version that its inputs are of; in the first one nothing is recalled and no match counts.
        size: channels.
        heads: attention heads, dividing `size`.
        layers: attention blocks.
        window: notes that attention sees.
        memory: notes that the pointers see.
        pointers: heads of the pointer network.
        dropout: share of channels dropped in training.
    """

    def __init__(
        self,
        contract: Contract,
        size: int,
        heads: int,
        layers: int,
        window: int,
        memory: int,
        pointers: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.frame = key_frame(contract)
        self.lead = Chain(nn.Linear(self.frame.size, size), Residual(CausalConv1d(size, size, _KERNEL, groups=size)))
        blocks: list[nn.Module] = []
        for _ in range(layers):
            attend = (nn.LayerNorm(size), Attention(size, heads, window), nn.Dropout(dropout))
            think = (nn.Linear(size, 4 * size), nn.GELU(), nn.Linear(4 * size, size), nn.Dropout(dropout))
            blocks += [Residual(*attend), Residual(nn.LayerNorm(size), *think)]
        self.body = Chain(*blocks, nn.LayerNorm(size))
        self.pointer = Pointer(2 * size, pointers, 32, memory, self.frame.kinds)
        self.out = nn.Linear(size, _PITCHES + 2 * TURN)
        self.mix = nn.Linear(size, 1 + pointers + self.frame.recalls)

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
        pitch, recalled = self.frame.pitch(x), self.frame.recalled(x)
        early, lead = self.lead.stream(self.frame.inputs(x, pitch, recalled, shift), state[:1])
        last = 1 + len(self.body.state_shapes())
        h, body = self.body.stream(early, state[1:last])
        seen = torch.cat([h, early, pitch, self.frame.tokens(x, pitch)], -1)
        pointer_pitches, memory = self.pointer.stream(seen, state[last:])
        heard = torch.cat([pointer_pitches.unflatten(-1, (-1, _PITCHES)), recalled], -2)
        shares = self.mix(h).softmax(-1)[..., 1:, None]
        copied = (shares * heard).sum(-2)
        fresh = self.frame.back(self.out(h), shift).softmax(-1)
        # What a pointer finds nothing for goes to new pitches.
        return copied + (1 - copied.sum(-1, keepdim=True)) * fresh, (*lead, *body, *memory)
