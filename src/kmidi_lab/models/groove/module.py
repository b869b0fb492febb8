"""GroovePredictor: a small recurrent network from the pattern of a bar to timing and velocity of its sixteenths."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from kmidi_lab.bounds import Count
from kmidi_lab.models.groove.contract import GROOVE
from kmidi_lab.models.groove.features import STYLES, TIMING_DELTA, UNIT_MS, VELOCITY_DELTA, GrooveBatch
from kmidi_lab.models.groove.network import groove_network
from kmidi_lab.nn.module import Dropout, LabModule
from kmidi_lab.nn.streaming import Chain

_TIMING, _VELOCITY = GROOVE.output("timing").index, GROOVE.output("velocity").index


class GroovePredictor(LabModule):
    """Trains on every stroke of the three voices: a step has one output, and each voice that plays there is a target.

    The loss is Huber's (1964) of timing in units of 62.5 ms (half a sixteenth at 120 bpm, so that a millisecond weighs
    the same at every tempo) plus that of velocity in 0..1, each divided by its delta. It is the mean over the strokes
    of a take, then over takes by the square root of their strokes: where every stroke counts the same, a few long takes
    teach their drummers' habits and other drummers are met worse (docs/groove.md).

    Args:
        inner: size of the layer that reads the bar.
        hidden: size of the GRU that remembers the bars before.
        dropout: share of both layers' units dropped in training.
    """

    network: Chain
    contract = GROOVE
    vocabulary = STYLES
    loss_name = "huber"

    def __init__(
        self,
        inner: Count = 48,
        hidden: Count = 56,
        dropout: Dropout = 0.1,
        learning_rate: float = 4e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self.network = groove_network(inner, hidden, dropout)
        self.sizes = (GROOVE.input_size, inner, hidden, GROOVE.output_size)
        self.save_hyperparameters()

    @property
    def parameter_count(self) -> int:
        return sum(p.numel() for p in self.network.parameters() if p.requires_grad)

    @property
    def architecture(self) -> str:
        inputs, inner, hidden, outputs = self.sizes
        return f"{inputs}→{inner} ELU→GRU {hidden}→{outputs} tanh→scaled to timing and velocity"

    def training_step(self, batch: GrooveBatch, batch_idx: int) -> torch.Tensor:
        loss = huber_loss(*errors(self.network(batch.x), batch), batch.hit)
        self.keep_loss(loss)
        return loss

    def validation_step(self, batch: GrooveBatch, batch_idx: int) -> None:
        timing, velocity = errors(self.network(batch.x), batch)
        size, count = len(batch.x), batch.hit.sum().clamp(min=1)
        loss = huber_loss(timing, velocity, batch.hit)
        self.log("val/loss", loss, prog_bar=True, batch_size=size, sync_dist=True)
        late, hard = ((e.abs() * batch.hit).sum() / count for e in (timing, velocity))
        self.log("val/timing_mae_ms", late * UNIT_MS, prog_bar=True, batch_size=size, sync_dist=True)
        self.log("val/velocity_mae", hard, prog_bar=True, batch_size=size, sync_dist=True)


def errors(outputs: torch.Tensor, batch: GrooveBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """Errors `[B, T, 16, 3]` of outputs `[B, T, 32]`: timing in units of 62.5 ms, velocity in 0..1."""
    timing = (outputs[..., _TIMING, None] - batch.timing) * batch.tempo[..., None, None]
    return timing, outputs[..., _VELOCITY, None] - batch.velocity


def huber_loss(timing: torch.Tensor, velocity: torch.Tensor, hit: torch.Tensor) -> torch.Tensor:
    """Of errors `[B, T, 16, 3]`: mean over the strokes of each take, then over takes by the root of their strokes."""
    parts = ((timing, TIMING_DELTA), (velocity, VELOCITY_DELTA))
    each = sum(F.huber_loss(e, torch.zeros_like(e), reduction="none", delta=delta) / delta for e, delta in parts)
    strokes = hit.flatten(1).sum(1)
    weights = strokes.sqrt()
    means = (each * hit).flatten(1).sum(1) / strokes.clamp(min=1)
    return (means * weights).sum() / weights.sum().clamp(min=1)
