"""Lightning's Trainer as the config describes it: devices, loggers, callbacks, limits, and how large a network may be."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import lightning as L
import psutil
import torch
from lightning.pytorch import callbacks as lightning_callbacks
from lightning.pytorch.callbacks import RichProgressBar, WeightAveraging
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig

from kmidi_lab import hardware, stopping, trainer_parts
from kmidi_lab.checkpoints import WholeCheckpoints
from kmidi_lab.errors import ConfigError
from kmidi_lab.nn.size_limit import NumberLimit
from kmidi_lab.wandb_run import StepCurves, wandb_logger

_BYTES_A_PARAMETER = 16
"""The weight, its gradient and AdamW's two means, float32 each."""


class EarlyStopping(lightning_callbacks.EarlyStopping):
    """Of the same name in checkpoints, but a run that goes on has the patience that it is given, not the earlier one."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict({**state_dict, "patience": self.patience})


class OwnSignals(L.Callback):
    """Lightning puts a handler of its own in the place of the lab's when a fit begins; this takes it out again."""

    def setup(self, trainer: L.Trainer, pl_module: L.LightningModule, stage: str) -> None:
        stopping.hear_again()


def make_trainer(
    cfg: DictConfig, context: dict[str, Any], machine: hardware.Hardware, limits: hardware.Limits, folder: Path,
    callbacks: list[L.Callback], added: Sequence[L.Callback] = (),
) -> L.Trainer:  # fmt: skip
    """The trainer of one run in `folder`; W&B's run belongs to context's group.

    Args:
        cfg: all settings.
        context: of the run, with its group.
        machine: what it trains on.
        limits: of epochs and batches.
        folder: of the run.
        callbacks: before the trainer's own.
        added: behind them, those of `check_trainer`.
    """
    loggers: list[Logger] = [trainer_parts.curves(cfg, folder)]
    if cfg.logger.wandb:
        loggers.append(wandb_logger(cfg, folder, context["group"], context.get("rounds")))
    loggers += trainer_parts.loggers(cfg, folder)
    callbacks = [*callbacks, OwnSignals()]
    if cfg.logger.wandb:
        callbacks.append(StepCurves(limits.batch_size * limits.accumulate))
    if cfg.trainer.ema:
        callbacks.append(WeightAveraging(avg_fn=partial(_moving_average, cfg.trainer.ema)))
    if cfg.trainer.patience:
        callbacks.append(EarlyStopping("val/loss", patience=cfg.trainer.patience, strict=False))
    if cfg.sweep.trial is not None and cfg.sweep.prune:
        from kmidi_lab.sweeps.pruning import Pruning  # Optuna: who searches nothing need not have it

        callbacks.append(Pruning(cfg))
    if cfg.trainer.progress:
        callbacks.append(RichProgressBar(refresh_rate=20))
    return _trainer(cfg, machine, limits, folder, logger=loggers, callbacks=[*callbacks, *added])


def check_trainer(cfg: DictConfig, machine: hardware.Hardware, folder: Path) -> list[L.Callback]:
    """The callbacks that a user adds, made before data are read. Raises ConfigError: what `make_trainer` would end
    with.
    """
    trainer_parts.check_loggers(cfg)
    added = trainer_parts.callbacks(cfg)
    with_ours = [lightning_callbacks.ModelCheckpoint(folder), *added]
    _trainer(cfg, machine, hardware.Limits(1, 1, 1), folder, logger=False, callbacks=with_ours)
    return added


def _trainer(
    cfg: DictConfig, machine: hardware.Hardware, limits: hardware.Limits, folder: Path, **parts: Any
) -> L.Trainer:
    several = machine.devices * machine.num_nodes > 1
    own: dict[str, Any] = {
        "accelerator": machine.accelerator,
        "devices": machine.devices,
        "num_nodes": machine.num_nodes,
        "strategy": "ddp" if several else "auto",
        "precision": machine.precision,
        "max_epochs": limits.epochs,
        "min_epochs": min(cfg.trainer.min_epochs, limits.epochs),
        "accumulate_grad_batches": limits.accumulate,
        "gradient_clip_val": cfg.trainer.gradient_clip or None,
        "limit_train_batches": cfg.trainer.limit_train_batches,  # an int is batches, a float a share of them
        "use_distributed_sampler": False,
        "num_sanity_val_steps": 0,
        "log_every_n_steps": 1_000_000,
        "enable_progress_bar": cfg.trainer.progress,
        "enable_model_summary": False,
        "default_root_dir": folder,
        "plugins": [WholeCheckpoints()],
    }
    return trainer_parts.trainer(cfg, **{**own, **parts, **trainer_parts.arguments(cfg)})


def check_average(decay: float, precision: str) -> None:
    """Raises ConfigError: 8 bits of mantissa hold no average of small steps."""
    if decay and precision.endswith("-true") and not precision.startswith(("32", "64")):
        raise ConfigError(
            f"trainer.ema={decay:g} needs weights of 32 bits; type hardware.precision={precision.split('-')[0]}-mixed or trainer.ema=0"
        )


def _moving_average(decay: float, average: torch.Tensor, current: torch.Tensor, _: object) -> torch.Tensor:
    """Buffers of whole numbers, such as indices, are taken as they are: torch's own average rounds them down."""
    return torch.lerp(current, average, decay) if average.is_floating_point() else current


class SizeLimit(NumberLimit):
    """Inside, networks are made whose training fits `hardware.memory_budget_gb`, and on the CPU what memory there is.

    Raises:
        ConfigError: a larger one.
    """

    def __init__(self, machine: hardware.Hardware) -> None:
        self._budget = self._there = machine.memory_budget_gb
        if machine.accelerator == "cpu":
            self._there = min(self._there, psutil.virtual_memory().total / 2**30)
        super().__init__(self._there * 2**30 / _BYTES_A_PARAMETER, "model.module")

    def explained(self, numbers: int) -> str:
        return (
            f"model.module: more than {numbers:.2g} parameters, which need {numbers * _BYTES_A_PARAMETER / 2**30:.3g} GiB "
            f"to train; there are {self._there:.3g} (hardware.memory_budget_gb={self._budget:g}); make its layers smaller"
        )
