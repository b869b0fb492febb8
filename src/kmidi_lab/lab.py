"""One training run: build, handshake, fit, test beside the baselines, export, report."""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightning as L
import torch
from hydra.core.hydra_config import HydraConfig
from lightning.pytorch.loggers import WandbLogger
from omegaconf import DictConfig, OmegaConf

from kmidi_lab import hardware, provenance, resume
from kmidi_lab.callbacks import DistillCallback, EvaluationCallback
from kmidi_lab.checkpoints import BestCheckpoint, LastCheckpoint
from kmidi_lab.data import DataModule
from kmidi_lab.export.callback import ExportCallback
from kmidi_lab.export.rtneural.runner import runner_from_env
from kmidi_lab.files import write_atomic
from kmidi_lab.handshake import handshake
from kmidi_lab.machine import machine_fingerprint
from kmidi_lab.nn.module import LabModule
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.report.curves import read_curves
from kmidi_lab.report.html import write_report
from kmidi_lab.scoring.evaluation import Evaluator
from kmidi_lab.targets import build, find
from kmidi_lab.trainer import check_average, make_trainer

log = logging.getLogger(__name__)


@dataclass
class Run:
    """What a training run leaves in memory: its record (run.json) and the objects it was made with."""

    record: dict[str, Any]
    objects: dict[str, Any] = field(default_factory=dict)


def train(cfg: DictConfig, context: dict[str, Any]) -> Run:
    """Trains, tests, exports; returns the record and the objects. Raises LabError with one line."""
    folder: Path = context["folder"]
    quieten_lightning()
    machine = hardware.resolve(**OmegaConf.to_container(cfg.hardware))  # type: ignore[arg-type]
    hardware.may_train(cfg.build.name, cfg.build.may_train, cfg.preset)
    resumed = resume.find(cfg.trainer.resume, cfg.trainer.max_epochs, cfg.trainer.ema)
    check_average(cfg.trainer.ema, machine.precision)
    if cfg.export.enabled:
        # What would stop the export must not be found out after hours of training.
        runner_from_env()
        load_registry(Path(cfg.models_root))
    L.seed_everything(cfg.seed, verbose=False)
    data_class = find(cfg.data._target_, DataModule, cfg.trusted)
    limits = hardware.guard(
        machine,
        cfg.preset,
        cfg.trainer.max_epochs,
        cfg.data.batch_size,
        cfg.trainer.accumulate,
        data_class.bytes_per_example,
    )
    data = build(cfg.data, DataModule, cfg.trusted, batch_size=limits.batch_size, progress=cfg.trainer.progress)
    module = build(cfg.model.module, LabModule, cfg.trusted)
    if resumed:
        resumed.check(module)
    handshake(module, data)
    data.prepare_data()
    data.setup("fit")
    OmegaConf.save(OmegaConf.create(OmegaConf.to_container(cfg, resolve=True)), folder / "config.yaml")
    data.write_problems(folder / "problems.csv")
    record = _new_record(cfg, context, machine, data, module)
    evaluator = build(cfg.model.evaluator, Evaluator, cfg.trusted)
    trainer = make_trainer(
        cfg,
        context,
        machine,
        limits,
        folder,
        [
            BestCheckpoint(
                folder / "checkpoints",
                [record["data"], record["config"]["model"]["module"]],
                Path(resumed.path).parent if resumed else None,
            ),
            LastCheckpoint(folder / "checkpoints"),
            DistillCallback(folder, record, cfg.trainer.progress),
            EvaluationCallback(evaluator, record),
            *_export(cfg, record),
        ],
    )
    for logger in trainer.loggers:
        logger.log_hyperparams(OmegaConf.to_container(cfg, resolve=True))  # type: ignore[arg-type]
    log.info("training %s on %s: %s", cfg.model.name, machine.accelerator, _counts(record["data"]))
    with _finished_loggers(trainer, record):
        began = time.perf_counter()
        trainer.fit(module, datamodule=data, ckpt_path=resumed.path if resumed else None, weights_only=True)
        record["training_seconds"] = time.perf_counter() - began
        checkpoint = _use_best(trainer, module)
        record["training"] = _training(module, trainer, limits, checkpoint)
        trainer.test(module, datamodule=data, verbose=False)
        if not trainer.is_global_zero:
            return Run(record)
        _finish(record, folder, context["started"])
    return Run(record, {"module": module, "data": data, "trainer": trainer})


def quieten_lightning() -> None:
    """Its tips and device lists drown what the lab says; its warnings of real trouble are errors here anyway."""
    for name in ("lightning.pytorch", "lightning.fabric", "pytorch_lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")


def _export(cfg: DictConfig, record: dict[str, Any]) -> list[L.Callback]:
    if not cfg.export.enabled:
        return []
    return [ExportCallback(Path(cfg.models_root), record, cfg.export.tolerance, cfg.export.calls, cfg.export.release)]


@contextmanager
def _finished_loggers(trainer: L.Trainer, record: dict[str, Any]) -> Iterator[None]:
    """Closes W&B's run whatever happens, as failed where something did."""
    failed = True
    try:
        yield
        failed = False
    finally:
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                from kmidi_lab.wandb_logger import finish

                finish(logger, record, failed)


def _use_best(trainer: L.Trainer, module: LabModule) -> dict[str, Any]:
    """Loads the best checkpoint's weights, once it is wholly written; returns it."""
    path = trainer.checkpoint_callback.best_model_path  # type: ignore[union-attr]
    checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    module.load_state_dict(checkpoint["state_dict"])
    return checkpoint


def _training(
    module: LabModule, trainer: L.Trainer, limits: hardware.Limits, checkpoint: dict[str, Any]
) -> dict[str, Any]:
    metrics = trainer.callback_metrics
    return {
        "epochs": int(trainer.current_epoch),
        "best_epoch": int(checkpoint["epoch"]),
        "batch_size": limits.batch_size * limits.accumulate,
        "learning_rate": module.learning_rate,
        "optimizer": "adamw",
        "loss": module.loss_name,
        "train_loss": float(metrics["train/loss"]),
        "val_loss": float(trainer.checkpoint_callback.best_model_score),  # type: ignore[union-attr]
    }


def _new_record(
    cfg: DictConfig, context: dict[str, Any], machine: hardware.Hardware, data: Any, module: LabModule
) -> dict[str, Any]:
    commit, dirty = provenance.git_state()
    description = data.describe()
    if description["stand_in"]:
        log.warning("STAND-IN DATA: %s", description["stand_in"])
    return {
        "schema": 1,
        "run_id": _run_id(context),
        "status": "ok",
        "error": None,
        "model": cfg.model.name,
        "id": module.contract.id,
        "contract_version": module.contract.version,
        "command": context["command"],
        "overrides": list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else [],
        "started_at": context["started"].isoformat(),
        "seed": cfg.seed,
        "git_commit": commit,
        "git_dirty": dirty,
        "code_sha256": provenance.code_fingerprint(),
        "machine": machine_fingerprint(),
        "hardware": machine.describe(),
        "versions": provenance.versions(),
        "config": OmegaConf.to_container(cfg, resolve=True),
        "data": description,
        "data_settings": data.identity(OmegaConf.to_container(cfg.data, resolve=True)),
        "params": module.parameter_count,
        "arch": module.architecture,
        "spread": None,
        "student": None,
        "export": None,
        "analysis": {},
    }


def _run_id(context: dict[str, Any]) -> str:
    folder: Path = context["folder"]
    return f"{context['group']}-{folder.name}" if context["group"] else folder.name


def _counts(data: dict[str, Any]) -> str:
    return ", ".join(f"{s} {data['split'][s]['songs']} songs" for s in ("train", "val", "test"))


def _finish(record: dict[str, Any], folder: Path, started: datetime) -> None:
    now = datetime.now(UTC)
    record["finished_at"] = now.isoformat()
    record["duration_seconds"] = (now - started).total_seconds()
    write_atomic(folder / "run.json", json.dumps(record, indent=1).encode())
    curves = folder / "curves" / "metrics.csv"
    try:
        write_report(record, read_curves(curves) if curves.is_file() else [], folder / "report.html")
    except Exception:  # a report that can't be drawn must not cost a finished run
        log.exception("the report could not be written")
