"""The recipe of a training run, read from top to bottom.

check → hardware → guard → seed → data → model → handshake → fit → distil → evaluate → export → report
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning as L
from lightning.pytorch.loggers import WandbLogger
from omegaconf import DictConfig

from kmidi_lab import ancestry, before_fit, mixed_start, resume, run_file
from kmidi_lab.after_fit import distil_student, evaluate, log_scores, report, training_of
from kmidi_lab.best_checkpoint import BestCheckpoint, FitResult
from kmidi_lab.checkpoints import LastCheckpoint
from kmidi_lab.data import DataModule
from kmidi_lab.export.publish import Publication, export_trained
from kmidi_lab.first_record import counts, new_record, write_first
from kmidi_lab.heard_items import keep_heard
from kmidi_lab.loggers import CURVES, CurvesLogger
from kmidi_lab.nn.module import LabModule
from kmidi_lab.run_record import RunRecord
from kmidi_lab.trainer import make_trainer
from kmidi_lab.wandb_results import finish_wandb
from kmidi_lab.worst_items import keep_worst

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Additions:
    """What task=retrain adds to a training.

    Args:
        begin: is given the data before anything is trained, and may raise LabError; returns what makes of each training
            batch, and its number, what is trained on.
        gate: whether what was trained and scored may be exported, beside the checks of every export.
        kept_steps: after so many steps each, a checkpoint is kept to go on from.
    """

    begin: Callable[[DataModule], Callable[[Any, int], Any]]
    gate: Callable[[RunRecord, LabModule, DataModule], bool]
    kept_steps: int


def train(cfg: DictConfig, context: dict[str, Any], more: Additions | None = None) -> RunRecord:
    """One run in `context["folder"]`; returns its record, which has no scores on other ranks than the first.

    Args:
        cfg: all settings.
        context: the job's folder, command, start time and sweep group.
        more: of a training from feedback.

    Raises LabError with one line.
    """
    folder: Path = context["folder"]
    quieten_lightning()
    terms = before_fit.terms(cfg, folder)
    L.seed_everything(cfg.seed, verbose=False)
    parts = before_fit.parts(cfg, terms)
    data, module = parts.data, parts.module
    if more:
        data.mixed_in = more.begin(data)

    record = _first_record(cfg, context, terms, parts)
    best = _best(folder, data, record, terms.resumed, more)
    last = LastCheckpoint(folder / "checkpoints", more.kept_steps if more else 0, data.keeps_test)
    kept = [best, last, *([mixed_start.KeptStart()] if parts.shares else [])]
    trainer = make_trainer(cfg, context, terms.machine, terms.limits, folder, kept, terms.callbacks)
    for logger in trainer.loggers:
        logger.log_hyperparams(record.config)
    with _finished_loggers(trainer, record, folder):
        fitted = _fitted(trainer, module, data, best, terms.resumed, record)
        if fitted is None:
            return record
        if parts.shares:
            fitted, share = mixed_start.mix(fitted, parts.shares, module, data, best, terms.machine)
            assert record.data
            record.data.more["started_from"]["share_learnt"] = share
        record.training = training_of(fitted, module, terms.limits.batch_size * terms.limits.accumulate)
        # Of a sweep that tests the chosen setting alone, the chosen job goes on from here when all are trained.
        if not (cfg.sweep.test == "chosen" and context["group"]):
            _conclude(cfg, context, trainer, parts, record, more)
        run_file.finish(record)
        run_file.write(record, folder)
        if record.scores:
            report(record, folder)
    return record


def _first_record(
    cfg: DictConfig, context: dict[str, Any], terms: before_fit.Terms, parts: before_fit.Parts
) -> RunRecord:
    """The record as it is before anything is trained, also in the run's folder."""
    data, module = parts.data, parts.module
    record = new_record(cfg, context, terms.machine, data, module)
    if terms.resumed:
        ancestry.tell_resumed(record, terms.resumed)
    elif parts.start:
        ancestry.tell_start(record, parts.start)
    assert record.data
    module.heard_all = not data.keeps_test or record.data.began_with_all
    write_first(data, record, context["folder"])
    return record


def _best(
    folder: Path, data: DataModule, record: RunRecord, resumed: resume.ResumePoint | None, more: Additions | None
) -> BestCheckpoint:
    """Keeps the best epoch, from that of the run that is gone on from."""
    # Of a retraining only the last weights count, so one that was cut off before its end has no best ones.
    earlier = (
        resumed.path.parent if resumed and (more is None or resumed.path.with_name(resume.BEST).is_file()) else None
    )
    trained_on = [data.describe(), record.config["model"]["module"]]
    return BestCheckpoint(folder / "checkpoints", trained_on, earlier, data.keeps_test)


def _conclude(
    cfg: DictConfig,
    context: dict[str, Any],
    trainer: L.Trainer,
    parts: before_fit.Parts,
    record: RunRecord,
    more: Additions | None,
) -> None:
    """Distils, scores and exports the network, which has the best weights."""
    folder, module, data, evaluator = context["folder"], parts.module, parts.data, parts.evaluator
    device = trainer.strategy.root_device
    record.student = distil_student(module, data, cfg.trainer.limit_train_batches, device, folder, cfg.trainer.progress)
    if not data.keeps_test:  # what it says of takes that it has heard is no score
        return
    evaluate(record, module, evaluator, data)
    keep_worst(record, module, evaluator, data, folder)
    keep_heard(record, module, evaluator, data, folder)
    log_scores(record, trainer.loggers)
    if cfg.export.enabled and (more is None or more.gate(record, module, data)):
        _export(cfg, context, module, data, record)


def quieten_lightning() -> None:
    """Its tips and device lists drown what the lab says; its warnings of real trouble are errors here anyway."""
    for name in ("lightning.pytorch", "lightning.fabric", "pytorch_lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")


def _fitted(
    trainer: L.Trainer,
    module: LabModule,
    data: DataModule,
    best: BestCheckpoint,
    resumed: resume.ResumePoint | None,
    record: RunRecord,
) -> FitResult | None:
    """What training has left, of this run or of one that had trained all its epochs; None on other ranks than the first."""
    if resumed:
        for logger in trainer.loggers:
            if isinstance(logger, CurvesLogger):
                logger.go_on_from(resumed.path.parents[1] / CURVES, None if resumed.finished else resumed.epochs)
    if resumed and resumed.finished:
        fitted = best.finished(resumed)
        # As after a fit: data may ask on which device and for how long it was trained.
        data.trainer = trainer
        trainer.fit_loop.epoch_progress.current.processed = fitted.epochs  # type: ignore[attr-defined]
        return fitted
    log.info("training %s on %s: %s", record.identity.model, record.hardware["accelerator"], counts(record))
    with best.restoring(resumed):
        trainer.fit(module, datamodule=data, ckpt_path=resumed.path if resumed else None, weights_only=True)
    # From here on no rank waits for another: what follows may take longer than they would.
    return best.fitted(trainer) if trainer.is_global_zero else None


def _export(cfg: DictConfig, context: dict[str, Any], module: LabModule, data: DataModule, record: RunRecord) -> None:
    export, group = cfg.export, str(context["group"] or "")
    to = Publication(Path(cfg.models_root), export.tolerance, export.calls, export.release, export.cpp, group)
    export_trained(module, data, record, to)


@contextmanager
def _finished_loggers(trainer: L.Trainer, record: RunRecord, folder: Path) -> Iterator[None]:
    """Closes W&B's run whatever happens, as failed where something did."""
    failed = True
    try:
        yield
        failed = False
    finally:
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                finish_wandb(logger, record, folder, failed)
