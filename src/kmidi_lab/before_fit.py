"""What comes before the training, step by step: what would stop it is looked for, then its parts are made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import lightning as L
from omegaconf import DictConfig, OmegaConf

from kmidi_lab import ancestry, hardware, mixed_start, ready, resume, start_weights
from kmidi_lab.ancestry import Start
from kmidi_lab.data import DataModule, handshake
from kmidi_lab.errors import ConfigError
from kmidi_lab.export.rtneural.runner import runner_from_env
from kmidi_lab.nn.module import LabModule
from kmidi_lab.registry.lock import check_writable
from kmidi_lab.registry.registry import load_registry
from kmidi_lab.scoring.evaluation import Evaluator
from kmidi_lab.targets import build, find
from kmidi_lab.trainer import SizeLimit, check_average, check_trainer


@dataclass(frozen=True)
class Terms:
    """On what terms a run trains: the machine, what it allows, and the callbacks that the user adds.

    `resumed` is where the run goes on from, None for one that begins anew.
    """

    machine: hardware.Hardware
    limits: hardware.Limits
    resumed: resume.ResumePoint | None
    callbacks: list[L.Callback]


@dataclass(frozen=True)
class Parts:
    """Data, network and evaluator of a run, which fit each other, with what the network starts from.

    `shares` are those of `model.mix_with_start`, none where nothing is mixed in.
    """

    data: DataModule
    module: LabModule
    evaluator: Evaluator
    start: Start | None
    shares: list[float]


def terms(cfg: DictConfig, folder: Path) -> Terms:
    """What would stop the run must not be found out after hours of training. Raises LabError with one line."""
    machine = hardware.resolve(**OmegaConf.to_container(cfg.hardware))  # type: ignore[arg-type]
    hardware.may_train(cfg.build.name, cfg.build.may_train, cfg.preset)
    callbacks = check_trainer(cfg, machine, folder)
    limits = _limits(cfg, machine)
    settings = cfg.trainer
    resumed = resume.find(settings.resume, limits.epochs, settings.patience, settings.min_epochs, settings.ema)
    check_average(settings.ema, machine.precision)
    if cfg.export.enabled:
        runner_from_env()
        check_writable(Path(cfg.models_root))
        load_registry(Path(cfg.models_root))
    return Terms(machine, limits, resumed, callbacks)


def _limits(cfg: DictConfig, machine: hardware.Hardware) -> hardware.Limits:
    return hardware.guard(
        machine,
        cfg.preset,
        cfg.trainer.max_epochs,
        cfg.data.batch_size,
        cfg.trainer.accumulate,
        find(cfg.data._target_, DataModule, cfg.trusted).bytes_per_example,
    )


def parts(cfg: DictConfig, on: Terms) -> Parts:
    """Builds data, network and evaluator, puts the weights in that the run starts from, and prepares the data.

    Raises LabError with one line.
    """
    data = ready.data_module(cfg, on.limits.batch_size)
    shares = mixed_start.checked(cfg.model.mix_with_start, cfg.model.init_from, data.keeps_test)
    if cfg.export.enabled and not data.keeps_test:
        raise ConfigError(
            "data.train_on=all keeps nothing to test on, so this run can't publish itself; type export.enabled=false, then "
            "task=export export.source=RUN export.spread=SPLIT_RUN with the run or sweep that was trained on the split"
        )
    with SizeLimit(on.machine):
        module = build(cfg.model.module, LabModule, cfg.trusted)
    evaluator = build(cfg.model.evaluator, Evaluator, cfg.trusted)
    start = start_weights.load(module, cfg.model.init_from) if cfg.model.init_from else None
    module.start_from(cfg.model.freeze, cfg.model.layer_rate, bool(cfg.model.init_from))
    if start:
        data.use_contract(module.contract.version)
    made = Parts(data, module, evaluator, start, shares)
    if on.resumed:
        _go_on_from(on.resumed, made)
    handshake(module, data)
    data.prepare_data()
    data.setup("fit")
    data.check_parts()
    return made


def _go_on_from(resumed: resume.ResumePoint, made: Parts) -> None:
    """Network and data speak the contract of the run that is gone on from, whose checkpoint must fit them."""
    ancestry.check_resumed(resumed, made.start, made.data.train_on)
    made.module.use_contract(resumed.contract_version)
    resumed.check(made.module, made.module.upgraded)
    if made.shares:
        mixed_start.check_kept(resumed)
    else:
        mixed_start.remind(resumed)
    made.data.use_contract(resumed.contract_version)
