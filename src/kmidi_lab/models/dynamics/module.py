"""DynamicsEngine: an MLP from one note of a score, and how loud the notes before were, to how it is played."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from kmidi_lab.bounds import Sizes
from kmidi_lab.models.dynamics.contract import DYNAMICS
from kmidi_lab.models.dynamics.features import DynamicsBatch, EncodedPiece, free_run
from kmidi_lab.models.dynamics.network import PLAYED, begin_with_hinges, dynamics_network
from kmidi_lab.nn.layers import Standardize
from kmidi_lab.nn.module import Dropout, LabModule, LossWeight

_WEIGHTS = {
    "velocity": 4.0,
    "velocity_curve": 2.0,
    "attack": 0.5,
    "release": 1.0,
    "dynamic_range": 0.5,
    "compression": 0.5,
    "timing": 1.0,
    "pedal": 1.0,
    "reserved": 0.0,
}
_HUBER_BETA = 0.1
"""Errors below it count squared, others straight (P. Huber, *Robust estimation of a location parameter*, 1964)."""


def masked_loss(
    out: torch.Tensor, y: torch.Tensor, mask: torch.Tensor, more: Mapping[str, float] = MappingProxyType({})
) -> torch.Tensor:
    """Weighted mean of the Huber loss of each slice over its known values; `[B, 16]` each.

    `more` are weights of slices in the place of the usual ones: 4 of the velocity, 2 of the curve, 0.5 or 1 of the rest.
    """
    error = F.smooth_l1_loss(out, y, beta=_HUBER_BETA, reduction="none") * mask
    weights = {**_WEIGHTS, **more}
    parts = [
        weight * error[:, s.index].sum() / mask[:, s.index].sum().clamp(min=1)
        for s in DYNAMICS.outputs
        if (weight := weights[s.name])
    ]
    return torch.stack(parts).sum() / sum(weights.values())


def loss_over_pieces(
    outputs: Sequence[np.ndarray], pieces: Sequence[EncodedPiece], more: Mapping[str, float] = MappingProxyType({})
) -> float:
    """The loss of whole performances, `[N, 16]` each: its mean over the performances of a piece, then over the pieces.

    Some pieces are recorded twenty times, some once; a mean over notes would be about the former alone. `more` are
    weights of slices in the place of the usual ones.
    """
    by_piece: dict[str, list[float]] = defaultdict(list)
    for out, piece in zip(outputs, pieces, strict=True):
        mine, y, mask = (torch.from_numpy(a) for a in (out, piece.y, piece.mask))
        by_piece[piece.piece].append(float(masked_loss(mine, y, mask, more)))
    return float(np.mean([np.mean(losses) for losses in by_piece.values()]))


class DynamicsEngine(LabModule):
    """Inputs standardised, dense layers with ReLU, 14 sigmoid outputs and two that are always zero.

    The validation loss is a mean over pieces of that of free running, where the previous velocities are the network's
    own, as in a plugin.

    Args:
        hidden: sizes of the hidden layers.
        dropout: share of hidden units dropped in training.
        velocity_weight: of the velocity in the losses of training and validation, where the curve has 2 and the rest
            0.5 or 1.
        timing_weight: of the timing in them.
        hinges: the first layer begins with ramps of single inputs, where it is not trained further.
    """

    network: nn.Sequential
    contract = DYNAMICS
    loss_name = "huber"

    def __init__(
        self,
        hidden: Sizes = (192, 64),
        dropout: Dropout = 0.2,
        velocity_weight: LossWeight = 4.0,
        timing_weight: LossWeight = 1.0,
        hinges: bool = False,
        learning_rate: float = 2e-3,
        weight_decay: float = 5e-2,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        self._weights, self._hinges = {"velocity": velocity_weight, "timing": timing_weight}, hinges
        self.sizes = [DYNAMICS.input_size, *hidden]
        self.network = dynamics_network(hidden, dropout)
        self.save_hyperparameters()

    @property
    def architecture(self) -> str:
        return f"{'→'.join(map(str, self.sizes))}→{PLAYED} sigmoid + {DYNAMICS.output_size - PLAYED} zeros"

    def setup(self, stage: str) -> None:
        """The training data's input statistics become part of the network, which computes the same where it has a start."""
        if stage == "fit":
            data = self.trainer.datamodule  # type: ignore[attr-defined]
            mean, std = data.statistics()
            statistics = self.network[0]
            assert isinstance(statistics, Standardize)
            if self.has_start:
                statistics.hand_over(self.network[1], mean, std)
            statistics.mean.copy_(mean)
            statistics.std.copy_(std)
            if self._hinges and not self.has_start:
                begin_with_hinges(self.network, data.quantiles())

    def training_step(self, batch: DynamicsBatch, batch_idx: int) -> torch.Tensor:
        loss = masked_loss(self.network(batch.x), batch.y, batch.mask, self._weights)
        self.keep_loss(loss)
        return loss

    def validation_step(self, batch: list[EncodedPiece], batch_idx: int) -> None:
        def call(x: np.ndarray) -> np.ndarray:
            return self.network(torch.from_numpy(x).to(self.device)).float().cpu().numpy()

        loss = loss_over_pieces(free_run(call, [p.x for p in batch]), batch, self._weights)
        self.log("val/loss", loss, prog_bar=True, batch_size=len(batch), sync_dist=True)
