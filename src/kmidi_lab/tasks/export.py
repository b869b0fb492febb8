"""task=export: proves and publishes a run again, with the spread of its sweep; or one that was stopped, as far as it got."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig

from kmidi_lab import ancestry, mixed_start, run_file
from kmidi_lab.after_fit import distil_student, evaluate, training_of
from kmidi_lab.best_checkpoint import BestCheckpoint
from kmidi_lab.data import DataModule
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.export.publish import Publication, export_trained
from kmidi_lab.nn.module import LabModule, Trained
from kmidi_lab.provenance import machine_fingerprint
from kmidi_lab.registry.lock import check_writable
from kmidi_lab.report.leaderboard import leaderboard
from kmidi_lab.resume import LAST, read
from kmidi_lab.run_record import Identity, Network, RunRecord
from kmidi_lab.scoring.evaluation import Evaluator
from kmidi_lab.targets import build
from kmidi_lab.tasks.run_data import data_of
from kmidi_lab.tasks.run_weights import load_run
from kmidi_lab.tasks.split_runs import folds_of, score_by_split_run, spread_of

log = logging.getLogger(__name__)


def main(cfg: DictConfig, context: dict[str, Any]) -> None:
    export, models_root = cfg.export, Path(cfg.models_root)
    check_writable(models_root)
    module, config, checkpoint = load_run(Path(export.source), cfg.trusted)
    folder = checkpoint.parent.parent
    check_mixed(checkpoint, config)
    record = _record(folder, config, module)
    lone = record.data is None
    data = data_of(folder, config, module, record, cfg, scoring=record.identity.status == "ok")
    assert record.data is not None
    if lone:
        record.data.more["started_from"] = ancestry.tell_lone(checkpoint, data.train_on)
    record.data.settings = data.identity(config["data"])  # a run of 0.1.0 didn't record them
    if record.identity.status != "ok":
        _complete(record, module, data, config, checkpoint, context["folder"])
    evaluator = build(config["model"].get("evaluator"), Evaluator, cfg.trusted)
    if data.keeps_test:
        folds: Iterable[Trained] = ()
        if export.spread:
            record.spread = spread_of(Path(export.spread), record)
            if record.spread.folds:
                folds = folds_of(Path(export.spread), cfg)
        elif folder.name.isdigit():
            record.spread = leaderboard(folder.parent)[1]
        # The scores published are always those of these weights, whatever was in run.json.
        evaluate(record, module, evaluator, data, folds)
    else:
        score_by_split_run(record, module, config, evaluator, cfg)
    to = Publication(models_root, export.tolerance, export.calls, export.release, export.cpp)
    export_trained(module, data, record, to)
    run_file.write(record, context["folder"])
    status = record.export.status if record.export else "not exported"
    print(f"{record.identity.id}: {status} in {models_root} | record: {context['folder'] / run_file.FILE}")


def check_mixed(checkpoint: Path, config: Mapping[str, Any]) -> None:
    """Raises ConfigError: weights of a run that mixes, but not those that it ends with."""
    shares, kept = config["model"].get("mix_with_start"), read(checkpoint)
    if shares and kept is not None and not mixed_start.is_mixed(kept):
        raise ConfigError(
            f"{checkpoint}: not mixed with the start yet, as {mixed_start.KEY}={list(shares)} says; give best.ckpt of a run "
            f"that has finished, or finish this one with trainer.resume={checkpoint.parent.parent}"
        )


def _record(folder: Path, config: Mapping[str, Any], module: LabModule) -> RunRecord:
    """The run's own record, or as much of one as its other files say."""
    try:
        return run_file.read(folder / run_file.FILE)
    except DataError as error:
        log.warning("%s: its settings and checkpoint are taken without it", error)
    contract = module.contract
    identity = Identity(folder.name, contract.model, contract.id, contract.version, seed=config.get("seed"))
    network = Network(module.parameter_count, module.architecture)
    here, hardware = machine_fingerprint(), {"accelerator": "unknown"}
    return RunRecord(identity, machine=here, hardware=hardware, config=dict(config), network=network)


def _complete(
    record: RunRecord, module: LabModule, data: DataModule, config: Mapping[str, Any], checkpoint: Path, folder: Path
) -> None:
    """What a run lacks that was stopped after its best epoch was kept: how it was trained, and its student."""
    why = record.identity.error or "it has not finished"
    log.warning("%s: %s; the weights of its best epoch so far are exported", checkpoint, why)
    best = BestCheckpoint(checkpoint.parent, [data.describe(), config["model"]["module"]])
    if not best.is_of_this(checkpoint):
        raise ConfigError(f"{checkpoint}: trained on other data or settings; set DATA_ROOT to the same data")
    last = checkpoint.with_name(LAST)
    fitted = best.left_by(checkpoint, last if read(last) else checkpoint)
    record.training = training_of(fitted, module, None)
    if module.student is None or record.student is None:
        limit = config.get("trainer", {}).get("limit_train_batches", 1.0)
        cpu = torch.device("cpu")
        record.student = distil_student(module, data, int(limit) if limit > 1 else limit, cpu, folder, False)
    run_file.finish(record)
