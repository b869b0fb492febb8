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


class EvaluationCallback(L.Callback):
    """Scores the network that will be exported, and the baselines, into the run's record."""

    def __init__(self, evaluator: Any, record: dict[str, Any]) -> None:
        self._evaluator, self._record = evaluator, record

    def on_test_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        assert isinstance(pl_module, LabModule)
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        result = self._evaluator(numpy_call(pl_module.export_network()), pl_module.head(), data, "test", data)
        primary = self._evaluator.verdict(result, "test")
        self._record |= {
            "metrics": result.metrics,
            "baselines": result.baselines,
            "analysis": result.analysis,
            "primary": primary,
        }
        self._record["training"]["test_loss"] = result.metrics["test"]["nll"]
        for logger in trainer.loggers:
            logger.log_metrics({f"test/{k}": v for k, v in result.metrics["test"].items()})
            logger.log_metrics(
                {f"baseline/{b}/{primary['metric']}": s[primary["metric"]] for b, s in result.baselines["test"].items()}
            )
