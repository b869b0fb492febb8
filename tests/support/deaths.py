"""A callback that ends the process of a job in the middle of its training, once."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import lightning as L


class OfTheSecondJob(L.Callback):
    """SIGKILL after the first epoch of job 1, the first time."""

    def on_train_epoch_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        folder = Path(trainer.default_root_dir)
        if folder.name == "1" and trainer.current_epoch == 1 and not (folder / "killed").exists():
            (folder / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
