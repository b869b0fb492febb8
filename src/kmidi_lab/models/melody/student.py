"""MelodyTransformer's student for RTNeural: a GRU in the frame of the key, all of it layers that RTNeural has.

A plain GRU would have to learn every transposition. Here the frame of the key is exact: for a one-hot tonic K and x in
0..1, `relu(x + K_k - 1)` is x where k is the tonic and 0 elsewhere, so a sum of such gates turns a chroma to the tonic,
and gates behind the GRU turn the logits back (as harmony's network does). Training computes the turns directly;
`deployed()` writes the same function as plain layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.contracts import MELODY, Contract
from kmidi_lab.models.melody.features import HIGHEST, LOWEST
from kmidi_lab.nn.layers import GRU
from kmidi_lab.nn.streaming import Chain, State, Streaming

_PITCHES, _KEYS = MELODY.output_size, 12
_KEY = MELODY.input("key")
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


@dataclass(frozen=True)
class _Inputs:
    """Places of the inputs.

    `chromas` are turned to the tonic, `plain` are 0 or more, `signed` may be negative and are carried as two that are not.
    """

    chromas: tuple[slice, ...]
    plain: tuple[int, ...]
    signed: tuple[int, ...]

    @classmethod
    def of(cls, contract: Contract) -> _Inputs:
        chromas = [s for s in contract.inputs if s.size == 12]
        rest = [s for s in contract.inputs if s.size != 12 and s.name != "key"]
        plain = [i for s in rest if s.values.low >= 0 for i in range(s.start, s.stop)]
        signed = [_KEY.stop - 1, *(i for s in rest if s.values.low < 0 for i in range(s.start, s.stop))]
        return cls(tuple(s.index for s in chromas), tuple(plain), tuple(signed))

    @property
    def carried(self) -> list[tuple[int, float]]:
        """(input, sign) of what passes the first layers beside the tonic."""
        chromas = [i for part in self.chromas for i in range(part.start, part.stop)]
        return [(i, 1.0) for i in (*chromas, *self.plain, *self.signed)] + [(i, -1.0) for i in self.signed]


def _shift(tonic: int) -> int:
    return tonic - 12 if tonic > _TURN else tonic


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

    def __init__(self, contract: Contract, hidden: int) -> None:
        super().__init__()
        circle, bias = _circle()
        degrees, keys = torch.arange(12)[:, None], torch.arange(_KEYS)
        self.register_buffer("circle", circle, persistent=False)
        self.register_buffer("bias", bias, persistent=False)
        self.register_buffer("turned", (degrees + keys) % 12, persistent=False)
        self.register_buffer("shifts", torch.tensor([_shift(k) for k in range(_KEYS)]), persistent=False)
        self.hidden = hidden
        self.inputs, self.dense = _Inputs.of(contract), contract.version != "1"
        wide = len(self.inputs.carried) + _KEYS
        self.rnn = GRU(hidden + _KEYS if self.dense else wide, hidden)
        if self.dense:
            self.before, self.after = nn.Linear(wide, hidden), nn.Linear(hidden, hidden)
        self.out = nn.Linear(hidden, _STEPS)

    def state_shapes(self) -> tuple[tuple[int, ...], ...]:
        return self.rnn.state_shapes()

    def receptive_field(self) -> float:
        return self.rnn.receptive_field()

    def stream(self, x: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        keys = F.relu(x[..., _KEY.index][..., :2] @ self.circle.T + self.bias)
        tonic = torch.cat([F.relu(1 - keys.sum(-1, keepdim=True)), keys], -1)
        chromas = [x[..., part][..., self.turned] for part in self.inputs.chromas]
        parts = [F.relu(chroma + tonic[..., None, :] - 1).sum(-1) for chroma in chromas]
        plain, signed = x[..., list(self.inputs.plain)], x[..., list(self.inputs.signed)]
        framed = torch.cat([*parts, F.relu(plain), F.relu(signed), F.relu(-signed), tonic], -1)
        if self.dense:
            framed = torch.cat([F.relu(self.before(framed)), tonic], -1)
        h, state = self.rnn.stream(framed, state)
        if self.dense:
            h = F.relu(self.after(h))
        steps = torch.arange(_RANGE, device=x.device)
        shift = self.shifts[tonic.argmax(-1, keepdim=True)]
        logits = self.out(h).clamp(min=-_FLOOR).gather(-1, steps + _TURN - shift)
        return F.pad(logits, (LOWEST, _PITCHES - LOWEST - _RANGE), value=-_FLOOR).softmax(-1), state

    @torch.no_grad()
    def deployed(self) -> Chain:
        """The same function as layers that RTNeural has, on the CPU in float32."""
        carried, places = self.inputs.carried, 12 * len(self.inputs.chromas)
        keys = _linear(MELODY.input_size, len(carried) + _KEYS - 1)
        for row, (source, sign) in enumerate(carried):
            keys.weight[row, source] = sign
        keys.weight[len(carried) :, _KEY.start : _KEY.start + 2] = self.circle.cpu()
        keys.bias[len(carried) :] = self.bias.cpu()
        wide = len(carried) + _KEYS
        tonic = _linear(wide - 1, wide)
        tonic.weight[: len(carried), : len(carried)] = torch.eye(len(carried))
        tonic.weight[len(carried), len(carried) :] = -1.0  # C: no other tonic
        tonic.bias[len(carried)] = 1.0
        tonic.weight[len(carried) + 1 :, len(carried) :] = torch.eye(_KEYS - 1)
        first = (keys, nn.ReLU(), tonic, nn.ReLU(), _gates(wide, places), nn.ReLU(), _collapse(wide, places))
        last = (self._turn_back(), nn.ReLU(), _pitches(), nn.Softmax(-1))
        if not self.dense:
            return Chain(*first, self._carrying(), *last).eval()
        before, after = _beside_tonic(self.before, cut=True), _beside_tonic(self.after)
        return Chain(*first, before, nn.ReLU(), self._carrying(), after, nn.ReLU(), *last).eval()

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


def _beside_tonic(dense: nn.Linear, cut: bool = False) -> nn.Linear:
    """A dense layer that hands the tonic, the last twelve inputs, through; with `cut` it sees these itself, too."""
    inputs, outputs = dense.in_features, dense.out_features
    layer = _linear(inputs if cut else inputs + _KEYS, outputs + _KEYS)
    layer.weight[:outputs, :inputs] = dense.weight.cpu()
    layer.bias[:outputs] = dense.bias.cpu()
    layer.weight[outputs:, -_KEYS:] = torch.eye(_KEYS)
    return layer


def _gates(wide: int, places: int) -> nn.Linear:
    """Gates (chroma place, key), then what is not turned, the tonic last."""
    layer = _linear(wide, places * _KEYS + wide - places)
    for place in range(places):
        for k in range(_KEYS):
            row = place * _KEYS + k
            layer.weight[row, place] = layer.weight[row, wide - _KEYS + k] = 1.0
            layer.bias[row] = -1.0
    layer.weight[places * _KEYS :, places:] = torch.eye(wide - places)
    return layer


def _collapse(wide: int, places: int) -> nn.Linear:
    """Sums the gates of every degree."""
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
