"""Where curves go: `curves/metrics.csv`, which is there whole or not at all after a crash or on a full disk."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import yaml
from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.loggers.csv_logs import ExperimentWriter

from kmidi_lab.files import write_atomic

CURVES = Path("curves", "metrics.csv")
"""Below a run's folder."""


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
