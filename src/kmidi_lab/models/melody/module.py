"""MelodyTransformer: trains the probability of the coming pitch given rhythm, key, chord and mood."""

from __future__ import annotations

from typing import Annotated

import torch
from annotated_types import Ge, Interval

from kmidi_lab.bounds import Count
from kmidi_lab.errors import ConfigError
from kmidi_lab.models.melody.contract import MELODY
from kmidi_lab.models.melody.features import MelodyBatch
from kmidi_lab.models.melody.network import MelodyNetwork
from kmidi_lab.models.melody.student import KeyGRU
from kmidi_lab.nn.module import LabModule, LearningRate, StudentPlan

_FLOOR = 1e-9


class MelodyTransformer(LabModule):
    """Next-pitch probabilities given rhythm, key, chord and mood.

    Args:
        size: channels.
        heads: attention heads, dividing `size`.
        layers: attention blocks.
        window: notes that attention sees.
        memory: notes that the pointers see.
        pointers: how many heads of the pointer network.
        dropout: share of channels dropped in training.
        student_size: units of the recurrent student for RTNeural (`student.KeyGRU`).
        student_epochs: passes over the training sequences in its distillation.
        student_learning_rate: peak of its one-cycle schedule.
        learning_rate: peak of the one-cycle schedule.
        weight_decay: of AdamW.
    """

    network: MelodyNetwork
    contract = MELODY
    vocabulary = ()
    loss_name = "negative log likelihood, nats a note"

    def __init__(
        self,
        size: Annotated[int, Ge(8)] = 96,
        heads: Count = 4,
        layers: Count = 3,
        window: Annotated[int, Ge(2)] = 64,
        memory: Annotated[int, Ge(2)] = 384,
        pointers: Count = 2,
        dropout: Annotated[float, Interval(ge=0, le=0.9)] = 0.1,
        student_size: Annotated[int, Ge(8)] = 256,
        student_epochs: Count = 4,
        student_learning_rate: LearningRate = 3e-3,
        learning_rate: float = 3e-3,
        weight_decay: float = 1e-2,
    ) -> None:
        super().__init__(learning_rate, weight_decay)
        if size % heads:
            raise ConfigError(f"model.module.heads={heads} must divide model.module.size={size}")
        self._sizes = (size, heads, layers, window, memory, pointers, dropout)
        self.network = MelodyNetwork(self.contract, *self._sizes)
        self._shape = f"{self.network.frame.size}→{size}, {layers} × (attention {heads} heads over {window} notes, MLP {4 * size})"
        self._ends = f"{pointers} pointers over {memory} notes, softmax {MELODY.output_size}"
        self._student = (student_size, student_epochs, student_learning_rate)
        self.save_hyperparameters()

    def use_contract(self, version: object) -> None:
        super().use_contract(version)
        self.network = MelodyNetwork(self.contract, *self._sizes)

    @property
    def architecture(self) -> str:
        return f"64→frame of the key {self._shape}, {self._ends}"

    def student_plan(self) -> StudentPlan:
        size, epochs, learning_rate = self._student
        layers = f"GRU {size}" if self.contract.version == "1" else f"{size}→GRU {size}→{size}"
        architecture = f"64→frame of the key→{layers}→frame of C→{MELODY.output_size} softmax"
        return StudentPlan(KeyGRU(self.contract, size), architecture, epochs, learning_rate)

    def _loss(self, batch: MelodyBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """(mean loss of the real notes, their probabilities `[E, 128]`)."""
        p = self.network(batch.x)[batch.real]
        own = p.gather(1, batch.pitch[batch.real][:, None])
        return -own.clamp(min=_FLOOR).log().mean(), p

    def training_step(self, batch: MelodyBatch, batch_idx: int) -> torch.Tensor:
        loss, _ = self._loss(batch)
        self.keep_loss(loss)
        return loss

    def validation_step(self, batch: MelodyBatch, batch_idx: int) -> None:
        loss, p = self._loss(batch)
        count = int(batch.real.sum())
        self.log("val/loss", loss, prog_bar=True, batch_size=count, sync_dist=True)
        top1 = (p.argmax(1) == batch.pitch[batch.real]).float().mean()
        self.log("val/top1", top1, prog_bar=True, batch_size=count, sync_dist=True)
