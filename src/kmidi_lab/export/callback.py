"""The export callback: after the test, the artefacts are written, proved, measured and registered."""

from __future__ import annotations

from pathlib import Path

import lightning as L

from kmidi_lab.data import DataModule
from kmidi_lab.export.publish import export_module
from kmidi_lab.nn.module import LabModule
from kmidi_lab.run_record import RunRecord


class ExportCallback(L.Callback):
    """Runs `export_module` at the end of a test, on the first rank.

    Args:
        record: of the run, with its scores; its `export` is filled.
        data: gives the real inputs to prove the artefacts on.
        models_root: where to publish.
        tolerance: largest error of an artefact against the network.
        calls: single calls to time each backend with.
        release: the folder is committed, so no history of files is kept there.
        cpp: `kmw` or `header` publishes the C++ runtime's file, too.

    Raises:
        ExportError: a gate failed; nothing is published then.
    """

    def __init__(
        self,
        record: RunRecord,
        data: DataModule,
        models_root: Path,
        tolerance: float,
        calls: int,
        release: bool,
        cpp: str | None = None,
    ) -> None:
        self._record, self._data, self._models_root = record, data, models_root
        self._settings = tolerance, calls, release, cpp

    def on_test_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        assert isinstance(pl_module, LabModule)
        export_module(pl_module, self._data.probes(), self._record, self._models_root, *self._settings)
