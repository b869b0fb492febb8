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
from omegaconf import DictConfig, OmegaConf

from kmidi_lab import ancestry, hardware, mixed_start, ready, resume, run_file, start_weights
from kmidi_lab.after_fit import distil_student, evaluate, log_scores, report, training_of
from kmidi_lab.best_checkpoint import BestCheckpoint, FitResult
from kmidi_lab.checkpoints import LastCheckpoint
from kmidi_lab.data import DataModule, handshake
from kmidi_lab.errors import ConfigError
from kmidi_lab.export.publish import ExportCallback, Publication
from kmidi_lab.export.rtneural.runner import runner_from_env
from kmidi_lab.first_record import counts, new_record, write_first
from kmidi_lab.heard_items import keep_heard
from kmidi_lab.loggers import CURVES, CurvesLogger
from kmidi_lab.nn.module import LabModule
from kmidi_lab.registry.registry import check_writable, load_registry
from kmidi_lab.run_record import RunRecord
from kmidi_lab.scoring.evaluation import Evaluator
from kmidi_lab.targets import build, find
from kmidi_lab.trainer import SizeLimit, check_average, check_trainer, make_trainer
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

    # What would stop the run must not be found out after hours of training.
    machine = hardware.resolve(**OmegaConf.to_container(cfg.hardware))  # type: ignore[arg-type]
    hardware.may_train(cfg.build.name, cfg.build.may_train, cfg.preset)
    added = check_trainer(cfg, machine, folder)
    limits = _limits(cfg, machine)
    settings = cfg.trainer
    resumed = resume.find(settings.resume, limits.epochs, settings.patience, settings.min_epochs, settings.ema)
    check_average(cfg.trainer.ema, machine.precision)
    if cfg.export.enabled:
        runner_from_env()
        check_writable(Path(cfg.models_root))
        load_registry(Path(cfg.models_root))

    L.seed_everything(cfg.seed, verbose=False)
    data = ready.data_module(cfg, limits.batch_size)
    shares = mixed_start.checked(cfg.model.mix_with_start, cfg.model.init_from, data.keeps_test)
    if cfg.export.enabled and not data.keeps_test:
        raise ConfigError(
            "data.train_on=all keeps nothing to test on, so this run can't publish itself; type export.enabled=false, then "
            "task=export export.source=RUN export.spread=SPLIT_RUN with the run or sweep that was trained on the split"
        )
    with SizeLimit(machine):
        module = build(cfg.model.module, LabModule, cfg.trusted)
    evaluator = build(cfg.model.evaluator, Evaluator, cfg.trusted)
    start = start_weights.load(module, cfg.model.init_from) if cfg.model.init_from else None
    module.start_from(cfg.model.freeze, cfg.model.layer_rate, bool(cfg.model.init_from))
    if start:
        data.use_contract(module.contract.version)
    if resumed:
        ancestry.check_resumed(resumed, start, data.train_on)
        module.use_contract(resumed.contract_version)
        resumed.check(module, module.upgraded)
        if shares:
            mixed_start.check_kept(resumed)
        else:
            mixed_start.remind(resumed)
        data.use_contract(resumed.contract_version)
    handshake(module, data)
    data.prepare_data()
    data.setup("fit")
    data.check_parts()
    if more:
        data.mixed_in = more.begin(data)

    record = new_record(cfg, context, machine, data, module)
    if resumed:
        ancestry.tell_resumed(record, resumed)
    elif start:
        ancestry.tell_start(record, start)
    assert record.data
    module.heard_all = not data.keeps_test or record.data.began_with_all
    write_first(data, record, folder)
    # Of a retraining only the last weights count, so one that was cut off before its end has no best ones.
    earlier = (
        resumed.path.parent if resumed and (more is None or resumed.path.with_name(resume.BEST).is_file()) else None
    )
    trained_on = [data.describe(), record.config["model"]["module"]]
    best = BestCheckpoint(folder / "checkpoints", trained_on, earlier, data.keeps_test)
    last = LastCheckpoint(folder / "checkpoints", more.kept_steps if more else 0, data.keeps_test)
    kept = [best, last, *([mixed_start.KeptStart()] if shares else [])]
    trainer = make_trainer(cfg, context, machine, limits, folder, kept, added)
    for logger in trainer.loggers:
        logger.log_hyperparams(record.config)
    with _finished_loggers(trainer, record, folder):
        fitted = _fitted(trainer, module, data, best, resumed, record)
        if fitted is None:
            return record
        if shares:
            fitted, share = mixed_start.mix(fitted, shares, module, data, best, machine)
            record.data.more["started_from"]["share_learnt"] = share
        record.training = training_of(fitted, module, limits.batch_size * limits.accumulate)
        # Of a sweep that tests the chosen setting alone, the chosen job goes on from here when all are trained.
        if not (cfg.sweep.test == "chosen" and context["group"]):
            device = trainer.strategy.root_device
            record.student = distil_student(
                module, data, cfg.trainer.limit_train_batches, device, folder, cfg.trainer.progress
            )
            if data.keeps_test:  # what it says of takes that it has heard is no score
                evaluate(record, module, evaluator, data)
                keep_worst(record, module, evaluator, data, folder)
                keep_heard(record, module, evaluator, data, folder)
                log_scores(record, trainer.loggers)
                if cfg.export.enabled and (more is None or more.gate(record, module, data)):
                    _export(cfg, context, trainer, module, data, record)
        run_file.finish(record)
        run_file.write(record, folder)
        if record.scores:
            report(record, folder)
    return record


def quieten_lightning() -> None:
    """Its tips and device lists drown what the lab says; its warnings of real trouble are errors here anyway."""
    for name in ("lightning.pytorch", "lightning.fabric", "pytorch_lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")


def _limits(cfg: DictConfig, machine: hardware.Hardware) -> hardware.Limits:
    return hardware.guard(
        machine,
        cfg.preset,
        cfg.trainer.max_epochs,
        cfg.data.batch_size,
        cfg.trainer.accumulate,
        find(cfg.data._target_, DataModule, cfg.trusted).bytes_per_example,
    )


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


def _export(
    cfg: DictConfig, context: dict[str, Any], trainer: L.Trainer, module: LabModule, data: DataModule, record: RunRecord
) -> None:
    export, group = cfg.export, str(context["group"] or "")
    to = Publication(Path(cfg.models_root), export.tolerance, export.calls, export.release, export.cpp, group)
    # Its hook is called by hand: a test of the trainer's own would wait for ranks that have gone.
    ExportCallback(record, data, to).on_test_end(trainer, module)


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
