"""What happens around a test: scores beside the baselines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lightning as L
import numpy as np
import torch

from kmidi_lab.models.base import LabModule


def numpy_call(network: torch.nn.Module) -> Callable[[np.ndarray], np.ndarray]:
    """`[E, N]` to `[E, M]` on the CPU in float32, evaluation mode."""
    network = network.cpu().float().eval()

    def call(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return np.asarray(network(torch.from_numpy(np.ascontiguousarray(x, np.float32))).numpy())

    return call


def evaluate_module(module: LabModule, evaluator: Any, data: Any) -> dict[str, Any]:
    """Scores of the network that will be exported, beside the baselines: the parts of run.json that hold them.

    `student_scores` are those of the student in the RTNeural file, None where that file holds the network itself.
    """
    result = evaluator(numpy_call(module.export_network()), module.head(), data, "test", data)
    student = None
    if module.student is not None:
        scored = evaluator(numpy_call(module.student), module.head(), data, "test", data)
        student = {"metrics": scored.metrics, "primary": evaluator.verdict(scored, "test")}
    return {
        "student_scores": student,
        "metrics": result.metrics,
        "baselines": result.baselines,
        "analysis": result.analysis,
        "primary": evaluator.verdict(result, "test"),
    }


class EvaluationCallback(L.Callback):
    """Scores the network that will be exported, and the baselines, into the run's record."""

    def __init__(self, evaluator: Any, record: dict[str, Any]) -> None:
        self._evaluator, self._record = evaluator, record

    def on_test_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        assert isinstance(pl_module, LabModule)
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        self._record |= evaluate_module(pl_module, self._evaluator, data)
        self._record["training"]["test_loss"] = self._record["metrics"]["test"][self._evaluator.loss]
        primary = self._record["primary"]
        for logger in trainer.loggers:
            logger.log_metrics({f"test/{k}": v for k, v in self._record["metrics"]["test"].items()})
            logger.log_metrics(
                {
                    f"baseline/{b}/{primary['metric']}": s[primary["metric"]]
                    for b, s in self._record["baselines"]["test"].items()
                }
            )
