"""What happens at the end of a test: a student is distilled, the scores go beside the baselines."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import lightning as L
import numpy as np
import torch

from kmidi_lab.files import write_atomic
from kmidi_lab.nn.distillation import STUDENT, distill
from kmidi_lab.nn.module import LabModule

log = logging.getLogger(__name__)


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


class DistillCallback(L.Callback):
    """Trains the student for the RTNeural file, where the model has one, and keeps it beside the checkpoint.

    After the test and on the first rank alone: from there on no rank waits for another.
    """

    def __init__(self, folder: Path, record: dict[str, Any], progress: bool) -> None:
        self._folder, self._record, self._progress = folder, record, progress

    def on_test_end(self, trainer: L.Trainer, pl_module: L.LightningModule) -> None:
        assert isinstance(pl_module, LabModule)
        # Testing runs in inference mode, whose tensors can't be trained.
        with torch.inference_mode(False), torch.enable_grad():
            self._train_student(trainer, pl_module)

    def _train_student(self, trainer: L.Trainer, pl_module: LabModule) -> None:
        plan = pl_module.student_plan()
        if plan is None or not trainer.is_global_zero:
            return
        log.info("distilling a student for RTNeural: %s, %d epochs", plan.architecture, plan.epochs)
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        limited = isinstance(trainer.limit_train_batches, int) or trainer.limit_train_batches < 1
        most = int(trainer.num_training_batches) if limited else None
        train, validation = (_First(data.sequences(split), most) for split in ("train", "val"))
        pl_module.student, self._record["student"] = distill(
            pl_module.network, plan, pl_module.contract, train, validation, pl_module.device, self._progress
        )
        kept = io.BytesIO()
        torch.save(pl_module.student.state_dict(), kept)
        write_atomic(self._folder / "checkpoints" / STUDENT, kept.getvalue())


class _First:
    """The first `most` of what can be iterated anew, all of it for None: trainer.limit_train_batches holds for students too."""

    def __init__(self, batches: Iterable[Any], most: int | None) -> None:
        self._batches, self._most = batches, most

    def __iter__(self) -> Iterator[Any]:
        return islice(self._batches, self._most)


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
