"""StructurePredictor: an MLP from the sections so far to the next one and its length."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.bounds import Sizes
from kmidi_lab.models.structure.contract import STRUCTURE
from kmidi_lab.models.structure.features import UNKNOWN, StructureBatch
from kmidi_lab.models.structure.form import LENGTHS, OTHER_LENGTH, TYPES
from kmidi_lab.models.structure.network import structure_network
from kmidi_lab.models.structure.rules import EXPRESSION, STEERING, expression_weight
from kmidi_lab.models.structure.song_memory import memory_weights, no_memory, repeat_weights
from kmidi_lab.nn.module import Dropout, LabModule, LossWeight
from kmidi_lab.song.arcs import ARC_CURVES

if TYPE_CHECKING:
    from kmidi_lab.models.structure.evaluation import StructureData

_OUT = {s.name: s.index for s in STRUCTURE.outputs}
_CLASSES = OTHER_LENGTH + 1
_RULED = slice(_OUT["energy"].start, _OUT["energy"].start + len(EXPRESSION))
_ALONE, _RULE = 0.1, 0.1


class StructurePredictor(LabModule):
    """Trains the next section, and its length given the section, which a linear map in the head file decodes.

    Energy, density and tension are trained on the values of a rule: they are its expectation over the coming section.
    The weights of the song's own memory (`song_memory`) are set on the validation split after every epoch.

    Args:
        hidden: sizes of the hidden layers.
        dropout: share of hidden units dropped in training.
        length_weight: of the length's cross-entropy, relative to the section's.
    """

    network: nn.Sequential
    memory: torch.Tensor
    repeats: torch.Tensor
    contract = STRUCTURE
    vocabulary = TYPES
    loss_name = "cross_entropy"

    def __init__(
        self,
        hidden: Sizes = (128, 128),
        dropout: Dropout = 0.1,
        length_weight: LossWeight = 0.3,
        learning_rate: float = 8e-3,
        weight_decay: float = 3e-2,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.sizes = [STRUCTURE.input_size, *hidden]
        self.network = structure_network(hidden, dropout)
        self.lengths = nn.Linear(_CLASSES, len(TYPES) * _CLASSES)
        with torch.no_grad():
            self.lengths.weight.copy_(torch.eye(_CLASSES).repeat(len(TYPES), 1))
            self.lengths.bias.zero_()
        for name, weights in zip(("memory", "repeats"), no_memory(), strict=True):
            self.register_buffer(name, torch.from_numpy(weights).float())
        self.length_weight = length_weight
        self.save_hyperparameters()

    @property
    def architecture(self) -> str:
        return f"{'→'.join(map(str, self.sizes))}→{STRUCTURE.output('reserved').start} + {STRUCTURE.output('reserved').size} zeros"

    def head_layout(self) -> dict[str, object]:
        length = STRUCTURE.output("length")
        return {
            "input": {"slice": length.name, "start": length.start, "stop": length.stop},
            "decode": "section: p = softmax(output[0:13]), index 12 is END; length of a section of type t: softmax of rows "
            "8 t .. 8 t + 7 of weight @ output[13:21] + bias",
            "memory": "p = sum over k of memory_weight[n][k] * part[k], n = sections of the longest match so far, 0..5; part 0 is the "
            "softmax, 1 the shares of the song's own sections, 1 + k the shares of what followed its last k sections before; "
            "what is missing of 1 goes to part 0",
            "repeats": "lengths of type t = repeat_weight[n] @ (softmax of its rows, one-hot of the last length class that t had in "
            "this song, shares of all that it had), n = how many it had, at most 4",
            "expression": "energy, density, tension of type t = rows 3 t .. 3 t + 2 of expression_weight @ (1, place - 0.5, "
            "wanted - 0.5, arousal), clipped to 0..1; place = share of the song that is over, 0.5 where unknown",
            "arc": "wanted = arc_weight[arc] at nine places 0, 1/8 .. 1 of the song, straight lines between them; 0.5 without "
            "an arc. With an arc, p[t] *= exp(-steering_weight * (energy[t] - wanted)^2) for the twelve types, then these "
            "are scaled back to the share that they had: the chance of END stays. energy[t] is that of wanted = 0.5. A "
            "rule, not learnt",
            "types": list(TYPES),
            "lengths": list(LENGTHS),
            "arcs": list(ARC_CURVES),
            "expressions": list(EXPRESSION),
        }

    def head(self) -> dict[str, np.ndarray]:
        learnt = {
            "weight": self.lengths.weight,
            "bias": self.lengths.bias,
            "memory_weight": self.memory,
            "repeat_weight": self.repeats,
        }
        return {
            **{name: array.detach().cpu().numpy() for name, array in learnt.items()},
            "expression_weight": expression_weight().astype(np.float32),
            "arc_weight": np.array(list(ARC_CURVES.values()), np.float32),
            "steering_weight": np.array([STEERING], np.float32),
        }

    def training_step(self, batch: StructureBatch, batch_idx: int) -> torch.Tensor:
        out = self.network(batch.x)
        section = F.cross_entropy(out[:, _OUT["section"]], batch.token)
        side = self.length_weight * self._length_loss(out, batch) + _RULE * F.mse_loss(out[:, _RULED], batch.rule)
        self.keep_loss(section)
        return section + side

    def validation_step(self, batch: StructureBatch, batch_idx: int) -> None:
        out = self.network(batch.x)
        logits = out[:, _OUT["section"]]
        loss = F.cross_entropy(logits, batch.token)
        self.log("val/loss", loss, prog_bar=True, batch_size=len(batch.token), sync_dist=True)
        top1 = (logits.argmax(1) == batch.token).float().mean()
        self.log("val/top1", top1, prog_bar=True, batch_size=len(batch.token), sync_dist=True)
        # The split is one batch, song after song.
        songs = cast("StructureData", self.trainer.datamodule).songs("val")  # type: ignore[attr-defined]
        own = logits.double().softmax(1).gather(1, batch.token[:, None])[:, 0]
        self.memory.copy_(torch.from_numpy(memory_weights(own.cpu().numpy(), songs)))
        lengths = self._lengths(out, batch.token).double().softmax(1)
        self.repeats.copy_(torch.from_numpy(repeat_weights(lengths.cpu().numpy(), songs, batch.length.cpu().numpy())))

    def _lengths(self, out: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
        """`[B, 8]` logits of the length of a section of type `token` `[B]`; those of any type for END."""
        every = self.lengths(out[:, _OUT["length"]]).view(-1, len(TYPES), _CLASSES)
        return every[torch.arange(len(token)), token.clamp(max=len(TYPES) - 1)]

    def _length_loss(self, out: torch.Tensor, batch: StructureBatch) -> torch.Tensor:
        """Of the length given the section, and a little of the slice by itself, where bars were counted; else 0."""
        counted = batch.length != UNKNOWN
        if not counted.any():
            return out.new_zeros(())
        out, token, target = out[counted], batch.token[counted], batch.length[counted]
        alone = F.cross_entropy(out[:, _OUT["length"]], target)
        return F.cross_entropy(self._lengths(out, token), target) + _ALONE * alone
