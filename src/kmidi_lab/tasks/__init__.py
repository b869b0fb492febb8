"""One file a task; `run_task` picks it by the config's `task`."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from omegaconf import DictConfig, OmegaConf

from kmidi_lab import hardware
from kmidi_lab.errors import ConfigError, UserError
from kmidi_lab.targets import check_names

_MODULES = {
    "train": "train",
    "eval": "evaluate",
    "export": "export",
    "bench": "bench",
    "verify": "verify",
    "registry": "registry",
    "predict": "predict",
    "compose": "compose",
    "serve": "serve",
    "feedback": "feedback",
    "collect": "collect",
    "monitor": "monitor",
    "queue": "queue",
    "label": "label",
    "retrain": "retrain",
    "adapt": "adapt",
    "prepare": "prepare",
    "info": "info",
    "dashboard": "dashboard",
    "hub": "hub",
}
_TRAINING = ("train", "eval", "export", "prepare", "monitor", "retrain", "adapt")
_NO_MODEL = (
    "no model there; give a run folder, a .ckpt, an .onnx or a folder with registry.json, such as outputs/release"
)
_NO_CHECKPOINT = "no checkpoint there; give a run folder or a .ckpt file"
_NO_RUN = "no run there; give a run folder, such as outputs/runs/harmony/…"
_NO_SWEEP = "no sweep there; give its folder, such as outputs/sweeps/…, which holds the jobs' folders 0, 1, …"
_NO_WEIGHTS = "no weights there; give a run folder, a .ckpt, or a folder with registry.json; type {example}"
_READ = {
    "train": (("trainer.resume", _NO_CHECKPOINT), ("model.init_from", _NO_WEIGHTS)),
    "eval": (("eval.model", _NO_MODEL), ("eval.sweep", _NO_SWEEP)),
    "export": (("export.source", _NO_RUN),),
}
"""The files or folders that a task starts from where one is named."""


def run_task(cfg: DictConfig, context: dict[str, Any]) -> None:
    """Runs `cfg.task`; `context` holds the job's folder, command, start time and sweep group.

    Raises:
        UserError: the task needs packages that `pip install kmidi_lab` alone does not bring, or its input is wrong.
    """
    if cfg.task in _TRAINING and not all(map(_is_there, ("torch", "lightning"))):
        raise UserError(f"task={cfg.task} needs the training packages; type pip install 'kmidi_lab[train]'")
    _check(cfg)
    module_of(cfg.task).main(cfg, context)


def module_of(task: str) -> ModuleType:
    """Imports what runs `task`, and with it what a task of its kind needs."""
    return importlib.import_module(f"kmidi_lab.tasks.{_MODULES[task]}")


def _is_there(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _example(key: str) -> str:
    """A folder with weights, as what to type for `key`."""
    from kmidi_lab.inference.published import example_root  # imports what reads ONNX files

    return example_root(key, whole=True)


def _check(cfg: DictConfig) -> None:
    """Raises UserError for what shows before torch and Lightning are imported, which takes seconds; the task itself
    would later.
    """
    for key in ("data", "model.module", "model.evaluator", "model.feedback"):
        check_names(OmegaConf.select(cfg, key), cfg.trusted)
    for key in ("callbacks", "trainer", "logger.more"):
        check_names(OmegaConf.select(cfg, key), [*cfg.trusted, "lightning"])
    for key, why in _READ.get(cfg.task, ()):
        source = OmegaConf.select(cfg, key)
        if source and not Path(source).exists():
            raise ConfigError(f"{key}={source}: {why.format(example=_example(key))}")
    if cfg.task in ("train", "retrain"):
        hardware.check_choices(cfg.hardware.accelerator, cfg.hardware.precision)
        hardware.may_train(cfg.build.name, cfg.build.may_train, cfg.preset)
    if cfg.task == "export" and not cfg.export.source:
        raise ConfigError("task=export needs a finished run; type export.source=outputs/runs/harmony/…")
