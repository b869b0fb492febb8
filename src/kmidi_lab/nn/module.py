"""What all models share: contract, optimiser, checked values, the exported network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import lightning as L
import numpy as np
import torch
from annotated_types import Interval
from torch import nn

from kmidi_lab.bounds import Bounded, Count, Share
from kmidi_lab.contract_types import CONTRACT_VERSION, Contract
from kmidi_lab.inference.outliers import OutlierDetector
from kmidi_lab.nn.layer_rates import frozen_parts, parameter_groups
from kmidi_lab.nn.schedule import epoch_seed, one_cycle
from kmidi_lab.nn.streaming import Streaming
from kmidi_lab.run_analysis import Note
from kmidi_lab.text.table import Table

Trained = tuple["LabModule", Callable[[np.ndarray], np.ndarray], Any]
"""A network of a fold: its module, the network as exported, arrays in and out, and the fold's data."""
LearningRate = Annotated[float, Interval(gt=0, le=1)]
Dropout = Annotated[float, Interval(ge=0, le=0.95)]
Smoothing = Annotated[float, Interval(ge=0, le=0.5)]
LossWeight = Annotated[float, Interval(ge=0, le=10)]
HEARD_ALL = "heard_all"
"""In a checkpoint: whether its weights were trained on all of their data, or began with such; earlier releases lack it."""
_WITHIN_EPOCH = "within_epoch"


@dataclass(frozen=True)
class StudentPlan(Bounded):
    """A student and how long it learns.

    Args:
        network: untrained, same inputs and outputs as the teacher, RTNeural's layers only.
        architecture: layer sizes in one line, for the card.
        epochs: passes over the training sequences.
        learning_rate: peak of the one-cycle schedule.

    Raises:
        ConfigError: a value is out of range.
    """

    config_key = "student"
    network: Streaming
    architecture: str
    epochs: Count
    learning_rate: LearningRate


class LabModule(Bounded, L.LightningModule):
    """A trainable model of one contract.

    Subclasses set `contract`, `vocabulary` (what the data module must agree on), `loss_name` and
    `network`, which maps `[B, N]` to `[B, M]` and is what gets exported.

    Args:
        learning_rate: peak of the one-cycle schedule (L. Smith, N. Topin, *Super-Convergence*, 2018).
        weight_decay: of AdamW, on matrices alone.
    """

    config_key = "model.module"
    contract: Contract
    vocabulary: tuple[str, ...] = ()
    loss_name: ClassVar[str] = ""
    calibrated: ClassVar[tuple[str, ...]] = ()
    """Parameters that are not trained, and that `calibrate` sets."""
    network: nn.Module
    student: nn.Module | None
    """What the RTNeural file holds where that is not `network`; distilled after training."""
    outliers: OutlierDetector | None
    """What says that a sound is not like those of the training; `calibrate` sets it."""

    def __init__(self, learning_rate: LearningRate, weight_decay: Share) -> None:
        super().__init__()
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self.student: nn.Module | None = None
        self.outliers: OutlierDetector | None = None
        self.frozen: tuple[str, ...] = ()
        self.layer_rate = 1.0
        self.has_start = False
        self.heard_all = False
        self._loss_sum, self._steps = torch.zeros(()), 0
        self._within: list[Any] | None = None

    def start_from(self, frozen: Sequence[str], layer_rate: float, has_start: bool) -> None:
        """How a training moves the weights.

        Args:
            frozen: parts that it leaves as they are, such as `network.hidden`.
            layer_rate: each layer's learning rate as a share of the next one's.
            has_start: the weights are of an earlier training, and with them what was measured on its data.

        Raises:
            ConfigError: no such part, or nothing is left to train.
        """
        frozen_parts(self, frozen)
        self.frozen, self.layer_rate, self.has_start = tuple(frozen), layer_rate, has_start

    def leaves(self, part: nn.Module) -> bool:
        """Whether a training moves no weight of a part of it, so that nothing need be derived by them."""
        held = {id(p) for own in frozen_parts(self, self.frozen) for p in own.parameters()}
        return all(id(p) in held for p in part.parameters() if p.requires_grad)

    def use_contract(self, version: object) -> None:
        """Says that the weights to come are of an earlier version of the contract. Raises ConfigError for an unknown one."""
        self.contract = self.contract.at(version)

    @property
    def parameter_count(self) -> int:
        """Trainable parameters of the exported network."""
        return sum(p.numel() for p in self.network.parameters() if p.requires_grad)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)

    def export_network(self) -> nn.Module:
        """The network as artefacts hold it, `[1, N]` to `[1, M]`; the same function as `network`."""
        return self.network

    @property
    def architecture(self) -> str:
        """Layer sizes in one line, for the card."""
        return type(self.network).__name__

    def student_plan(self) -> StudentPlan | None:
        """The student that RTNeural gets where it can't hold `network`; None where it can."""
        return None

    def head_layout(self) -> dict[str, object]:
        """What the arrays of `head` mean; goes into the head file beside them."""
        return {}

    def calibrate(
        self, call: Callable[[np.ndarray], np.ndarray], data: Any, folds: Iterable[Trained] = ()
    ) -> list[Note]:
        """Sets `outliers` before the model is scored; models that don't tell what they don't know do nothing.

        Args:
            call: the network as exported, arrays in and out.
            data: the data module; its train and val splits may be used.
            folds: of the same recipe; the test splits of their data may be used. They are opened as they are asked for.

        Returns:
            What a card should say of it.
        """
        return []

    def test_step(self, batch: Any, batch_idx: int) -> None:
        """Nothing: the evaluation callback scores the exported network, not batches."""

    def head(self) -> dict[str, np.ndarray]:
        """Arrays beside the artefact that a reader needs to decode its output; empty when none."""
        return {}

    def table(self) -> Table | None:
        """The table of the front-end, where it is trained with the network; what the data module needs to make inputs."""
        return None

    def upgraded(self, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """A `state_dict` of an earlier release in today's form; where nothing was added since then, as it is."""
        return dict(weights)

    def take_table(self, table: Table) -> None:
        """The other way round: the weights are those of a published table. For models that train one."""

    def configure_optimizers(self) -> Any:
        # In mixed precision Lightning can't clip the gradients of a fused optimiser.
        fused = next(self.parameters()).device.type in ("cpu", "cuda") and "mixed" not in str(self.trainer.precision)
        optimizer = torch.optim.AdamW(
            parameter_groups(self, self.frozen, self.learning_rate, self.layer_rate),
            lr=self.learning_rate,
            weight_decay=self.weight_decay,
            fused=fused,
        )
        # A function of the step alone: a resumed run may have another length, which OneCycleLR's saved state forbids.
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, one_cycle(int(self.trainer.estimated_stepping_batches)))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Weights say what inputs they were trained on; one within an epoch goes on with what is summed and drawn by then."""
        checkpoint[CONTRACT_VERSION] = self.contract.version
        checkpoint[HEARD_ALL] = self.heard_all
        checkpoint[_WITHIN_EPOCH] = [float(self._loss_sum), self._steps, torch.get_rng_state()]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self._within = checkpoint.get(_WITHIN_EPOCH)

    def on_train_start(self) -> None:
        """For a run that goes on within an epoch, of which Lightning tells no start; others begin their epoch behind this."""
        if self._within:
            total, self._steps, drawn = self._within
            self._loss_sum = torch.tensor(total, device=self.device)
            torch.set_rng_state(drawn)
            self._freeze()

    def on_train_epoch_start(self) -> None:
        torch.manual_seed(epoch_seed(self.current_epoch))
        self._freeze()
        self._loss_sum = torch.zeros((), device=self.device)
        self._steps = 0

    def _freeze(self) -> None:
        for part in frozen_parts(self, self.frozen):
            part.eval()  # neither dropout nor statistics of batches

    def keep_loss(self, loss: torch.Tensor) -> None:
        """Adds to the epoch's mean without a synchronisation at every step."""
        self._loss_sum += loss.detach()
        self._steps += 1

    def on_train_epoch_end(self) -> None:
        self.log("train/loss", self._loss_sum / max(1, self._steps), sync_dist=True)
