"""MelodyTransformer's student for RTNeural: a GRU in the frame of the key, all of it layers that RTNeural has.

A plain GRU would have to learn every transposition. Here the frame of the key is exact: for a one-hot tonic K and x in
0..1, `relu(x + K_k - 1)` is x where k is the tonic and 0 elsewhere, so a sum of such gates turns a chroma to the tonic,
and gates behind the GRU turn the logits back (as harmony's network does). The recalled note is copied in the same way:
it is carried past the GRU, and a gate adds what the GRU thinks of it to the logit of its pitch. Training computes this
directly; `deployed()` writes the same function as plain layers.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.contract_types import Contract
from kmidi_lab.models.melody.features import LOWEST
from kmidi_lab.models.melody.key_frame import TURN
from kmidi_lab.models.melody.student_frame import (
    KEY,
    KEYS,
    OCTAVES,
    PITCHES,
    RANGE,
    RECALLED,
    SATURATED,
    STEPS,
    Inputs,
    octave_rows,
    shift_of,
    tent_rows,
    tonic_rows,
)
from kmidi_lab.models.melody.student_layers import as_layers
from kmidi_lab.nn.key_gates import FLOOR, SHUT
from kmidi_lab.nn.layers import GRU
from kmidi_lab.nn.streaming import Chain, State, Streaming


class KeyGRU(Streaming):
    """`[B, T, 64]` to probabilities `[B, T, 128]`; without a key the frame is that of C.

    Pitches beyond those of the contract's eight octaves keep the smallest logit.

    Args:
        contract: the version that its inputs are of; in the first one the GRU stands alone.
        hidden: units of the GRU, and of the dense layers before and behind it.
    """

    circle: torch.Tensor
    bias: torch.Tensor
    turned: torch.Tensor
    shifts: torch.Tensor
    factors: torch.Tensor
    octave: torch.Tensor
    tents: torch.Tensor

    def __init__(self, contract: Contract, hidden: int) -> None:
        super().__init__()
        circle, bias = tonic_rows()
        degrees, keys = torch.arange(12)[:, None], torch.arange(KEYS)
        self.register_buffer("circle", circle, persistent=False)
        self.register_buffer("bias", bias, persistent=False)
        self.register_buffer("turned", (degrees + keys) % 12, persistent=False)
        self.register_buffer("shifts", torch.tensor([shift_of(k) for k in range(KEYS)]), persistent=False)
        self.hidden = hidden
        self.inputs, self.recalls = Inputs.of(contract), contract.version != "1"
        self.kept = RECALLED + KEYS if self.recalls else KEYS
        wide = len(self.inputs.carried) + KEYS
        self.rnn = GRU(hidden + KEYS if self.recalls else wide, hidden)
        # A kept value counts as 1 as soon as it is there: a recalled pitch class holds an eighth at least.
        factors = [8 * SATURATED] * 12 + [SATURATED] * (OCTAVES + KEYS)
        self.register_buffer("factors", torch.tensor(factors[-self.kept :]), persistent=False)
        if self.recalls:
            self.before, self.after = nn.Linear(wide + OCTAVES, hidden), nn.Linear(hidden, hidden)
            self.copy = nn.Linear(hidden, 1)
            self.recalled = contract.input("recalled_pitch_class").index
            self.register_buffer("octave", octave_rows(contract), persistent=False)
            self.register_buffer("tents", tent_rows(), persistent=False)
        self.out = nn.Linear(hidden, STEPS)

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return self.rnn.state_shapes()

    def receptive_field(self) -> float:
        return self.rnn.receptive_field()

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        keys = F.relu(x[..., KEY.index][..., :2] @ self.circle.T + self.bias)
        tonic = torch.cat([F.relu(1 - keys.sum(-1, keepdim=True)), keys], -1)
        chromas = [x[..., part][..., self.turned] for part in self.inputs.chromas]
        parts = [F.relu(chroma + tonic[..., None, :] - 1).sum(-1) for chroma in chromas]
        plain, signed = x[..., list(self.inputs.plain)], x[..., list(self.inputs.signed)]
        framed = torch.cat([*parts, F.relu(plain), F.relu(signed), F.relu(-signed)], -1)
        if self.recalls:
            recalled = self._recalled(x)
            framed = F.relu(self.before(torch.cat([framed, recalled[1], tonic], -1)))
        framed = torch.cat([framed, tonic], -1)
        h, state = self.rnn.stream(framed, state)
        if self.recalls:
            h = F.relu(self.after(h))
        steps = torch.arange(RANGE, device=x.device)
        shift = self.shifts[tonic.argmax(-1, keepdim=True)]
        logits = self.out(h).clamp(min=-FLOOR).gather(-1, steps + TURN - shift)
        if self.recalls:
            held = (torch.cat(recalled, -1) * self.factors[:RECALLED]).tanh()
            pitch_class, octave = held.split([12, OCTAVES], -1)
            both = (octave[..., None] + pitch_class[..., None, :] - 2).flatten(-2)
            logits = logits + F.relu(self.copy(h) + SHUT * both)
        return F.pad(logits, (LOWEST, PITCHES - LOWEST - RANGE), value=-FLOOR).softmax(-1), state

    def _recalled(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(pitch class `[.., 12]` as it is, octave `[.., 8]`, 1 at a whole one) of the recalled note."""
        hinges = F.relu(x @ self.octave[:, :-1].T + self.octave[:, -1])
        return F.relu(x[..., self.recalled]), F.relu(hinges @ self.tents.T)

    def deployed(self) -> Chain:
        """The same function as layers that RTNeural has, on the CPU in float32."""
        return as_layers(self)
