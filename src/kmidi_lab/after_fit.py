"""What follows the training, step by step: the best weights, the student, the scores beside the baselines, the report."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch.loggers import Logger

from kmidi_lab.best_checkpoint import FitResult
from kmidi_lab.data import DataModule
from kmidi_lab.errors import FileError
from kmidi_lab.files import write_atomic
from kmidi_lab.loggers import CURVES
from kmidi_lab.nn.distillation import STUDENT, distill
from kmidi_lab.nn.module import LabModule, Trained
from kmidi_lab.nn.schedule import epoch_seed
from kmidi_lab.report.curves import read_curves
from kmidi_lab.report.html import write_report
from kmidi_lab.run_analysis import Analysis
from kmidi_lab.run_record import RunRecord, Training
from kmidi_lab.run_scores import Primary, Scores, Student
from kmidi_lab.scoring.evaluation import Evaluation, Evaluator
from kmidi_lab.typed_json import from_json

log = logging.getLogger(__name__)
BEGAN_WITH_ALL = "it began with weights that have heard all of their data, perhaps this test"


def training_of(fitted: FitResult, module: LabModule, batch_size: int | None) -> Training:
    """Loads the weights of the best epoch, in evaluation mode; returns what the record says of the training.

    Args:
        fitted: what training has left.
        module: gets the weights.
        batch_size: examples a step, accumulated ones counted; None where that is not known.
    """
    checkpoint = torch.load(fitted.best, map_location="cpu", weights_only=True)
    module.load_state_dict(checkpoint["state_dict"])
    module.eval()
    return Training(
        epochs=fitted.epochs,
        best_epoch=int(checkpoint["epoch"]),
        batch_size=batch_size,
        learning_rate=module.learning_rate,
        optimizer="adamw",
        loss=module.loss_name,
        train_loss=fitted.train_loss if isfinite(fitted.train_loss) else None,
        val_loss=fitted.val_loss if isfinite(fitted.val_loss) else None,
        seconds=fitted.seconds if isfinite(fitted.seconds) else None,
    )


def distil_student(
    module: LabModule, data: DataModule, limit: float, device: torch.device, folder: Path, progress: bool
) -> Student | None:
    """Trains the student for the RTNeural file, where the model has one, and keeps it beside the checkpoint.

    Args:
        module: with the weights that the student learns from.
        data: its sequences are what it learns on.
        limit: `trainer.limit_train_batches`, which holds for students too: a number of batches, or a share of them.
        device: where both networks run.
        folder: of the run.
        progress: log every epoch.
    """
    # Its first weights must not depend on how many numbers training has drawn, as after a resume.
    torch.manual_seed(epoch_seed(0))
    plan = module.student_plan()
    if plan is None:
        return None
    log.info("distilling a student for RTNeural: %s, %d epochs", plan.architecture, plan.epochs)
    most = limit if isinstance(limit, int) else None
    if most is None and limit < 1:
        most = int(limit * len(data.train_dataloader()))
    train, validation = (_First(data.sequences(split), most) for split in ("train", "val"))  # type: ignore[attr-defined]
    module.student, facts = distill(module.network, plan, module.contract, train, validation, device, progress)
    buffer = io.BytesIO()
    torch.save(module.student.state_dict(), buffer)
    write_atomic(folder / "checkpoints" / STUDENT, buffer.getvalue())
    return from_json(Student, facts, "student")


class _First:
    """The first `most` of what can be iterated anew, all of it for None: trainer.limit_train_batches holds for students
    too.
    """

    def __init__(self, batches: Iterable[Any], most: int | None) -> None:
        self._batches, self._most = batches, most

    def __iter__(self) -> Iterator[Any]:
        return islice(self._batches, self._most)


def numpy_call(network: torch.nn.Module) -> Callable[[np.ndarray], np.ndarray]:
    """`[E, N]` to `[E, M]` on the CPU in float32, evaluation mode."""
    network = network.cpu().float().eval()

    def call(x: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return np.asarray(network(torch.from_numpy(np.ascontiguousarray(x, np.float32))).numpy())

    return call


def evaluate(
    record: RunRecord, module: LabModule, evaluator: Evaluator, data: DataModule, folds: Iterable[Trained] = ()
) -> None:
    """Scores the network that will be exported, its student where it has one, and the baselines, into the record.

    Args:
        record: of the run.
        module: with its weights.
        evaluator: of the model.
        data: that it was trained on.
        folds: trained by the same recipe, which the model may be calibrated by (`LabModule.calibrate`).
    """
    data.use_table(module.table())
    call = numpy_call(module.export_network())
    remarks = module.calibrate(call, data, folds)

    def scored_by(network: Callable[[np.ndarray], np.ndarray]) -> Evaluation:
        scored = evaluator(network, module.head(), data, "test", data)
        if record.data and record.data.began_with_all:
            scored.analysis["not_comparable"] = BEGAN_WITH_ALL
        return scored

    result = scored_by(call)
    primary = from_json(Primary, evaluator.verdict(result, "test"), "primary")
    record.scores = Scores(result.metrics, result.baselines, primary, dict(evaluator.METRICS))
    record.analysis = Analysis.of(result.analysis, [*evaluator.notes(result.analysis), *remarks])
    if record.training:
        record.training.test_loss = result.metrics["test"][evaluator.loss]
    if module.student is not None and record.student:
        scored = scored_by(numpy_call(module.student))
        record.student.metrics = scored.metrics
        record.student.primary = from_json(Primary, evaluator.verdict(scored, "test"), "student.primary")
        record.student.withheld = evaluator.why_withheld(result, scored, "test")


def log_scores(record: RunRecord, loggers: Iterable[Logger]) -> None:
    """The test scores, and the baselines' on the metric of the verdict, beside the curves."""
    scores, primary = record.scores, record.primary
    assert scores and primary
    rows: dict[str, Any] = {f"test/{name}": value for name, value in scores.metrics["test"].items()}
    rows |= {f"baseline/{b}/{primary.metric}": s[primary.metric] for b, s in scores.baselines["test"].items()}
    for logger in loggers:
        logger.log_metrics(rows)
        logger.save()


def report(record: RunRecord, folder: Path) -> None:
    """Writes report.html into the run's folder. Raises FileError; one that can't be drawn must not cost a finished run."""
    try:
        write_report(record, read_curves(folder / CURVES), folder / "report.html")
    except FileError:
        raise
    except Exception:
        log.exception("the report could not be written")
