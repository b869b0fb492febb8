"""MelodyTransformer's student for RTNeural: a GRU in the frame of the key, all of it layers that RTNeural has.

A plain GRU would have to learn every transposition. Here the frame of the key is exact: for a one-hot tonic K and x in
0..1, `relu(x + K_k - 1)` is x where k is the tonic and 0 elsewhere, so a sum of such gates turns a chroma to the tonic,
and gates behind the GRU turn the logits back (as harmony's network does). Training computes the turns directly;
`deployed()` writes the same function as plain layers.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.contracts import MELODY
from kmidi_lab.models.melody.features import HIGHEST, LOWEST
from kmidi_lab.nn.layers import GRU
from kmidi_lab.nn.streaming import Chain, State, Streaming

_IN = {s.name: s.index for s in MELODY.inputs}
_PITCHES, _KEYS = MELODY.output_size, 12
_CHROMAS = ("previous_pitch_class", "chord")
_PLAIN = list(range(_IN["previous_octave"].start, _IN["chord"].start))
_SIGNED = [_IN["key"].stop - 1, *range(_IN["mood"].start, _IN["mood"].stop)]
"""Inputs that may be negative: mode and mood, each carried as two that are not."""
_TURN = 6
"""The frame of the key is at most so many semitones off."""
_RANGE = HIGHEST - LOWEST + 1
_STEPS = _RANGE + 2 * _TURN
_FLOOR, _SHUT = 12.0, 36.0
"""Logits below -12 are cut off; a shut gate stays shut for logits up to 24. Small, since they cost float32 digits."""
_SATURATED, _CLOSED = 20.0, -30.0
"""tanh(20) is 1 in float32, and a gate at sigmoid(-30) lets nothing of the old state through."""


def _circle() -> tuple[torch.Tensor, torch.Tensor]:
    """(`[11, 2]`, `[11]`): relu of their product with sine and cosine of the key is 1 for tonics C sharp to B, else 0."""
    angle = 2 * torch.pi * ((7 * torch.arange(1, _KEYS)) % 12) / 12
    near = torch.cos(torch.tensor(torch.pi / 6))
    return torch.stack([angle.sin(), angle.cos()], 1) / (1 - near), -(near / (1 - near)).expand(_KEYS - 1)


def _shift(tonic: int) -> int:
    return tonic - 12 if tonic > _TURN else tonic


class KeyGRU(Streaming):
    """`[B, T, 64]` to probabilities `[B, T, 128]`; without a key the frame is that of C.

    Pitches beyond those of the contract's eight octaves keep the smallest logit.

    Args:
        hidden: units of the GRU.
    """

    circle: torch.Tensor
    bias: torch.Tensor
    turned: torch.Tensor
    shifts: torch.Tensor

    def __init__(self, hidden: int) -> None:
        super().__init__()
        circle, bias = _circle()
        degrees, keys = torch.arange(12)[:, None], torch.arange(_KEYS)
        self.register_buffer("circle", circle, persistent=False)
        self.register_buffer("bias", bias, persistent=False)
        self.register_buffer("turned", (degrees + keys) % 12, persistent=False)
        self.register_buffer("shifts", torch.tensor([_shift(k) for k in range(_KEYS)]), persistent=False)
        self.hidden = hidden
        self.rnn = GRU(12 * len(_CHROMAS) + len(_PLAIN) + 2 * len(_SIGNED) + _KEYS, hidden)
        self.out = nn.Linear(hidden, _STEPS)

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return self.rnn.state_shapes()

    def receptive_field(self) -> float:
        return self.rnn.receptive_field()

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        keys = F.relu(x[..., _IN["key"]][..., :2] @ self.circle.T + self.bias)
        tonic = torch.cat([F.relu(1 - keys.sum(-1, keepdim=True)), keys], -1)
        parts = [F.relu(x[..., _IN[name]][..., self.turned] + tonic[..., None, :] - 1).sum(-1) for name in _CHROMAS]
        signed = x[..., _SIGNED]
        framed = torch.cat([*parts, F.relu(x[..., _PLAIN]), F.relu(signed), F.relu(-signed), tonic], -1)
        h, state = self.rnn.stream(framed, state)
        steps = torch.arange(_RANGE, device=x.device)
        shift = self.shifts[tonic.argmax(-1, keepdim=True)]
        logits = self.out(h).clamp(min=-_FLOOR).gather(-1, steps + _TURN - shift)
        return F.pad(logits, (LOWEST, _PITCHES - LOWEST - _RANGE), value=-_FLOOR).softmax(-1), state

    @torch.no_grad()
    def deployed(self) -> Chain:
        """The same function as layers that RTNeural has, on the CPU in float32."""
        carried = _carried()
        keys = _linear(MELODY.input_size, len(carried) + _KEYS - 1)
        for row, (source, sign) in enumerate(carried):
            keys.weight[row, source] = sign
        keys.weight[len(carried) :, _IN["key"].start : _IN["key"].start + 2] = self.circle.cpu()
        keys.bias[len(carried) :] = self.bias.cpu()
        wide = len(carried) + _KEYS
        tonic = _linear(wide - 1, wide)
        tonic.weight[: len(carried), : len(carried)] = torch.eye(len(carried))
        tonic.weight[len(carried), len(carried) :] = -1.0  # C: no other tonic
        tonic.bias[len(carried)] = 1.0
        tonic.weight[len(carried) + 1 :, len(carried) :] = torch.eye(_KEYS - 1)
        relu = nn.ReLU()
        return Chain(
            keys, relu, tonic, nn.ReLU(), _gates(wide), nn.ReLU(), _collapse(wide), self._carrying(),
            self._turn_back(), nn.ReLU(), _pitches(), nn.Softmax(-1),
        ).eval()  # fmt: skip

    def _carrying(self) -> GRU:
        """The GRU with twelve more units that hold the tonic of the present call."""
        size, inputs = self.hidden, self.rnn.rnn.input_size
        wide = GRU(inputs, size + _KEYS)
        own, new = self.rnn.rnn, wide.rnn
        for kind in ("ih", "hh"):
            weight: torch.Tensor = getattr(new, f"weight_{kind}_l0")
            bias: torch.Tensor = getattr(new, f"bias_{kind}_l0")
            weight.zero_()
            bias.zero_()
            for gate in range(3):
                rows = slice(gate * (size + _KEYS), gate * (size + _KEYS) + size)
                source_rows = slice(gate * size, (gate + 1) * size)
                weight[rows, : inputs if kind == "ih" else size] = getattr(own, f"weight_{kind}_l0")[source_rows].cpu()
                bias[rows] = getattr(own, f"bias_{kind}_l0")[source_rows].cpu()
        z, n = (slice(gate * (size + _KEYS) + size, (gate + 1) * (size + _KEYS)) for gate in (1, 2))
        weights = dict(new.named_parameters())
        weights["bias_ih_l0"][z] = _CLOSED
        weights["weight_ih_l0"][n, inputs - _KEYS :] = _SATURATED * torch.eye(_KEYS)
        return wide

    def _turn_back(self) -> nn.Linear:
        """Gates (pitch, key): the logit of the step that the pitch is in that key."""
        weight, bias = self.out.weight.cpu(), self.out.bias.cpu()
        layer = _linear(self.hidden + _KEYS, _RANGE * _KEYS)
        for pitch in range(_RANGE):
            for k in range(_KEYS):
                row, step = pitch * _KEYS + k, pitch + _TURN - _shift(k)
                layer.weight[row, : self.hidden] = weight[step]
                layer.weight[row, self.hidden + k] = _SHUT
                layer.bias[row] = bias[step] + _FLOOR - _SHUT
        return layer


def _carried() -> list[tuple[int, float]]:
    """(input, sign) of what passes the first layers beside the tonic."""
    chromas = [i for name in _CHROMAS for i in range(_IN[name].start, _IN[name].stop)]
    return [(i, 1.0) for i in (*chromas, *_PLAIN, *_SIGNED)] + [(i, -1.0) for i in _SIGNED]


def _gates(wide: int) -> nn.Linear:
    """Gates (chroma place, key), then what is not turned, the tonic last."""
    places = 12 * len(_CHROMAS)
    layer = _linear(wide, places * _KEYS + wide - places)
    for place in range(places):
        for k in range(_KEYS):
            row = place * _KEYS + k
            layer.weight[row, place] = layer.weight[row, wide - _KEYS + k] = 1.0
            layer.bias[row] = -1.0
    layer.weight[places * _KEYS :, places:] = torch.eye(wide - places)
    return layer


def _collapse(wide: int) -> nn.Linear:
    """Sums the gates of every degree."""
    places = 12 * len(_CHROMAS)
    layer = _linear(places * _KEYS + wide - places, wide)
    for place in range(places):
        block, pitch = divmod(place, 12)
        for k in range(_KEYS):
            layer.weight[block * 12 + (pitch - k) % 12, place * _KEYS + k] = 1.0
    layer.weight[places:, places * _KEYS :] = torch.eye(wide - places)
    return layer


def _pitches() -> nn.Linear:
    """Sums the gates of every pitch; those beyond stay at the floor."""
    layer = _linear(_RANGE * _KEYS, _PITCHES)
    for pitch in range(_RANGE):
        layer.weight[LOWEST + pitch, pitch * _KEYS : (pitch + 1) * _KEYS] = 1.0
    layer.bias[:] = -_FLOOR
    return layer


def _linear(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
