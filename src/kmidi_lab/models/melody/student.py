"""MelodyTransformer's student for RTNeural: a GRU in the frame of the key, all of it layers that RTNeural has.

A plain GRU would have to learn every transposition. Here the frame of the key is exact: for a one-hot tonic K and x in
0..1, `relu(x + K_k - 1)` is x where k is the tonic and 0 elsewhere, so a sum of such gates turns a chroma to the tonic,
and gates behind the GRU turn the logits back (as harmony's network does). The recalled note is copied in the same way:
it is carried past the GRU, and a gate adds what the GRU thinks of it to the logit of its pitch. Training computes this
directly; `deployed()` writes the same function as plain layers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.contracts import MELODY, Contract
from kmidi_lab.models.melody.features import HIGHEST, LOWEST
from kmidi_lab.models.melody.key_frame import TURN
from kmidi_lab.nn.layers import GRU
from kmidi_lab.nn.streaming import Chain, State, Streaming

_PITCHES, _KEYS = MELODY.output_size, 12
_KEY = MELODY.input("key")
_RANGE = HIGHEST - LOWEST + 1
_STEPS = _RANGE + 2 * TURN
_FLOOR, _SHUT = 12.0, 36.0
"""Logits below -12 are cut off; a shut gate stays shut for logits up to 24. Small, since they cost float32 digits."""
_SATURATED, _CLOSED = 20.0, -30.0
"""tanh(20) is 1 in float32, and a gate at sigmoid(-30) lets nothing of the old state through."""
_OCTAVES = 8
_RECALLED = 12 + _OCTAVES
"""Pitch classes and octaves of the recalled note, that pass the GRU beside the tonic."""


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
    return tonic - 12 if tonic > TURN else tonic


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
        circle, bias = _circle()
        degrees, keys = torch.arange(12)[:, None], torch.arange(_KEYS)
        self.register_buffer("circle", circle, persistent=False)
        self.register_buffer("bias", bias, persistent=False)
        self.register_buffer("turned", (degrees + keys) % 12, persistent=False)
        self.register_buffer("shifts", torch.tensor([_shift(k) for k in range(_KEYS)]), persistent=False)
        self.hidden = hidden
        self.inputs, self.recalls = _Inputs.of(contract), contract.version != "1"
        self.kept = _RECALLED + _KEYS if self.recalls else _KEYS
        wide = len(self.inputs.carried) + _KEYS
        self.rnn = GRU(hidden + _KEYS if self.recalls else wide, hidden)
        # A kept value counts as 1 as soon as it is there: a recalled pitch class holds an eighth at least.
        factors = [8 * _SATURATED] * 12 + [_SATURATED] * (_OCTAVES + _KEYS)
        self.register_buffer("factors", torch.tensor(factors[-self.kept :]), persistent=False)
        if self.recalls:
            self.before, self.after = nn.Linear(wide + _OCTAVES, hidden), nn.Linear(hidden, hidden)
            self.copy = nn.Linear(hidden, 1)
            self.recalled = contract.input("recalled_pitch_class").index
            self.register_buffer("octave", _octave(contract), persistent=False)
            self.register_buffer("tents", _tents(), persistent=False)
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
        framed = torch.cat([*parts, F.relu(plain), F.relu(signed), F.relu(-signed)], -1)
        if self.recalls:
            recalled = self._recalled(x)
            framed = F.relu(self.before(torch.cat([framed, recalled[1], tonic], -1)))
        framed = torch.cat([framed, tonic], -1)
        h, state = self.rnn.stream(framed, state)
        if self.recalls:
            h = F.relu(self.after(h))
        steps = torch.arange(_RANGE, device=x.device)
        shift = self.shifts[tonic.argmax(-1, keepdim=True)]
        logits = self.out(h).clamp(min=-_FLOOR).gather(-1, steps + TURN - shift)
        if self.recalls:
            held = (torch.cat(recalled, -1) * self.factors[:_RECALLED]).tanh()
            pitch_class, octave = held.split([12, _OCTAVES], -1)
            both = (octave[..., None] + pitch_class[..., None, :] - 2).flatten(-2)
            logits = logits + F.relu(self.copy(h) + _SHUT * both)
        return F.pad(logits, (LOWEST, _PITCHES - LOWEST - _RANGE), value=-_FLOOR).softmax(-1), state

    def _recalled(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(pitch class `[.., 12]` as it is, octave `[.., 8]`, 1 at a whole one) of the recalled note."""
        hinges = F.relu(x @ self.octave[:, :-1].T + self.octave[:, -1])
        return F.relu(x[..., self.recalled]), F.relu(hinges @ self.tents.T)

    @torch.no_grad()
    def deployed(self) -> Chain:
        """The same function as layers that RTNeural has, on the CPU in float32."""
        places, hinges = 12 * len(self.inputs.chromas), len(self.octave) if self.recalls else 0
        carried = self.inputs.carried
        if self.recalls:
            carried = [*carried, *((i, 1.0) for i in range(self.recalled.start, self.recalled.stop))]
        inner = len(carried) + hinges
        keys = _linear(MELODY.input_size, inner + _KEYS - 1)
        for row, (source, sign) in enumerate(carried):
            keys.weight[row, source] = sign
        if self.recalls:
            keys.weight[len(carried) : inner], keys.bias[len(carried) : inner] = (
                self.octave[:, :-1].cpu(), self.octave[:, -1].cpu(),
            )  # fmt: skip
        keys.weight[inner:, _KEY.start : _KEY.start + 2] = self.circle.cpu()
        keys.bias[inner:] = self.bias.cpu()
        tonic = _linear(inner + _KEYS - 1, inner + _KEYS)
        tonic.weight[:inner, :inner] = torch.eye(inner)
        tonic.weight[inner, inner:] = -1.0  # C: no other tonic
        tonic.bias[inner] = 1.0
        tonic.weight[inner + 1 :, inner:] = torch.eye(_KEYS - 1)
        wide = inner + _KEYS
        collapse = _collapse(wide, places)
        first = (keys, nn.ReLU(), tonic, nn.ReLU(), _gates(wide, places), nn.ReLU())
        last = (self._turn_back(), nn.ReLU(), _pitches(self.recalls), nn.Softmax(-1))
        if not self.recalls:
            return Chain(*first, collapse, self._carrying(), *last).eval()
        folded = _linear(collapse.in_features, wide - hinges + _OCTAVES)
        folded.weight[: len(carried)], folded.weight[-_KEYS:] = (
            collapse.weight[: len(carried)],
            collapse.weight[-_KEYS:],
        )
        folded.weight[len(carried) : -_KEYS] = self.tents.cpu() @ collapse.weight[len(carried) : inner]
        # Behind what it sees of the inputs, the first dense layer sees octaves and tonic, but no untransposed pitch class.
        before, after = _beside(self.before, self.kept, sees=_OCTAVES + _KEYS), _beside(self.after, self.kept)
        middle = (folded, nn.ReLU(), before, nn.ReLU(), self._carrying(), after, nn.ReLU())
        return Chain(*first, *middle, *last).eval()

    def _carrying(self) -> GRU:
        """The GRU with more units that hold the kept values of the present call, saturated."""
        size, kept, unseen = self.hidden, self.kept, self.kept - _KEYS
        inputs = self.rnn.rnn.input_size + unseen
        wide = GRU(inputs, size + kept)
        own, new = self.rnn.rnn, wide.rnn
        for kind in ("ih", "hh"):
            weight: torch.Tensor = getattr(new, f"weight_{kind}_l0")
            bias: torch.Tensor = getattr(new, f"bias_{kind}_l0")
            weight.zero_()
            bias.zero_()
            for gate in range(3):
                rows = slice(gate * (size + kept), gate * (size + kept) + size)
                source_rows = slice(gate * size, (gate + 1) * size)
                source = getattr(own, f"weight_{kind}_l0")[source_rows].cpu()
                if kind == "ih":
                    weight[rows, : inputs - kept] = source[:, :-_KEYS]
                    weight[rows, inputs - _KEYS :] = source[:, -_KEYS:]
                else:
                    weight[rows, :size] = source
                bias[rows] = getattr(own, f"bias_{kind}_l0")[source_rows].cpu()
        z, n = (slice(gate * (size + kept) + size, (gate + 1) * (size + kept)) for gate in (1, 2))
        weights = dict(new.named_parameters())
        weights["bias_ih_l0"][z] = _CLOSED
        weights["weight_ih_l0"][n, inputs - kept :] = torch.diag(self.factors.cpu())
        return wide

    def _turn_back(self) -> nn.Linear:
        """Gates (pitch, key), the logit of the step that the pitch is in that key; then what a recalled pitch adds."""
        weight, bias, size = self.out.weight.cpu(), self.out.bias.cpu(), self.hidden
        layer = _linear(size + self.kept, _RANGE * (_KEYS + self.recalls))
        for pitch in range(_RANGE):
            for k in range(_KEYS):
                row, step = pitch * _KEYS + k, pitch + TURN - _shift(k)
                layer.weight[row, :size] = weight[step]
                layer.weight[row, size + self.kept - _KEYS + k] = _SHUT
                layer.bias[row] = bias[step] + _FLOOR - _SHUT
        if self.recalls:
            for pitch in range(_RANGE):
                octave, pitch_class = divmod(pitch, 12)
                row = _RANGE * _KEYS + pitch
                layer.weight[row, :size] = self.copy.weight[0].cpu()
                layer.weight[row, size + pitch_class] = layer.weight[row, size + 12 + octave] = _SHUT
                layer.bias[row] = self.copy.bias[0].cpu() - 2 * _SHUT
        return layer


def _octave(contract: Contract) -> torch.Tensor:
    """`[10, 65]`: weights and bias of how far the recalled note's octave is above 0, 1, .. 9."""
    rows = torch.zeros(_OCTAVES + 2, contract.input_size + 1)
    rows[:, contract.input("previous_octave").start] = 4.0
    rows[:, contract.input("recalled_octave").start] = 1.0
    rows[:, -1] = 4.0 - torch.arange(_OCTAVES + 2)
    return rows


def _tents() -> torch.Tensor:
    """`[8, 10]`: hinges at 0 to 9 to tents of width 1 around 1 to 8."""
    rows = torch.zeros(_OCTAVES, _OCTAVES + 2)
    for octave in range(_OCTAVES):
        rows[octave, octave : octave + 3] = torch.tensor([1.0, -2.0, 1.0])
    return rows


def _beside(dense: nn.Linear, kept: int, sees: int = 0) -> nn.Linear:
    """A dense layer that hands the last inputs, the kept ones, through; it `sees` so many of them itself, too."""
    own, outputs = dense.in_features - sees, dense.out_features
    layer = _linear(own + kept, outputs + kept)
    layer.weight[:outputs, :own] = dense.weight[:, :own].cpu()
    layer.weight[:outputs, own + kept - sees : own + kept] = dense.weight[:, own:].cpu()
    layer.bias[:outputs] = dense.bias.cpu()
    layer.weight[outputs:, -kept:] = torch.eye(kept)
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


def _pitches(recalls: bool) -> nn.Linear:
    """Sums the gates of every pitch; those beyond stay at the floor."""
    layer = _linear(_RANGE * (_KEYS + recalls), _PITCHES)
    for pitch in range(_RANGE):
        layer.weight[LOWEST + pitch, pitch * _KEYS : (pitch + 1) * _KEYS] = 1.0
        if recalls:
            layer.weight[LOWEST + pitch, _RANGE * _KEYS + pitch] = 1.0
    layer.bias[:] = -_FLOOR
    return layer


def _linear(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
