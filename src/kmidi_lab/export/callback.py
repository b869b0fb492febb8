"""The export callback: after the test, the artefacts are written, proved, measured and registered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning as L

from kmidi_lab.export.publish import export_module
from kmidi_lab.nn.module import LabModule


class ExportCallback(L.Callback):
    """Runs `export_module` once the evaluation has filled the run's record. Raises ExportError on a failed gate."""

    def __init__(self, models_root: Path, record: dict[str, Any], tolerance: float, calls: int, release: bool) -> None:
        self._models_root, self._record = models_root, record
        self._tolerance, self._calls, self._release = tolerance, calls, release

    def on_test_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        assert isinstance(pl_module, LabModule)
        probes = trainer.datamodule.probes()  # type: ignore[attr-defined]
        export_module(pl_module, probes, self._record, self._models_root, self._tolerance, self._calls, self._release)
