"""The student as plain layers: the GRU between dense layers that turn its inputs to the tonic and its logits back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from kmidi_lab.models.melody.contract import MELODY
from kmidi_lab.models.melody.features import LOWEST
from kmidi_lab.models.melody.key_frame import TURN
from kmidi_lab.models.melody.student_frame import KEY, KEYS, OCTAVES, PITCHES, RANGE, shift_of
from kmidi_lab.nn.key_gates import FLOOR, SHUT, beside, zero_linear
from kmidi_lab.nn.layers import GRU
from kmidi_lab.nn.streaming import Chain

if TYPE_CHECKING:
    from kmidi_lab.models.melody.student import KeyGRU

_CLOSED = -30.0
"""A gate at sigmoid(-30) lets nothing of the old state through."""


@torch.no_grad()
def as_layers(student: KeyGRU) -> Chain:
    """The student's function as layers that RTNeural has, on the CPU in float32."""
    places, hinges = 12 * len(student.inputs.chromas), len(student.octave) if student.recalls else 0
    carried = student.inputs.carried
    if student.recalls:
        carried = [*carried, *((i, 1.0) for i in range(student.recalled.start, student.recalled.stop))]
    inner = len(carried) + hinges
    keys = zero_linear(MELODY.input_size, inner + KEYS - 1)
    for row, (source, sign) in enumerate(carried):
        keys.weight[row, source] = sign
    if student.recalls:
        keys.weight[len(carried) : inner], keys.bias[len(carried) : inner] = (
            student.octave[:, :-1].cpu(), student.octave[:, -1].cpu(),
        )  # fmt: skip
    keys.weight[inner:, KEY.start : KEY.start + 2] = student.circle.cpu()
    keys.bias[inner:] = student.bias.cpu()
    tonic = zero_linear(inner + KEYS - 1, inner + KEYS)
    tonic.weight[:inner, :inner] = torch.eye(inner)
    tonic.weight[inner, inner:] = -1.0  # C: no other tonic
    tonic.bias[inner] = 1.0
    tonic.weight[inner + 1 :, inner:] = torch.eye(KEYS - 1)
    wide = inner + KEYS
    collapse = _collapse(wide, places)
    first = (keys, nn.ReLU(), tonic, nn.ReLU(), _gates(wide, places), nn.ReLU())
    last = (_turn_back(student), nn.ReLU(), _pitches(student.recalls), nn.Softmax(-1))
    if not student.recalls:
        return Chain(*first, collapse, _carrying(student), *last).eval()
    folded = zero_linear(collapse.in_features, wide - hinges + OCTAVES)
    folded.weight[: len(carried)], folded.weight[-KEYS:] = (
        collapse.weight[: len(carried)],
        collapse.weight[-KEYS:],
    )
    folded.weight[len(carried) : -KEYS] = student.tents.cpu() @ collapse.weight[len(carried) : inner]
    # Behind what it sees of the inputs, the first dense layer sees octaves and tonic, but no untransposed pitch class.
    before = beside(student.before.weight, student.before.bias, student.kept, sees=OCTAVES + KEYS)
    after = beside(student.after.weight, student.after.bias, student.kept)
    middle = (folded, nn.ReLU(), before, nn.ReLU(), _carrying(student), after, nn.ReLU())
    return Chain(*first, *middle, *last).eval()


def _carrying(student: KeyGRU) -> GRU:
    """The GRU with more units that hold the kept values of the present call, saturated."""
    size, kept, unseen = student.hidden, student.kept, student.kept - KEYS
    inputs = student.rnn.rnn.input_size + unseen
    wide = GRU(inputs, size + kept)
    own, new = student.rnn.rnn, wide.rnn
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
                weight[rows, : inputs - kept] = source[:, :-KEYS]
                weight[rows, inputs - KEYS :] = source[:, -KEYS:]
            else:
                weight[rows, :size] = source
            bias[rows] = getattr(own, f"bias_{kind}_l0")[source_rows].cpu()
    z, n = (slice(gate * (size + kept) + size, (gate + 1) * (size + kept)) for gate in (1, 2))
    weights = dict(new.named_parameters())
    weights["bias_ih_l0"][z] = _CLOSED
    weights["weight_ih_l0"][n, inputs - kept :] = torch.diag(student.factors.cpu())
    return wide


def _turn_back(student: KeyGRU) -> nn.Linear:
    """Gates (pitch, key), the logit of the step that the pitch is in that key; then what a recalled pitch adds."""
    weight, bias, size = student.out.weight.cpu(), student.out.bias.cpu(), student.hidden
    layer = zero_linear(size + student.kept, RANGE * (KEYS + student.recalls))
    for pitch in range(RANGE):
        for k in range(KEYS):
            row, step = pitch * KEYS + k, pitch + TURN - shift_of(k)
            layer.weight[row, :size] = weight[step]
            layer.weight[row, size + student.kept - KEYS + k] = SHUT
            layer.bias[row] = bias[step] + FLOOR - SHUT
    if student.recalls:
        for pitch in range(RANGE):
            octave, pitch_class = divmod(pitch, 12)
            row = RANGE * KEYS + pitch
            layer.weight[row, :size] = student.copy.weight[0].cpu()
            layer.weight[row, size + pitch_class] = layer.weight[row, size + 12 + octave] = SHUT
            layer.bias[row] = student.copy.bias[0].cpu() - 2 * SHUT
    return layer


def _gates(wide: int, places: int) -> nn.Linear:
    """Gates (chroma place, key), then what is not turned, the tonic last."""
    layer = zero_linear(wide, places * KEYS + wide - places)
    for place in range(places):
        for k in range(KEYS):
            row = place * KEYS + k
            layer.weight[row, place] = layer.weight[row, wide - KEYS + k] = 1.0
            layer.bias[row] = -1.0
    layer.weight[places * KEYS :, places:] = torch.eye(wide - places)
    return layer


def _collapse(wide: int, places: int) -> nn.Linear:
    """Sums the gates of every degree."""
    layer = zero_linear(places * KEYS + wide - places, wide)
    for place in range(places):
        block, pitch = divmod(place, 12)
        for k in range(KEYS):
            layer.weight[block * 12 + (pitch - k) % 12, place * KEYS + k] = 1.0
    layer.weight[places:, places * KEYS :] = torch.eye(wide - places)
    return layer


def _pitches(recalls: bool) -> nn.Linear:
    """Sums the gates of every pitch; those beyond stay at the floor."""
    layer = zero_linear(RANGE * (KEYS + recalls), PITCHES)
    for pitch in range(RANGE):
        layer.weight[LOWEST + pitch, pitch * KEYS : (pitch + 1) * KEYS] = 1.0
        if recalls:
            layer.weight[LOWEST + pitch, RANGE * KEYS + pitch] = 1.0
    layer.bias[:] = -FLOOR
    return layer
