"""MicrotimingModel: a small recurrent network from written notes to the quantiles of their offsets."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from kmidi_lab.bounds import Count
from kmidi_lab.midi.styles import STYLES
from kmidi_lab.models.microtiming.contract import MICROTIMING
from kmidi_lab.models.microtiming.features import UNIT_MS, MicrotimingBatch
from kmidi_lab.models.microtiming.network import ANSWERED, microtiming_network
from kmidi_lab.models.microtiming.quantiles import LEVELS
from kmidi_lab.nn.module import Dropout, LabModule, LossWeight
from kmidi_lab.nn.streaming import Chain

_OUT = {s.name: s.index for s in MICROTIMING.outputs}


class MicrotimingModel(LabModule):
    """Trains with the pinball loss of five quantiles of the offset (Koenker and Bassett 1978).

    Offsets count in units of 62.5 ms, so that a millisecond weighs the same at every tempo. Velocity has its absolute
    error, the velocity's spread the squared distance to that error.

    Args:
        inner: size of each of the two layers that read the note.
        hidden: size of the GRU that remembers the notes before.
        dropout: share of every layer's units dropped in training.
        velocity_weight: of the velocity's absolute error, relative to the offset's pinball loss.
    """

    network: Chain
    contract = MICROTIMING
    vocabulary = STYLES
    loss_name = "pinball"

    def __init__(
        self,
        inner: Count = 64,
        hidden: Count = 44,
        dropout: Dropout = 0.05,
        velocity_weight: LossWeight = 0.3,
        learning_rate: float = 6e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.network = microtiming_network(inner, hidden, dropout)
        self.sizes = (MICROTIMING.input_size, inner, hidden, ANSWERED)
        self.velocity_weight = velocity_weight
        self.save_hyperparameters()

    @property
    def architecture(self) -> str:
        inputs, inner, hidden, outputs = self.sizes
        zeros = MICROTIMING.output_size - outputs
        return f"{inputs}→{inner} ELU→{inner} ELU→GRU {hidden}→{outputs} tanh→scaled to offsets and velocity + {zeros} zeros"

    def training_step(self, batch: MicrotimingBatch, batch_idx: int) -> torch.Tensor:
        offset, velocity, _ = losses(self.network(batch.x), batch)
        self.keep_loss(offset)
        return offset + self.velocity_weight * velocity

    def validation_step(self, batch: MicrotimingBatch, batch_idx: int) -> None:
        offset, velocity, late = losses(self.network(batch.x), batch)
        size = len(batch.x)
        self.log("val/loss", offset, prog_bar=True, batch_size=size, sync_dist=True)
        self.log("val/offset_mae_ms", late * UNIT_MS, prog_bar=True, batch_size=size, sync_dist=True)
        self.log("val/velocity_loss", velocity, batch_size=size, sync_dist=True)


def losses(outputs: torch.Tensor, batch: MicrotimingBatch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """(pinball loss of offsets, loss of velocities, absolute error of the median) in units of 62.5 ms, means over notes."""
    weight = batch.weight / batch.weight.sum().clamp(min=1)
    quantiles = outputs[..., _OUT["quantiles"]]
    ordered = torch.cat([quantiles[..., :2], outputs[..., _OUT["median"]], quantiles[..., 2:]], -1)
    late = (batch.offset[..., None] - ordered) * batch.unit[..., None]
    levels = late.new_tensor(LEVELS)
    pinball = torch.maximum(levels * late, (levels - 1) * late).mean(-1)
    hard = (outputs[..., _OUT["velocity"]][..., 0] - batch.velocity).abs()
    spread = outputs[..., _OUT["velocity_spread"]][..., 0]
    velocity = hard + F.mse_loss(spread, hard.detach(), reduction="none")
    middle = LEVELS.index(0.5)
    return (pinball * weight).sum(), (velocity * weight).sum(), (late[..., middle].abs() * weight).sum()
