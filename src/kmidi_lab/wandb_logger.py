"""Weights & Biases: offline unless logged in, one finished run for each job, grouped by sweep."""

from __future__ import annotations

import os
from pathlib import Path

import wandb
from lightning.pytorch.loggers import WandbLogger
from omegaconf import DictConfig

from kmidi_lab.run_record import RunRecord


def wandb_logger(cfg: DictConfig, folder: Path, group: str | None) -> WandbLogger:
    """A logger whose files lie in the run's folder."""
    logged_in = bool(os.environ.get("WANDB_API_KEY") or wandb.api.api_key)
    mode = os.environ.get("WANDB_MODE", "online" if logged_in else "offline")
    return WandbLogger(
        project=cfg.logger.project,
        entity=cfg.logger.entity,
        name=f"{cfg.model.name}-{folder.name}" if group is None else f"{cfg.model.name}-{group}-{folder.name}",
        group=group,
        save_dir=str(folder),
        mode=mode,
        reinit="create_new",
        config={"model": cfg.model.name, "seed": cfg.seed},
    )


def finish(logger: WandbLogger, record: RunRecord, failed: bool) -> None:
    """Adds what only the end knows (verdict, stand-in, latency table, artefacts) and closes the run."""
    run, export = logger.experiment, record.export
    run.summary["status"] = "failed" if failed else "ok"
    run.summary["stand_in"] = (record.data and record.data.stand_in) or "none"
    if export:
        run.summary["registry_status"] = export.status
        columns = ["backend", "first_us", "median_us", "p90_us", "p99_us", "max_us"]
        timed = export.latency.backends.items()
        rows = [[name, b.first_us, b.median_us, b.p90_us, b.p99_us, b.max_us] for name, b in timed]
        run.log({"latency": wandb.Table(columns=columns, data=rows)})
        if export.files:
            artifact = wandb.Artifact(record.identity.id, type="model", metadata={"status": export.status})
            for name in export.files:
                artifact.add_file(str(Path(export.models_root) / name), name=name)
            run.log_artifact(artifact)
    run.finish(exit_code=1 if failed else 0)
