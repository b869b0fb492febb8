"""Checkpoints that are there whole or not at all, and the last epoch of a run, to go on from."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.plugins.io import TorchCheckpointIO

from kmidi_lab import resume
from kmidi_lab.files import write_atomic


class WholeCheckpoints(TorchCheckpointIO):
    """Checkpoints that are there whole or not at all, also where the temporary folder is on another file system."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Raises FileError as `write_atomic`; the checkpoint before is as it was."""
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        write_atomic(Path(path), buffer.getvalue())


class LastCheckpoint(ModelCheckpoint):
    """Every epoch, better or not: `save_last` of ModelCheckpoint writes with a new best only.

    Args:
        folder: of the checkpoints.
        steps: after so many steps, too, but not after the last one, whose validation is still to come; 0 is never.
        validates: whether the run does; Lightning keeps epochs that are validated only, where not all of them are to
            be.
    """

    def __init__(self, folder: Path, steps: int = 0, validates: bool = True) -> None:
        at_the_end = None if validates else True
        super().__init__(folder, "last", enable_version_counter=False, save_on_train_epoch_end=at_the_end)
        self.file, self._steps, self._kept = folder / resume.LAST, steps, 0

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        step = trainer.global_step
        # With accumulation several batches end at one step.
        if self._steps and step % self._steps == 0 and step not in (self._kept, trainer.max_steps):
            self._kept = step
            trainer.save_checkpoint(self.file)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing of the earlier run: its file is that run's, and stays there."""
