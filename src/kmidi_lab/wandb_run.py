"""A run in Weights & Biases, beside the CSV, never instead of it: its logger, and curves by step."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from omegaconf import DictConfig

from kmidi_lab import trainer_parts, wandb_rounds
from kmidi_lab.feedback.rounds import LAST, Rounds
from kmidi_lab.targets import build

EVERY = 50
"""Steps from one point of a curve to the next."""


class RunLogger(WandbLogger):
    """Lightning's, whose `log_model` sends the best checkpoint of a run, not the last one, which is kept to go on from."""

    def after_save_checkpoint(self, checkpoint_callback: ModelCheckpoint) -> None:
        if checkpoint_callback.monitor:
            super().after_save_checkpoint(checkpoint_callback)


def wandb_logger(cfg: DictConfig, folder: Path, group: str | None, rounds: Rounds | None = None) -> WandbLogger:
    """The logger of conf/logger/wandb.yaml, whose files lie in the run's folder; what is typed of it goes before the
    lab's.

    Args:
        cfg: of the job.
        folder: of the run.
        group: the sweep that the run is a job of.
        rounds: of active learning, one of which the run ends.
    """
    if rounds:
        own = wandb_rounds.settings(cfg, folder, rounds, rounds.number(), LAST)
        del own["dir"]
    else:
        own = {
            "project": cfg.logger.project,
            "entity": cfg.logger.entity,
            "name": f"{cfg.model.name}-{folder.name}" if group is None else f"{cfg.model.name}-{group}-{folder.name}",
            "group": group,
            "job_type": str(cfg.task),
            "tags": _tags(cfg, group),
            "mode": wandb_rounds.mode(cfg),
            "reinit": "create_new",
            "config": {"model": cfg.model.name, "seed": cfg.seed, "sweep_id": group},
        }
    node = trainer_parts.logger_node(cfg, "wandb")
    own = {key: value for key, value in {"save_dir": str(folder), **own}.items() if key not in node}
    return build(node, WandbLogger, trainer_parts.trusted_here(cfg), **own)


def _tags(cfg: DictConfig, group: str | None) -> list[str]:
    """What runs are looked for by; W&B takes 1 to 64 signs a tag."""
    tags = [
        cfg.model.name,
        f"preset {cfg.preset}",
        "sweep" if group else "",
        "fine-tuned" if cfg.model.init_from else "",
        *cfg.logger.tags,
    ]
    return wandb_rounds.tags_of(tags)


class StepCurves(L.Callback):
    """Loss, learning rate and throughput every `EVERY` steps, for W&B alone: the CSV keeps two short rows an epoch.

    Args:
        examples: of one step, accumulated ones counted.
    """

    def __init__(self, examples: int) -> None:
        self._examples = examples
        self._since, self._steps = time.perf_counter(), 0

    def on_train_start(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        self._since, self._steps = time.perf_counter(), trainer.global_step

    def on_train_batch_end(
        self, trainer: L.Trainer, pl_module: L.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step = trainer.global_step
        # With accumulation several batches end at one step.
        if step == self._steps or step % EVERY:
            return
        now = time.perf_counter()
        speed = (step - self._steps) / max(now - self._since, 1e-9)
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        row = {"train/steps_per_s": speed, "train/examples_per_s": speed * self._examples}
        row |= {"train/step_loss": float(loss)} if isinstance(loss, torch.Tensor) else {}
        row |= {"train/learning_rate": trainer.optimizers[0].param_groups[-1]["lr"]}
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_metrics(row, step)
        self._since, self._steps = now, step
