"""An MLP that hears chords relative to the key, exactly, with dense layers and ReLU only.

Twelve-key augmentation teaches a plain MLP to transpose only roughly. Here transposition is built in: for a
one-hot key k and x in 0..1, `relu(x + key_k - 1)` is x where k is the key and 0 elsewhere, so a sum of such gates
rotates a chroma to the tonic, and gates behind the last hidden layer rotate root and bass logits back.
Training computes the gates directly; `dense()` writes the same function as plain layers for export.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.models.harmony.contract import HARMONY
from kmidi_lab.nn.key_gates import FLOOR, SHUT, beside, zero_linear

_IN = {s.name: s.index for s in HARMONY.inputs}
_OUT = {s.name: s for s in HARMONY.outputs}
_CHROMAS = [i for name in ("previous_chords", "recalled_chord") for i in range(_IN[name].start, _IN[name].stop)]
_ABSOLUTE = ("root", "bass")
_RELATIVE = ("quality", "voice_leading", "chord_embedding")


def side_inputs() -> torch.Tensor:
    """`[S, 128]`: valence, arousal, mode, phrase sin and cos once with each sign, and duration; ReLU follows."""
    rows = []
    for name in ("valence", "arousal"):
        row = torch.zeros(HARMONY.input_size)
        block = slice(0, 16) if name == "valence" else slice(16, 32)
        row[_IN["emotion"]][block] = 1 / 8
        rows += [row, -row]
    for at in (_IN["mode"].start, _IN["phrase_position"].start, _IN["phrase_position"].start + 1):
        row = torch.zeros(HARMONY.input_size)
        row[at] = 1.0
        rows += [row, -row]
    last = torch.zeros(HARMONY.input_size)
    last[_IN["last_duration"].start] = 1.0
    return torch.stack([*rows, last])


class KeyRelativeMLP(nn.Module):
    """`[B, 128]` to `[B, 64]` of the harmony contract.

    Args:
        hidden: sizes of the hidden layers between the two rotations.
        dropout: share of units dropped in training, after each.
    """

    side: torch.Tensor
    to_tonic: torch.Tensor
    from_tonic: torch.Tensor

    def __init__(self, hidden: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.register_buffer("side", side_inputs(), persistent=False)
        self.register_buffer("to_tonic", _turn_order(-1), persistent=False)
        self.register_buffer("from_tonic", _turn_order(1), persistent=False)
        sizes = (len(_CHROMAS) + len(self.side), *hidden)
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.dropout = nn.Dropout(dropout)
        self.absolute = nn.Linear(sizes[-1], 12 * len(_ABSOLUTE))
        self.relative = nn.Linear(sizes[-1], sum(_OUT[n].size for n in _RELATIVE))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        key = F.relu(x[:, _IN["key_tonic"]])
        opened = F.relu(x[:, _CHROMAS].view(len(x), -1, 12, 1) + x[:, None, None, _IN["key_tonic"]] - 1.0)
        h = torch.cat([_turn(opened, self.to_tonic).flatten(1), F.relu(F.linear(x, self.side))], 1)
        for layer in self.hidden:
            h = self.dropout(F.relu(layer(h)))
        logits = self.absolute(h).view(len(x), len(_ABSOLUTE), 12, 1)
        gates = F.relu(logits + (FLOOR - SHUT) + SHUT * key[:, None, None, :])
        root, bass = (_turn(gates, self.from_tonic) - FLOOR).unbind(1)
        quality, voices, embedding = self.relative(h).split([_OUT[n].size for n in _RELATIVE], 1)
        return torch.cat([root, quality, bass, voices, embedding], 1)

    @torch.no_grad()
    def dense(self) -> nn.Sequential:
        """The same function as dense layers with ReLU between them, on the CPU in float32."""
        hidden = [(m.weight.cpu(), m.bias.cpu()) for m in self.hidden if isinstance(m, nn.Linear)]
        layers: list[nn.Module] = [self._entry(), nn.ReLU()]
        for i, (weight, bias) in enumerate(hidden):
            weight = self._incoming(weight) if i == 0 else weight
            layers += [beside(weight, bias, kept=12), nn.ReLU()]
        layers += [self._gates(), nn.ReLU(), self._exit()]
        return nn.Sequential(*layers).eval()

    def _entry(self) -> nn.Linear:
        """Gates (chroma place, key), side inputs, then the key itself."""
        places = len(_CHROMAS)
        layer = zero_linear(HARMONY.input_size, places * 12 + len(self.side) + 12)
        for place, source in enumerate(_CHROMAS):
            for k in range(12):
                layer.weight[place * 12 + k, source] = 1.0
                layer.weight[place * 12 + k, _IN["key_tonic"].start + k] = 1.0
                layer.bias[place * 12 + k] = -1.0
        layer.weight[places * 12 : -12] = self.side.cpu()
        layer.weight[-12:, _IN["key_tonic"]] = torch.eye(12)
        return layer

    def _incoming(self, weight: torch.Tensor) -> torch.Tensor:
        """The first hidden layer on gates instead of rotated chroma: every gate takes its degree's weight."""
        places = len(_CHROMAS)
        gates = torch.zeros(len(weight), places * 12)
        for place in range(places):
            block, pitch = divmod(place, 12)
            for k in range(12):
                gates[:, place * 12 + k] = weight[:, block * 12 + (pitch - k) % 12]
        return torch.cat([gates, weight[:, places:]], 1)

    def _gates(self) -> nn.Linear:
        """(slice, degree, key) gates of the absolute logits, then the last hidden layer unchanged."""
        width, n = self.relative.in_features, len(_ABSOLUTE) * 12
        layer = zero_linear(width + 12, n * 12 + width)
        for row in range(n):
            for k in range(12):
                layer.weight[row * 12 + k, :width] = self.absolute.weight[row].cpu()
                layer.weight[row * 12 + k, width + k] = SHUT
                layer.bias[row * 12 + k] = self.absolute.bias[row].cpu() + FLOOR - SHUT
        layer.weight[n * 12 :, :width] = torch.eye(width)
        return layer

    def _exit(self) -> nn.Linear:
        width, n = self.relative.in_features, len(_ABSOLUTE) * 12
        layer = zero_linear(n * 12 + width, HARMONY.output_size)
        for part, name in enumerate(_ABSOLUTE):
            for degree in range(12):
                for k in range(12):
                    layer.weight[_OUT[name].start + (degree + k) % 12, (part * 12 + degree) * 12 + k] = 1.0
            layer.bias[_OUT[name].index] = -FLOOR
        sizes = [_OUT[name].size for name in _RELATIVE]
        parts = zip(
            _RELATIVE, self.relative.weight.cpu().split(sizes), self.relative.bias.cpu().split(sizes), strict=True
        )
        for name, weight, bias in parts:
            layer.weight[_OUT[name].index, n * 12 :] = weight
            layer.bias[_OUT[name].index] = bias
        return layer


def _turn_order(sign: int) -> torch.Tensor:
    """Order of the 144 gates (place, key) that brings together those of one new place: place + sign * key."""
    target = (torch.arange(12)[:, None] + sign * torch.arange(12)[None, :]) % 12
    return torch.argsort(target.flatten(), stable=True)


def _turn(gates: torch.Tensor, order: torch.Tensor) -> torch.Tensor:
    """`[B, ..., 12, 12]` gates (place, key) to `[B, C, 12]`: every place turned by the key, summed over keys."""
    blocks = gates.reshape(len(gates), -1, 144)
    return blocks[:, :, order].view(len(gates), -1, 12, 12).sum(-1)
