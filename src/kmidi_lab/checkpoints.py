"""Which epochs of a run are kept: the best by validation loss, and the last to go on from."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from kmidi_lab import resume
from kmidi_lab.files import write_atomic
from kmidi_lab.targets import as_first_named

log = logging.getLogger(__name__)


class LastCheckpoint(ModelCheckpoint):
    """Every epoch, better or not: `save_last` of ModelCheckpoint writes with a new best only."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "last", enable_version_counter=False)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing of the earlier run: its file is that run's, and stays there."""


class BestCheckpoint(ModelCheckpoint):
    """The epoch of least val/loss; a run that goes on from another takes over that one's best.

    It is taken over only where losses can be compared: `trained_on` describes what they depend on (JSON).
    `earlier` is the folder of the checkpoints that the run goes on from.
    """

    def __init__(self, folder: Path, trained_on: Any, earlier: Path | None = None) -> None:
        super().__init__(folder, "best", "val/loss", mode="min", enable_version_counter=False)
        self._trained_on = _digest(trained_on)
        self._earlier = earlier

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "trained_on": self._trained_on}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing of the checkpoint gone on from: the best one's own file says what it scored (see `setup`)."""

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        super().setup(trainer, pl_module, stage)
        if stage == "fit" and self._earlier is not None:
            self._take_over(self._earlier / "best.ckpt", trainer)

    def _take_over(self, found: Path, trainer: L.Trainer) -> None:
        kept = resume.read(found)
        state = kept["callbacks"].get(self.state_key) if kept else None
        if kept is None or state is None:
            log.warning("%s can't be read: the best epoch before this run is not known", found)
            return
        if state["trained_on"] != self._trained_on:
            log.warning("the best epoch of %s has other data or settings: its loss does not count here", found)
            return
        own = Path(str(self.dirpath), found.name)
        if trainer.is_global_zero and own.resolve() != found.resolve():
            write_atomic(own, found.read_bytes())
        score = torch.tensor(float(state["best_model_score"]))
        self.best_model_path = self.kth_best_model_path = str(own)
        self.best_model_score = self.kth_value = score
        self.best_k_models = {str(own): score}
        log.info("best so far: val/loss %.4f after %d epochs of %s", score, kept["epoch"] + 1, found)


def _digest(trained_on: Any) -> str:
    return hashlib.sha256(json.dumps(as_first_named(trained_on), sort_keys=True, default=str).encode()).hexdigest()
