"""Where curves go: `curves/metrics.csv`, which is there whole or not at all after a crash or on a full disk, and Weights & Biases."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import Any

import yaml
from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import CSVLogger, WandbLogger
from lightning.pytorch.loggers.csv_logs import ExperimentWriter
from omegaconf import DictConfig

from kmidi_lab.files import write_atomic
from kmidi_lab.run_record import RunRecord


class CurvesLogger(CSVLogger):
    """Lightning's logger of CSV files, whose own files a crash leaves half-written."""

    @property
    @rank_zero_experiment
    def experiment(self) -> _Whole:
        """Made with the first value that is logged."""
        if not isinstance(self._experiment, _Whole):
            self._experiment = _Whole(self.log_dir)
        return self._experiment

    def go_on_from(self, metrics_csv: Path, epochs: int | None = None) -> None:
        """Takes over the curves of an earlier run, without its scores on the test; nothing where there are none.

        Args:
            metrics_csv: its file.
            epochs: those that are not trained again; None for all.
        """
        if metrics_csv.is_file():
            rows = csv.DictReader(metrics_csv.read_text(encoding="utf-8").splitlines())
            self.experiment.metrics[:0] = [
                row for row in rows if row.get("epoch") and (epochs is None or int(row["epoch"]) < epochs)
            ]


class _Whole(ExperimentWriter):
    """Keeps all rows and writes the file anew: two short rows an epoch."""

    def _check_log_dir_exists(self) -> None:
        """Nothing: what is there is replaced when the first row is saved, not before."""

    def log_hparams(self, params: dict[str, Any]) -> None:
        """Raises FileError as `write_atomic`."""
        self.hparams.update(params)
        text = yaml.safe_dump(self.hparams, allow_unicode=True)
        write_atomic(Path(self.log_dir, self.NAME_HPARAMS_FILE), text.encode())

    def save(self) -> None:
        """Raises FileError as `write_atomic`."""
        if not self.metrics:
            return
        self._record_new_keys()
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.metrics_keys)
        writer.writeheader()
        writer.writerows(self.metrics)
        write_atomic(Path(self.metrics_file_path), text.getvalue().encode())


def wandb_logger(cfg: DictConfig, folder: Path, group: str | None) -> WandbLogger:
    """A logger whose files lie in the run's folder."""
    import wandb

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


def finish_wandb(logger: WandbLogger, record: RunRecord, failed: bool) -> None:
    """Adds what only the end knows (verdict, stand-in, latency table, artefacts) and closes the run."""
    import wandb

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
